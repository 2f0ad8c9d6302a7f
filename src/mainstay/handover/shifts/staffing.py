"""Who works a shift: those named for it and those on call then, without those who are away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from mainstay import oncall
from mainstay.estate import Person, View
from mainstay.foundation.db import Tx
from mainstay.handover import days
from mainstay.handover.shifts.times import Stretch


@dataclass(frozen=True, slots=True)
class Staffing:
    """Who is there, who leads, and whether that is enough. `away`: person → why."""

    stretch: Stretch
    people: tuple[str, ...]
    lead: str | None
    away: dict[str, str]
    wanted: int

    @property
    def missing(self) -> int:
        """How many more are needed."""
        return max(0, self.wanted - len(self.people))

    @property
    def sentence(self) -> str:
        """Whether the shift is staffed, in words."""
        there = ", ".join(self.people) or "nobody"
        gone = "; ".join(f"{person} is away ({why})" for person, why in self.away.items())
        words = f"{there} of {self.wanted} needed" if self.missing else there
        return f"{words}; {gone}" if gone else words


def staffing(tx: Tx, view: View, stretch: Stretch) -> Staffing:
    """The staffing of one shift, as the estate and the overrides of on call have it now."""
    shift = view.estate.teams[stretch.team].shifts[stretch.shift]
    day = stretch.starts_at.astimezone(days.zone_of(view)).date()
    there, away = [], {}
    for person in _wanted(tx, view, stretch):
        why = _away(view.estate.people.get(person), day)
        if why is None:
            there.append(person)
        else:
            away[person] = why
    lead = shift.lead if shift.lead in there else next(iter(there), None)
    return Staffing(stretch, tuple(there), lead, away, shift.staff)


def _wanted(tx: Tx, view: View, stretch: Stretch) -> list[str]:
    """Everybody who is meant to work it, each once, in order."""
    team = view.estate.teams[stretch.team]
    shift = team.shifts[stretch.shift]
    wanted = list(shift.people) if shift.people or shift.schedules else list(team.members)
    for schedule in shift.schedules:
        duty = oncall.who(
            tx, view.estate, schedule=schedule, at=stretch.starts_at,
            is_business_day=view.is_business_day,
        )  # fmt: skip
        if isinstance(duty, oncall.Duty):
            wanted.append(duty.person)
    if shift.lead is not None:
        wanted.append(shift.lead)
    return list(dict.fromkeys(wanted))


def _away(person: Person | None, day: date) -> str | None:
    """Why somebody is not there that day; None when they are."""
    if person is None:
        return "not in the estate"
    if person.from_ is not None and day < person.from_:
        return f"from {person.from_} on"
    if person.until is not None and day > person.until:
        return f"until {person.until}"
    for leave in person.leave:
        if leave.from_ <= day <= leave.until:
            return f"{leave.about or 'leave'} until {leave.until}"
    return None
