"""What time does to a handover: it is drafted before the shift ends, and escalates when nobody takes it.

The schedule wins at the end of the shift, whatever becomes of the paper: an unaccepted handover
pages the lead, and keeps nobody on duty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mainstay.estate import HandingOver, View, handover_duty
from mainstay.foundation.db import Tx
from mainstay.foundation.ids import Ids
from mainstay.foundation.record import Fact
from mainstay.handover import shifts
from mainstay.handover.alarms import REPEAT, Alarm
from mainstay.handover.passing import store
from mainstay.handover.passing.store import Handover
from mainstay.handover.said import when
from mainstay.handover.shifts import Stretch

DUE = "handover.shift"
"""A team's shifts are to be looked at; the key is the team."""
BACK = timedelta(hours=24)
"""How far back a shift is looked for that ended while we were down."""
AGAIN = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look did; `next_at` None: the team hands nothing over."""

    facts: list[Fact]
    alarms: list[Alarm]
    next_at: datetime | None


def look(
    tx: Tx, ids: Ids, view: View, team: str, *, since: datetime, now: datetime
) -> Looked:  # fmt: skip
    """Bring a team's handovers to where they should be. No shift that ended before `since` has one."""
    declared = view.estate.teams.get(team)
    rules = declared.handover if declared is not None else None
    if rules is None:
        return Looked([], [], None)
    facts: list[Fact] = []
    alarms: list[Alarm] = []
    coming = shifts.next_end(view, team, now)
    ended = [one for one in shifts.stretches(view, team, now - BACK, now) if one.ends_at <= now]
    if coming is not None and coming.ends_at - rules.draft_before <= now:
        ended.append(coming)
    for stretch in ended:
        if stretch.ends_at > since and store.of_shift(tx, stretch) is None:
            facts.append(_draft(tx, ids, view, stretch, now=now))
    waits = []
    for one in store.waiting(tx, team):
        if any(later.ends_at > one.ends_at for later in ended if later.ends_at <= now):
            facts += _lapse(tx, one, alarms)
        elif (deadline := deadline_of(rules, one)) <= now:
            facts += _escalate(tx, view, one, alarms)
            waits.append(now + REPEAT)
        else:
            waits.append(deadline)
    if coming is not None:
        drafted_at = coming.ends_at - rules.draft_before
        waits.append(drafted_at if drafted_at > now else coming.ends_at)
    return Looked(facts, alarms, min(waits, default=now + AGAIN))


def deadline_of(rules: HandingOver, one: Handover) -> datetime:
    """By when it must be accepted: counted from when both, the end and the next shift, have come."""
    return max(one.ends_at, one.next_at or one.ends_at) + rules.accept_within


def facts_of(one: Handover, **more: object) -> dict[str, object]:
    """What a program reads in a row about a handover."""
    return {"team": one.team, "shift": one.shift, **more}


def alarm_of(one: Handover, summary: str, *, over: bool) -> Alarm:
    """Somebody is to be paged because nobody accepted it; or (`over`) no longer."""
    return Alarm(handover_duty(one.team), one.id, summary, over)


def _draft(tx: Tx, ids: Ids, view: View, stretch: Stretch, *, now: datetime) -> Fact:
    following = shifts.following(view, stretch)
    one = Handover(
        id=ids.new("hov", now), team=stretch.team, shift=stretch.shift,
        starts_at=stretch.starts_at, ends_at=stretch.ends_at,
        next_shift=following.shift if following is not None else None,
        next_at=following.starts_at if following is not None else None, state="draft",
    )  # fmt: skip
    store.insert(tx, one)
    words = f"the handover of {stretch.team} {stretch.shift} is drafted; {one.next_shift or 'nobody'} takes over"
    return Fact("handover.drafted", one.id, words, facts=facts_of(one))


def _escalate(tx: Tx, view: View, one: Handover, alarms: list[Alarm]) -> list[Fact]:
    ended = when(one.ends_at, view.estate.org.timezone)
    by = f"{one.offered_by} has offered it" if one.offered_by else "nobody has offered it"
    words = (
        f"The handover of {one.team} {one.shift}, which ended {ended}, is not accepted; {by}. "
        "The schedule holds all the same."
    )
    alarms.append(alarm_of(one, words, over=False))
    store.set_alarmed(tx, one.id, alarmed=True)
    told = [] if one.alarmed else [Fact("handover.unaccepted", one.id, words, facts=facts_of(one))]
    return told


def _lapse(tx: Tx, one: Handover, alarms: list[Alarm]) -> list[Fact]:
    """The shift after it has ended too: it can no longer be taken over."""
    words = f"the handover of {one.team} {one.shift} was never accepted"
    store.write(tx, replace(one, state="lapsed"))
    if one.alarmed:
        alarms.append(alarm_of(one, words, over=True))
    return [Fact("handover.lapsed", one.id, words, facts=facts_of(one))]
