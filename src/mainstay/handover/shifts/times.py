"""When the shifts of a team begin and end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from mainstay import oncall
from mainstay.estate import Shift, View, span_of
from mainstay.handover import days

_SIGHT = timedelta(days=62)
"""How far ahead the next shift is looked for."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One shift on one day: from `starts_at` (included) to `ends_at` (excluded)."""

    team: str
    shift: str
    starts_at: datetime
    ends_at: datetime


def stretches(view: View, team: str, start: datetime, end: datetime) -> list[Stretch]:
    """The team's shifts that touch start..end, by their beginning."""
    declared = view.estate.teams.get(team)
    if declared is None:
        return []
    zone = days.zone_of(view)
    day, last = start.astimezone(zone).date() - days.DAY, end.astimezone(zone).date()
    found = []
    while day <= last:
        for name, shift in declared.shifts.items():
            weekdays: list[str] = list(shift.days)
            if days.is_on(view, day, weekdays=weekdays, calendar=shift.calendar):
                one = _on(view, team, name, shift, day)
                if one.ends_at > start and one.starts_at < end:
                    found.append(one)
        day += days.DAY
    return sorted(found, key=lambda one: (one.starts_at, one.ends_at, one.shift))


def at(view: View, team: str, now: datetime) -> list[Stretch]:
    """The shifts that are on; two may overlap."""
    return stretches(view, team, now, now + timedelta(microseconds=1))


def following(view: View, stretch: Stretch) -> Stretch | None:
    """The shift that takes over: the first that ends later and is on at its end, or begins after."""
    found = [
        one
        for one in stretches(view, stretch.team, stretch.ends_at, stretch.ends_at + _SIGHT)
        if one.ends_at > stretch.ends_at and one != stretch
    ]
    return min(
        found, key=lambda one: (max(one.starts_at, stretch.ends_at), one.shift), default=None
    )


def next_end(view: View, team: str, now: datetime) -> Stretch | None:
    """The shift that ends next, of those that are on or to come."""
    found = [one for one in stretches(view, team, now, now + _SIGHT) if one.ends_at > now]
    return min(found, key=lambda one: (one.ends_at, one.starts_at), default=None)


def _on(view: View, team: str, name: str, shift: Shift, day: date) -> Stretch:
    zone = days.zone_of(view)
    first, last = span_of(shift.at)
    until = day if last > first else day + days.DAY
    return Stretch(
        team,
        name,
        oncall.wall_instant(datetime.combine(day, first), zone),
        oncall.wall_instant(datetime.combine(until, last), zone),
    )
