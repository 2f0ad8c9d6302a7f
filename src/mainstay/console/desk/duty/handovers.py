"""The shift: who is there, what happened, what is left to do; and the handover to the next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from mainstay import acts, handover
from mainstay.acts.shift import commands
from mainstay.console.desk.duty.checklists import LOOKS, READ
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Form, Part, Showing, Went
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import NotFound

LAST = timedelta(hours=8)
"""What the log shows where no shift is on."""
LOG_SHOWN = 200
AHEAD = timedelta(hours=24)
SECTIONS = (
    ("incidents", "Open incidents"), ("silences", "Silences"), ("flapping", "What flaps"),
    ("changes", "What was changed"), ("due", "What is due"), ("waivers", "Waivers"),
    ("followups", "To follow up"),
)  # fmt: skip


def teams(reader: Reader) -> list[str]:
    """The teams whose shifts the reader may see: their own first."""
    declared = reader.view.estate.teams
    found = [
        name for name, team in declared.items() if team.shifts and reader.actor.has(READ, team=name)
    ]
    return sorted(found, key=lambda name: reader.actor.id not in declared[name].members)


def team_of(reader: Reader) -> str:
    """The team that is asked for, or the reader's own. NotFound where no team has shifts."""
    known = teams(reader)
    asked = reader.query.get("team") or reader.text("team")
    if asked and asked in known:
        return asked
    if asked or not known:
        raise NotFound("There is no such team with shifts; declare them under teams: … shifts.")
    return known[0]


