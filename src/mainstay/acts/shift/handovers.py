"""What people do around the end of a shift: notes, follow-ups, the handover."""

from __future__ import annotations

from typing import assert_never

from mainstay import handover, people
from mainstay.acts.done import Act, Done
from mainstay.acts.shift.alarms import raise_alarms
from mainstay.acts.shift.checklists import LEADS
from mainstay.acts.shift.commands import (
    PERMISSION,
    AcceptHandover,
    AddFollowUp,
    EditHandover,
    EndFollowUp,
    OfferHandover,
    OnHandover,
    WriteLog,
)
from mainstay.foundation.errors import NotFound
from mainstay.foundation.nearest import hint


def perform(act: Act, command: OnHandover) -> Done:
    """One of the acts around a handover."""
    match command:
        case WriteLog():
            return _write(act, command)
        case AddFollowUp():
            return _follow_up(act, command)
        case EndFollowUp():
            return _end_follow_up(act, command)
        case EditHandover():
            return _edit(act, command)
        case OfferHandover():
            return _offer(act, command)
        case AcceptHandover():
            return _accept(act, command)
    assert_never(command)


def _write(act: Act, command: WriteLog) -> Done:
    _check_team(act, command.team, WriteLog)
    text = handover.log.checked_note(command.text)
    fact = act.fact("log.note", f"team:{command.team}", text, facts={"team": command.team})
    return Done(f"Written into the log of {command.team}.", command.team, None, (fact,))


def _follow_up(act: Act, command: AddFollowUp) -> Done:
    _check_team(act, command.team, AddFollowUp)
    made = handover.passing.add(
        act.tx, act.ground.ids, act.view, command.team, text=command.text, owner=command.owner,
        author=act.actor.id, now=act.now,
    )  # fmt: skip
    whose = f" ({made.owner} sees to it)" if made.owner else ""
    words = f"{act.actor.id} left to follow up: {made.text}{whose}"
    fact = act.fact("followup.added", made.id, words, facts={"team": made.team})
    return Done(words, made.id, made, (fact,))


def _end_follow_up(act: Act, command: EndFollowUp) -> Done:
    one = handover.passing.followup(act.tx, command.followup)
    people.require(act.actor, PERMISSION[EndFollowUp], team=one.team)
    handover.passing.done(act.tx, one, by=act.actor.id, now=act.now)
    words = f"{act.actor.id} has done: {one.text}"
    fact = act.fact("followup.done", one.id, words, facts={"team": one.team})
    return Done(words, one.id, one, (fact,))


def _edit(act: Act, command: EditHandover) -> Done:
    one = _handover(act, command.handover, EditHandover)
    after = handover.passing.edit(act.tx, one, said=command.said)
    words = f"{act.actor.id} edited the handover of {one.team} {one.shift}"
    facts = handover.passing.facts_of(one, said=after.said)
    return Done(words, one.id, after, (act.fact("handover.edited", one.id, words, facts=facts),))


def _offer(act: Act, command: OfferHandover) -> Done:
    one = _handover(act, command.handover, OfferHandover)
    if command.said is not None:
        one = handover.passing.edit(act.tx, one, said=command.said)
    after = handover.passing.offer(act.tx, one, person=act.actor.id, now=act.now)
    words = f"{act.actor.id} hands over {one.team} {one.shift} to {one.next_shift or 'nobody'}"
    facts = handover.passing.facts_of(one, said=after.said)
    return Done(words, one.id, after, (act.fact("handover.offered", one.id, words, facts=facts),))


def _accept(act: Act, command: AcceptHandover) -> Done:
    one = _handover(act, command.handover, AcceptHandover)
    after = handover.passing.accept(
        act.tx, act.view, one, person=act.actor.id, note=command.note, now=act.now,
        is_lead=act.actor.has(LEADS, team=one.team),
    )  # fmt: skip
    of = f"of {one.offered_by}" if one.offered_by else "as it was drafted"
    words = f"{act.actor.id} accepted the handover {of}, {one.team} {one.shift}"
    if one.alarmed:
        raise_alarms(act, [handover.passing.alarm_of(one, words, over=True)])
        handover.passing.set_alarmed(act.tx, one.id, alarmed=False)
    facts = handover.passing.facts_of(one, content_sha256=after.content_hash, note=after.note)
    return Done(words, one.id, after, (act.fact("handover.accepted", one.id, words, facts=facts),))


def _check_team(act: Act, team: str, command: type) -> None:
    declared = act.view.estate.teams
    if team not in declared:
        raise NotFound(f"The estate has no team {team[:60]!r}{hint(team[:60], declared)}.")
    people.require(act.actor, PERMISSION[command], team=team)


def _handover(act: Act, handover_id: str, command: type) -> handover.passing.Handover:
    one = handover.passing.by_id(act.tx, handover_id)
    if one is None:
        raise NotFound(f"There is no handover {handover_id[:60]!r}; mainstay handover lists them.")
    people.require(act.actor, PERMISSION[command], team=one.team)
    return one
