"""Times of day on the days when clocks are put forward or back: the written rule, in one place."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MINUTE = timedelta(minutes=1)
_GAP_MAX = timedelta(hours=26)
"""No zone has ever left out more: Samoa left out a day."""


def first_occurrence(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant (UTC) of a wall-clock time on a day.

    A time that comes twice is its first occurrence; one that is left out is the next minute that
    exists. So what is planned for 02:30 happens once on each day, also on those two.
    """
    wanted = datetime.combine(day, at)
    local = wanted
    while local - wanted <= _GAP_MAX:
        instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == local:
            return instant
        local += _MINUTE
    return wanted.replace(tzinfo=zone).astimezone(UTC)


def occurrences(day: date, at: time, zone: ZoneInfo) -> list[datetime]:
    """Every instant at which a clock there shows `at` on that day: none, one, or two."""
    found = []
    for fold in (0, 1):
        local = datetime.combine(day, at).replace(tzinfo=zone, fold=fold)
        instant = local.astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
            found.append(instant)
    return sorted(set(found))
