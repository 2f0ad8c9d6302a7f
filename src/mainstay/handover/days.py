"""The business day, and when on it something is due by the clock on the wall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mainstay import oncall
from mainstay.estate import Checklist, View

DAY = timedelta(days=1)
OPENS_BEFORE = timedelta(hours=1)
"""When a checklist opens that does not say."""
SIGHT_DAYS = 62
"""How far we look for a day on which a checklist is due, back and ahead."""
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A checklist on one business day."""

    day: date
    opens_at: datetime
    due_at: datetime


def zone_of(view: View, named: str | None = None) -> ZoneInfo:
    """A zone by its name; None: the organisation's."""
    return ZoneInfo(named or view.estate.org.timezone)


def business_date(view: View, at: datetime) -> date:
    """The business day that an instant belongs to: it ends when the next one starts."""
    local = at.astimezone(zone_of(view))
    starts = view.estate.org.business_day_starts
    return local.date() if local.time() >= starts else local.date() - DAY


def is_on(view: View, day: date, *, weekdays: list[str], calendar: str | None) -> bool:
    """Whether a day is one of these weekdays (none given: any) and of this calendar (None: any)."""
    if weekdays and _WEEKDAYS[day.weekday()] not in weekdays:
        return False
    return calendar is None or view.is_business_day(calendar, day)


def occurrence(view: View, checklist: Checklist, day: date) -> Occurrence:
    """When the checklist of a business day opens and is due."""
    zone = zone_of(view, checklist.timezone)
    due_at = _of_day(view, checklist.due, day, zone)
    if checklist.opens is None:
        return Occurrence(day, due_at - OPENS_BEFORE, due_at)
    opens_at = _of_day(view, checklist.opens, day, zone)
    if opens_at >= due_at:
        opens_at = _of_day(view, checklist.opens, day - DAY, zone)
    return Occurrence(day, opens_at, due_at)


def latest(view: View, checklist: Checklist, now: datetime) -> Occurrence | None:
    """The newest occurrence that has opened; None: none within `SIGHT_DAYS`."""
    for one in _around(view, checklist, now, step=-1):
        if one.opens_at <= now:
            return one
    return None


def coming(view: View, checklist: Checklist, now: datetime) -> Occurrence | None:
    """The next occurrence that has not opened yet; None: none within `SIGHT_DAYS`."""
    for one in _around(view, checklist, now, step=1):
        if one.opens_at > now:
            return one
    return None


def _around(view: View, checklist: Checklist, now: datetime, *, step: int) -> Iterator[Occurrence]:
    """Occurrences from two days on the other side of today onwards, ahead or back."""
    day = business_date(view, now) - 2 * step * DAY
    days: list[str] = list(checklist.days)
    for _ in range(SIGHT_DAYS):
        if is_on(view, day, weekdays=days, calendar=checklist.calendar):
            yield occurrence(view, checklist, day)
        day += step * DAY


def _of_day(view: View, clock: time, day: date, zone: ZoneInfo) -> datetime:
    """The instant of a time of day within a business day; what comes before its start, a day later."""
    on = day if clock >= view.estate.org.business_day_starts else day + DAY
    return oncall.wall_instant(datetime.combine(on, clock), zone)