def shift(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The screen of the shift."""
    team = team_of(reader)
    on = [handover.shifts.staffing(tx, reader.view, one) for one in _on(reader, team)]
    if on:
        said = "; ".join(
            f"{one.stretch.shift} until {reader.times.short(one.stretch.ends_at)}, {_who(reader, one)}"
            for one in on
        )
        sentence = f"On shift: {said}."
    else:
        sentence = f"No shift of {team} is on."
    return {
        "title": "Shift", "where": "Shift", "team": team, "teams": teams(reader),
        "sentence": sentence, "short": [one for one in on if one.missing],
    }  # fmt: skip


def log(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """What happened since the shift began, newest first."""
    team = team_of(reader)
    start = min((one.starts_at for one in _on(reader, team)), default=reader.now - LAST)
    end = reader.now + timedelta(seconds=1)
    found = handover.log.entries(
        tx, reader.view, team, start=start, end=end, limit=LOG_SHOWN
    )  # fmt: skip
    return {"team": team, "lines": found[::-1], "start": start}


def side(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """Who comes next, and what is left to do."""
    team = team_of(reader)
    coming = handover.shifts.stretches(reader.view, team, reader.now, reader.now + AHEAD)
    return {
        "team": team, "todo": handover.passing.open_of(tx, team),
        "staff": [handover.shifts.staffing(tx, reader.view, one) for one in coming],
        "people": reader.view.estate.people,
    }  # fmt: skip


def newest(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The newest handover of a team; before the first, when it is drafted."""
    team = team_of(reader)
    found = handover.passing.newest(tx, team=team, limit=1)
    words = {"title": "Handover", "where": "Handover", "team": team, "teams": teams(reader)}
    return words | {"one": found[0] if found else None}


def one(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """One handover."""
    found = _handover(reader, tx)
    return {"title": "Handover", "where": "Handover", "team": found.team, "teams": [], "one": found}


def paper(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """What it says: as it was accepted, or as it stands now; and who may do what to it."""
    found = _handover(reader, tx)
    content = handover.passing.content(tx, reader.view, found, now=reader.now)
    mine = reader.may("handover.act")
    return {
        "one": found, "content": content, "sections": SECTIONS, "looks": LOOKS, "at": _instant,
        "may_edit": found.is_open and mine, "may_offer": found.state == "draft" and mine,
        "may_accept": mine and _may_accept(reader, tx, found),
    }  # fmt: skip


def _may_accept(reader: Reader, tx: Tx, one: handover.passing.Handover) -> bool:
    is_lead = reader.actor.has("handover.waive", team=one.team)
    return one.is_open and handover.passing.why_not(
        tx, reader.view, one, person=reader.actor.id, is_lead=is_lead
    ) is None  # fmt: skip


def before(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The handovers before it."""
    found = _handover(reader, tx)
    return {"rows": handover.passing.newest(tx, team=found.team, limit=15), "looks": LOOKS}


def waiting(reader: Reader, tx: Tx) -> list[handover.passing.Handover]:
    """Handovers that the reader may accept: offered, or their shift is over."""
    found = []
    for team in teams(reader) if reader.may("handover.act") else ():
        if reader.actor.id not in reader.view.estate.teams[team].members:
            continue
        newest = handover.passing.newest(tx, team=team, limit=1)
        found += [
            one for one in newest
            if _may_accept(reader, tx, one) and (one.state == "offered" or one.ends_at <= reader.now)
        ]  # fmt: skip
    return found


def _instant(text: str) -> datetime:
    """An instant of a handover's content."""
    return datetime.fromisoformat(text)


def _on(reader: Reader, team: str) -> list[handover.shifts.Stretch]:
    return handover.shifts.at(reader.view, team, reader.now)


def _who(reader: Reader, one: handover.shifts.Staffing) -> str:
    names = ", ".join(reader.name(person) for person in one.people) or "nobody"
    return f"{names} ({one.missing} too few)" if one.missing else names


def _handover(reader: Reader, tx: Tx) -> handover.passing.Handover:
    name = reader.query.get("handover", "")
    found = handover.passing.by_id(tx, name)
    if found is None or not reader.actor.has(READ, team=found.team):
        raise NotFound("There is no such handover of yours.")
    return found


# -- acts ------------------------------------------------------------------------------------------


def write(reader: Reader) -> Went:
    """A line in the log."""
    team = team_of(reader)
    done = reader.act(commands.WriteLog(team, reader.text("text")))
    return Went(f"/shift?team={team}", done.sentence)


def follow_up(reader: Reader) -> Went:
    """Left for a later shift."""
    team = team_of(reader)
    owner = reader.text("owner") or None
    done = reader.act(commands.AddFollowUp(team, reader.text("text"), owner))
    return Went(f"/shift?team={team}", done.sentence)


def done(reader: Reader) -> Went:
    """A follow-up is done."""
    ended = reader.act(commands.EndFollowUp(reader.query["followup"]))
    return Went(f"/shift?team={ended.value.team}", ended.sentence)


def edit(reader: Reader) -> Went:
    """What the leaver adds."""
    name = reader.query["handover"]
    ended = reader.act(commands.EditHandover(name, reader.text("said")))
    return Went(f"/handovers/{name}", ended.sentence)


def offer(reader: Reader) -> Went:
    """I hand over."""
    name = reader.query["handover"]
    said = reader.text("said") if "said" in reader.fields else None
    ended = reader.act(commands.OfferHandover(name, said))
    return Went(f"/handovers/{name}", ended.sentence)


def accept(reader: Reader) -> Went:
    """I take over."""
    name = reader.query["handover"]
    ended = reader.act(commands.AcceptHandover(name, reader.text("note")))
    return Went(f"/handovers/{name}", ended.sentence)


PARTS = (
    Part("duty/log", READ, ("shift", "incidents", "silences"), log, "The shift log", ("team",)),
    Part("duty/side", READ, ("shift", "estate", "oncall"), side, "Who is there", ("team",)),
    Part(
        "duty/paper", READ, ("shift", "incidents", "silences"), paper, "The handover", ("handover",)
    ),
    Part("duty/before", READ, ("shift",), before, "Earlier handovers", ("handover",)),
)
_SHIFT = Showing("/shift", READ, shift, "duty_shift.html", here="shift")
_ONE = Showing("/handovers/{handover}", READ, one, "duty_handover.html", here="shift")
SHOWINGS = (
    _SHIFT,
    Showing("/handover", READ, newest, "duty_handover.html", here="shift"),
    _ONE,
)
_ACT, _MAY = "/handovers/{handover}", acts.PERMISSION
FORMS = (
    Form("/shift/log", _MAY[commands.WriteLog], write, back=_SHIFT),
    Form("/shift/followups", _MAY[commands.AddFollowUp], follow_up, back=_SHIFT),
    Form("/followups/{followup}/done", _MAY[commands.EndFollowUp], done),
    Form(f"{_ACT}/edit", _MAY[commands.EditHandover], edit, back=_ONE),
    Form(f"{_ACT}/offer", _MAY[commands.OfferHandover], offer, back=_ONE),
    Form(f"{_ACT}/accept", _MAY[commands.AcceptHandover], accept, back=_ONE),
)
