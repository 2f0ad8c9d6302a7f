"""Who is on call: schedules of the estate, with the overrides that people made.

`is_business_day(calendar_id, date)` is the estate's; it decides windows that name a calendar. Every
function here that takes an instant wants it aware, and raises Invalid outside 1972 to 2197.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from mainstay.estate import Estate, Target
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid
from mainstay.foundation.nearest import hint
from mainstay.oncall import ical, overrides, store
from mainstay.oncall.consequences import (
    Difference,
    Uncovered,
    differences,
    gap_report,
    with_gaps,
)
from mainstay.oncall.layer import BusinessDay
from mainstay.oncall.overrides import Wanted
from mainstay.oncall.rotation import first as wall_instant
from mainstay.oncall.schedule import (
    SIGHT,
    Answer,
    Duty,
    Gap,
    Rota,
    checked,
    days_from,
    said,
)
from mainstay.oncall.store import Override
from mainstay.oncall.store import by_id as override

__all__ = [
    "Answer",
    "BusinessDay",
    "Difference",
    "Duty",
    "Found",
    "Gap",
    "Override",
    "Reached",
    "Rota",
    "Uncovered",
    "Wanted",
    "calendar_feed",
    "days_from",
    "differences",
    "gap_report",
    "on_call_for",
    "override",
    "overrides",
    "said",
    "shifts",
    "wall_instant",
    "who",
    "with_gaps",
]


@dataclass(frozen=True, slots=True)
class Reached:
    """A person that a target stands for at that instant, and why."""

    person: str
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a target stands for. `why` says what was looked up; where `people` is empty, why so."""

    people: tuple[Reached, ...]
    why: str


def who(
    tx: Tx, estate: Estate, *, schedule: str, at: datetime, is_business_day: BusinessDay
) -> Answer:
    """Who is on call for `schedule` at `at`, or the gap. NotFound for an unknown schedule."""
    rota = _rota(tx, estate, schedule, start=at, end=at, is_business_day=is_business_day)
    return rota.who(at)


def shifts(
    tx: Tx,
    estate: Estate,
    *,
    schedule: str,
    start: datetime,
    end: datetime,
    is_business_day: BusinessDay,
    whole: bool = False,
) -> list[Answer]:
    """start..end (at most 400 days) as shifts and gaps without hole or overlap, in order.

    `whole`: the first and the last keep their true bounds instead of being cut to start..end.
    """
    rota = _rota(tx, estate, schedule, start=start, end=end, is_business_day=is_business_day)
    return rota.shifts(start, end, whole=whole)


def on_call_for(
    tx: Tx, estate: Estate, *, target: Target, at: datetime, is_business_day: BusinessDay
) -> Found:
    """Whom to page for `target` at `at`. Never an error for a target that is gone: nobody, and why.

    A person, if they are with us that day; a team's members who are; the one on call for a schedule.
    """
    match target.kind:
        case "person":
            return _person(estate, target.id, at)
        case "team":
            return _team(estate, target.id, at)
        case "schedule":
            if target.id not in estate.schedules:
                return Found((), f"there is no schedule {target.id!r} any more")
            answer = who(tx, estate, schedule=target.id, at=at, is_business_day=is_business_day)
            if isinstance(answer, Gap):
                return Found((), f"gap: {answer.why}")
            return Found((Reached(answer.person, answer.why),), f"on call for {target.id}")
    assert_never(target.kind)


def calendar_feed(
    tx: Tx,
    estate: Estate,
    *,
    target: Target,
    start: datetime,
    days: int,
    now: datetime,
    is_business_day: BusinessDay,
) -> bytes:
    """An iCalendar feed (RFC 5545) of one schedule, or of one person over all schedules.

    Every shift that touches the `days` (1 to 400) from `start`, whole. Invalid for a team.
    """
    end = days_from(start, days)
    match target.kind:
        case "schedule":
            names, only = [target.id], None
        case "person":
            if target.id not in estate.people:
                near = hint(target.id, estate.people)
                raise Invalid(f"There is no person {target.id!r}{near}.", pointer="/target")
            names, only = list(estate.schedules), target.id
        case _:
            raise Invalid("A calendar is for a schedule or a person.", pointer="/target")
    found = []
    for name in names:
        rota = _rota(tx, estate, name, start=start, end=end, is_business_day=is_business_day)
        for answer in rota.shifts(start, end, whole=True):
            if isinstance(answer, Duty) and only in (None, answer.person):
                found.append((name, answer))
    return ical.feed(found, name=f"On call: {target.id}", start=start, end=end, now=now)


def _rota(
    tx: Tx,
    estate: Estate,
    schedule: str,
    *,
    start: datetime,
    end: datetime,
    is_business_day: BusinessDay,
) -> Rota:
    start, end = checked(start), checked(end)
    made = store.between(tx, schedule, start=start - SIGHT, end=end + SIGHT)
    return Rota(estate, schedule, is_business_day=is_business_day, overrides=made)


def _person(estate: Estate, person: str, at: datetime) -> Found:
    known = estate.people.get(person)
    if known is None:
        return Found((), f"there is no person {person!r} any more")
    zone = ZoneInfo(known.timezone or estate.org.timezone)
    today = at.astimezone(zone).date()
    if known.from_ is not None and today < known.from_:
        return Found((), f"{person} joins on {known.from_}")
    if known.until is not None and today > known.until:
        return Found((), f"{person} left; the last day was {known.until}")
    return Found((Reached(person, f"{person}, by name"),), "named directly")


def _team(estate: Estate, team: str, at: datetime) -> Found:
    known = estate.teams.get(team)
    if known is None:
        return Found((), f"there is no team {team!r} any more")
    members = dict.fromkeys(known.members)
    here = [member for member in members if _person(estate, member, at).people]
    if not here:
        return Found((), f"nobody of team {team} is with us on that day")
    people = tuple(Reached(member, f"{member}, member of team {team}") for member in here)
    return Found(people, f"every member of team {team}")
