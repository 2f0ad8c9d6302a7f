"""The shift: who is there, what happened, what is left to do, and the handover to the next."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

from mainstay import handover
from mainstay.acts.shift import commands
from mainstay.api import asking
from mainstay.api.routes import shapes
from mainstay.api.routes.shapes import At, Limit, Listed, Sentence, When
from mainstay.foundation.clock import to_text
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import NotFound
from mainstay.foundation.nearest import hint
from mainstay.web import require

READ = "handover.read"
DAY = timedelta(days=1)
Said = Annotated[str, Field(max_length=10_000)]
Person = Annotated[str | None, Field(max_length=63)]


class Shift(BaseModel):
    """A shift of a team, with whoever works it. `missing`: how many more are needed."""

    team: str
    shift: str
    starts_at: At
    ends_at: At
    people: list[str]
    lead: str | None
    away: dict[str, str]
    wanted: int
    missing: int
    sentence: str


class LogLine(BaseModel):
    """A line of the log: a row of the record."""

    seq: int
    at: At
    actor: str
    kind: str
    because: str
    incident: str | None
    subject: str


class FollowUp(BaseModel):
    """What is left to do; `owner` null: whoever has the shift."""

    id: str
    team: str
    text: str
    owner: str | None
    author: str
    at: At


class Handover(BaseModel):
    """From one shift to the next: draft, offered, accepted, or lapsed."""

    id: str
    team: str
    shift: str
    starts_at: At
    ends_at: At
    next_shift: str | None
    state: str
    offered_by: str | None
    accepted_by: str | None
    accepted_at: At | None
    content_sha256: str | None


class WholeHandover(Handover):
    """With what it says: as it was accepted, or as it stands now."""

    content: Annotated[dict[str, Any], Field(description="Sections, each a list; and `sentence`.")]


class HandoverDone(Sentence):
    """What was done, and how it stands now."""

    handover: WholeHandover


class NewNote(shapes.Asked):
    """A line for the log."""

    text: Annotated[str, Field(max_length=handover.log.NOTE_MAX)]


class NewFollowUp(shapes.Asked):
    """Something left to do."""

    text: Annotated[str, Field(max_length=handover.log.NOTE_MAX)]
    owner: Person = None


class FollowUpMade(Sentence):
    """What was made."""

    followup: FollowUp


class Edited(shapes.Asked):
    """What the leaver adds."""

    said: Said


class Offered(shapes.Asked):
    """I hand over; `said` replaces what was added before."""

    said: Annotated[str | None, Field(max_length=10_000)] = None


class Accepted(shapes.Asked):
    """I take over."""

    note: Said = ""


def list_shifts(
    call: asking.Asked, team: str, start: Annotated[When | None, Query()] = None,
    days: Annotated[int, Query(ge=1, le=62)] = 1,
) -> Listed[Shift]:  # fmt: skip
    """The shifts of a team that are on or come, with whoever works them."""
    _readable(call, team)
    view, begin = call.view(), start or call.now

    def look(tx: Tx) -> list[Shift]:
        found = handover.shifts.stretches(view, team, begin, begin + days * DAY)
        return [_shift(handover.shifts.staffing(tx, view, one)) for one in found]

    return Listed(items=call.read(look))


def get_log(
    call: asking.Asked, team: str, start: Annotated[When | None, Query()] = None,
    end: Annotated[When | None, Query()] = None, limit: Limit = 200,
) -> Listed[LogLine]:  # fmt: skip
    """The log of a team, oldest first; of the shift that is on, or of the last 8 hours."""
    _readable(call, team)
    view, until = call.view(), end or call.now + timedelta(seconds=1)
    if start is None:
        on = handover.shifts.at(view, team, call.now)
        start = min((one.starts_at for one in on), default=call.now - timedelta(hours=8))
    found = call.read(
        lambda tx: handover.log.entries(tx, view, team, start=start, end=until, limit=limit)
    )
    return Listed(items=[_line(one) for one in found])


def write_log(call: asking.Asked, team: str, body: NewNote) -> Sentence:
    """Write a line into the log."""
    return Sentence(sentence=call.act(commands.WriteLog(team, body.text)).sentence)


def list_followups(call: asking.Asked, team: str) -> Listed[FollowUp]:
    """What is left to do for a team, the oldest first."""
    _readable(call, team)
    found = call.read(lambda tx: handover.passing.open_of(tx, team))
    return Listed(items=[_followup(one) for one in found])


def add_followup(call: asking.Asked, team: str, body: NewFollowUp) -> FollowUpMade:
    """Leave something for a later shift to do."""
    done = call.act(commands.AddFollowUp(team, body.text, body.owner))
    return FollowUpMade(sentence=done.sentence, followup=_followup(done.value))


def end_followup(call: asking.Asked, id: str) -> Sentence:
    """It is done."""
    return Sentence(sentence=call.act(commands.EndFollowUp(id)).sentence)


def list_handovers(
    call: asking.Asked, team: Annotated[str | None, Query(max_length=63)] = None, limit: Limit = 20
) -> Listed[Handover]:
    """The newest handovers, newest first."""
    if team is not None:
        _readable(call, team)
    teams = call.actor.teams(READ)
    found = call.read(lambda tx: handover.passing.newest(tx, team=team, limit=limit))
    return Listed(
        items=[Handover(**_words(one)) for one in found if teams is None or one.team in teams]
    )


def get_handover(call: asking.Asked, id: str) -> WholeHandover:
    """One handover, whole."""
    found = call.read(lambda tx: handover.passing.by_id(tx, id))
    if found is None:
        raise NotFound(f"There is no handover {id[:60]!r}; GET /handovers lists them.")
    require(call, READ, what="GET /mainstay/v1/handovers/{id}", team=found.team)
    return _whole(call, found)


def edit_handover(call: asking.Asked, id: str, body: Edited) -> HandoverDone:
    """What the leaver adds."""
    done = call.act(commands.EditHandover(id, body.said))
    return HandoverDone(sentence=done.sentence, handover=_whole(call, done.value))


def offer_handover(call: asking.Asked, id: str, body: Offered) -> HandoverDone:
    """The leaver hands over."""
    done = call.act(commands.OfferHandover(id, body.said))
    return HandoverDone(sentence=done.sentence, handover=_whole(call, done.value))


def accept_handover(call: asking.Asked, id: str, body: Accepted) -> HandoverDone:
    """The taker takes over: what it says is frozen, and its hash goes into the record."""
    done = call.act(commands.AcceptHandover(id, body.note))
    return HandoverDone(sentence=done.sentence, handover=_whole(call, done.value))


def _readable(call: asking.Asked, team: str) -> None:
    declared = call.view().estate.teams
    if team not in declared:
        raise NotFound(f"The estate has no team {team[:60]!r}{hint(team[:60], declared)}.")
    require(call, READ, what="GET /mainstay/v1/teams/{team}", team=team)


def _shift(one: handover.shifts.Staffing) -> Shift:
    stretch = one.stretch
    return Shift(
        team=stretch.team, shift=stretch.shift, starts_at=to_text(stretch.starts_at),
        ends_at=to_text(stretch.ends_at), people=list(one.people), lead=one.lead, away=one.away,
        wanted=one.wanted, missing=one.missing, sentence=one.sentence,
    )  # fmt: skip


def _line(one: handover.log.Entry) -> LogLine:
    return LogLine(
        seq=one.seq, at=to_text(one.at), actor=one.actor, kind=one.kind, because=one.because,
        incident=one.incident, subject=one.subject,
    )  # fmt: skip


def _followup(one: handover.passing.FollowUp) -> FollowUp:
    return FollowUp(
        id=one.id, team=one.team, text=one.text, owner=one.owner, author=one.author,
        at=to_text(one.at),
    )  # fmt: skip


def _words(one: handover.passing.Handover) -> dict[str, Any]:
    return {
        "id": one.id, "team": one.team, "shift": one.shift, "starts_at": to_text(one.starts_at),
        "ends_at": to_text(one.ends_at), "next_shift": one.next_shift, "state": one.state,
        "offered_by": one.offered_by, "accepted_by": one.accepted_by,
        "accepted_at": None if one.accepted_at is None else to_text(one.accepted_at),
        "content_sha256": one.content_hash,
    }  # fmt: skip


def _whole(call: asking.Asked, one: handover.passing.Handover) -> WholeHandover:
    view = call.view()
    content = call.read(lambda tx: handover.passing.content(tx, view, one, now=call.now))
    return WholeHandover(**_words(one), content=content)
