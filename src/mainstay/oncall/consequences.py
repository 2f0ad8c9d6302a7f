"""What a change of the estate means for people: who is on call instead of whom, and new gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from mainstay.estate import Checked, Days, Estate, problem
from mainstay.oncall.layer import BusinessDay
from mainstay.oncall.schedule import Answer, Duty, Gap, Rota, days_from, said, said_short

_PAUSE_MAX = timedelta(hours=24)
"""The same change again within this time (after a night that another layer has) is one line."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A time in which a schedule answers otherwise than before; None: nobody.

    It may pause for less than a day (nights that another layer has). `gap` marks one that nobody
    covers any more, in a schedule that does not allow gaps. `sentence` says it all to a person.
    """

    schedule: str
    since: datetime
    until: datetime
    before: str | None
    after: str | None
    gap: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Uncovered:
    """All gaps of one schedule. `level` is the schedule's `gaps`."""

    schedule: str
    level: Literal["error", "warn"]
    count: int
    total: timedelta
    first: Gap
    sentence: str


def differences(
    old: Estate | None,
    new: Estate,
    *,
    start: datetime,
    days: int = 28,
    is_business_day_old: BusinessDay,
    is_business_day_new: BusinessDay,
) -> list[Difference]:
    """How the layers' answers change in the `days` (1 to 400) from `start`, soonest first.

    Overrides are left out: they stand whatever the files say. A schedule that is new, or gone, is
    one difference. `old` is None for a first estate: then every schedule is new.
    """
    end = days_from(start, days)
    found: list[Difference] = []
    for name in sorted({*(old.schedules if old else ()), *new.schedules}):
        rota_old = rota_new = None
        if old is not None and name in old.schedules:
            rota_old = Rota(old, name, is_business_day=is_business_day_old)
        if name in new.schedules:
            rota_new = Rota(new, name, is_business_day=is_business_day_new)
        if rota_old and rota_new:
            allowed = new.schedules[name].gaps == "allow"
            found += _changed(rota_old, rota_new, start=start, end=end, gaps_allowed=allowed)
        elif rota_new:
            found.append(_appeared(rota_new, start=start, end=end))
        elif rota_old:
            found.append(_gone(rota_old, start=start, end=end))
    return sorted(found, key=lambda d: (d.since, d.schedule))


def gap_report(
    estate: Estate, *, start: datetime, days: int = 28, is_business_day: BusinessDay
) -> list[Uncovered]:
    """One finding for each schedule that leaves times uncovered and does not allow it."""
    end = days_from(start, days)
    found = []
    for name, schedule in estate.schedules.items():
        if schedule.gaps == "allow":
            continue
        rota = Rota(estate, name, is_business_day=is_business_day)
        gaps = rota.gaps(start, end)
        if gaps:
            sentence, total = _gaps_said(rota, gaps, days)
            found.append(Uncovered(name, schedule.gaps, len(gaps), total, gaps[0], sentence))
    return found


def with_gaps(found: Checked, *, start: datetime) -> Checked:
    """What a check found, and the times of the coming four weeks that nobody covers."""
    if found.estate is None:
        return found
    is_business_day = Days(found.estate).is_business_day
    gaps = [
        problem(
            found.schedules[one.schedule], "E320" if one.level == "error" else "W406", one.sentence
        )
        for one in gap_report(found.estate, start=start, is_business_day=is_business_day)
    ]
    worst = any(one.level == "error" for one in gaps)
    problems = tuple(sorted({*found.problems, *gaps}))
    return replace(found, estate=None if worst else found.estate, problems=problems)


def _changed(
    old: Rota, new: Rota, *, start: datetime, end: datetime, gaps_allowed: bool
) -> Iterator[Difference]:
    """Where the two answer differently: neighbours with equal answers are one difference."""
    joined: list[_Stretch] = []
    for stretch in _side_by_side(old, new, start=start, end=end):
        if stretch.before == stretch.after:
            continue
        if joined and joined[-1].goes_on_as(stretch):
            joined[-1] = joined[-1].with_next(stretch)
        else:
            joined.append(stretch)
    for stretch in joined:
        before, after = stretch.before, stretch.after
        gap = after is None and not gaps_allowed
        times = _span_said(stretch.since, stretch.until, new.zone)
        sentence = _change_said(new.id, before, after, times)
        if stretch.count > 1:
            sentence += f", in {stretch.count} stretches"
        yield Difference(new.id, stretch.since, stretch.until, before, after, gap, sentence)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Two answers that hold side by side; `count` parts of it, with unchanged times between."""

    since: datetime
    until: datetime
    before: str | None
    after: str | None
    count: int = 1

    def goes_on_as(self, following: _Stretch) -> bool:
        same = (self.before, self.after) == (following.before, following.after)
        return same and following.since - self.until < _PAUSE_MAX

    def with_next(self, following: _Stretch) -> _Stretch:
        count = self.count + (following.since > self.until)
        return replace(self, until=following.until, count=count)


def _side_by_side(old: Rota, new: Rota, *, start: datetime, end: datetime) -> Iterator[_Stretch]:
    """Both sides, cut at the same instants."""
    olds, news = old.shifts(start, end), new.shifts(start, end)
    i = j = 0
    since = start
    while since < end:
        old_until, new_until = olds[i].until or end, news[j].until or end
        until = min(old_until, new_until)
        yield _Stretch(since, until, _person(olds[i]), _person(news[j]))
        i += old_until == until
        j += new_until == until
        since = until


def _appeared(rota: Rota, *, start: datetime, end: datetime) -> Difference:
    shifts = rota.shifts(start, end)
    duty = next((shift for shift in shifts if isinstance(shift, Duty)), None)
    if duty is None:
        sentence = f"{rota.id} is new, and nobody is on call for it before {said(end, rota.zone)}"
        return Difference(rota.id, start, end, None, None, True, sentence)
    since, until = duty.since or start, duty.until or end
    times = _span_said(since, until, rota.zone)
    sentence = f"{rota.id} is new: {duty.person} is on call for it first, {times}"
    return Difference(rota.id, since, until, None, duty.person, False, sentence)


def _gone(rota: Rota, *, start: datetime, end: datetime) -> Difference:
    person = _person(rota.who(start))
    was = f"{person} is on call for it now" if person else "nobody is on call for it now"
    sentence = f"{rota.id} is gone; {was}"
    return Difference(rota.id, start, end, person, None, False, sentence)


def _change_said(schedule: str, before: str | None, after: str | None, times: str) -> str:
    if after is None:
        return f"nobody is on call for {schedule} {times}; it was {before}"
    instead = f"instead of {before}" if before else "where nobody was"
    return f"{after} is on call for {schedule} {times} {instead}"


def _gaps_said(rota: Rota, gaps: list[Gap], days: int) -> tuple[str, timedelta]:
    first = gaps[0]
    total = sum((g.until - g.since for g in gaps if g.since and g.until), timedelta())
    hours = f"{total / timedelta(hours=1):.1f}".removesuffix(".0")
    times = _span_said(first.since, first.until, rota.zone) if first.since and first.until else ""
    if len(gaps) == 1:
        return f"nobody is on call for {rota.id} {times}", total
    return (
        f"nobody is on call for {rota.id} in {len(gaps)} stretches of the next {days} days, "
        f"{hours} h in all; the first is {times}",
        total,
    )


def _span_said(since: datetime, until: datetime, zone: ZoneInfo) -> str:
    return f"from {said_short(since, zone)} to {said(until, zone)}"


def _person(answer: Answer) -> str | None:
    return answer.person if isinstance(answer, Duty) else None
