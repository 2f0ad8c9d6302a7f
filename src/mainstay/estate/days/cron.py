"""Cron's five fields: `45 5 * * mon-fri`. When next, also on the days when clocks change.

A schedule at fixed hours happens once for each time of day that it names (`wall.first_occurrence`);
one for every hour goes by the time that passes, and so happens in both of two equal hours.
Fields as crontab(5) has them: lists, ranges, steps, names; day of month and day of week, where both
are given, are either or. Beyond it `L`, the last day of the month.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from mainstay.estate.days.wall import first_occurrence, occurrences
from mainstay.foundation.errors import Invalid

DAYS_AHEAD = 366 * 9
"""The 29th of February comes within eight years, save around 2100."""
_DAY = timedelta(days=1)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _WEEKDAYS),
)
_NICKNAMES = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_ITEM = re.compile(r"(\*|[a-z]{3}|\d{1,2})(?:-([a-z]{3}|\d{1,2}))?(?:/(\d{1,2}))?")


class BadCron(Invalid):
    """Not a schedule that cron would know; the sentence names the field."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A schedule, read. `Cron.of("15 1 * * *")`."""

    text: str
    times: tuple[time, ...]
    """Of a day, in order."""
    months: frozenset[int]
    monthdays: frozenset[int] | None
    """None: any."""
    weekdays: frozenset[int] | None
    """0 is Sunday; None: any."""
    is_last: bool
    """Also on the last day of the month."""
    is_hourly: bool
    """Every hour of the day: it goes by the time that passes."""

    @classmethod
    def of(cls, text: str) -> Cron:
        """The schedule that `text` says; BadCron names the field that is wrong."""
        return _read(text)

    def next_after(self, instant: datetime, zone: ZoneInfo) -> datetime | None:
        """The first time after `instant`, in UTC; None when it never comes (30 February)."""
        start = instant.astimezone(zone).date() - _DAY
        for ahead in range(DAYS_AHEAD):
            day = start + ahead * _DAY
            if not self.falls_on(day):
                continue
            for at in self._instants(day, zone):
                if at > instant:
                    return at
        return None

    def last_before(self, instant: datetime, zone: ZoneInfo) -> datetime | None:
        """The last time at or before `instant`, in UTC; None when there is none in nine years."""
        start = instant.astimezone(zone).date() + _DAY
        for back in range(DAYS_AHEAD):
            day = start - back * _DAY
            if not self.falls_on(day):
                continue
            for at in reversed(list(self._instants(day, zone))):
                if at <= instant:
                    return at
        return None

    def falls_on(self, day: date) -> bool:
        """Whether it happens on that day at all."""
        if day.month not in self.months:
            return False
        by_week = self.weekdays is not None and day.isoweekday() % 7 in self.weekdays
        by_month = self.monthdays is not None and (
            day.day in self.monthdays or (self.is_last and (day + _DAY).day == 1)
        )
        if self.weekdays is not None and self.monthdays is not None:
            return by_week or by_month
        if self.weekdays is not None:
            return by_week
        return self.monthdays is None or by_month

    def _instants(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        if self.is_hourly:
            yield from sorted({one for at in self.times for one in occurrences(day, at, zone)})
            return
        last = None
        for at in self.times:  # two that are left out meet at the same minute: once is enough
            instant = first_occurrence(day, at, zone)
            if instant != last:
                yield instant
            last = instant


@lru_cache(maxsize=4096)
def _read(text: str) -> Cron:
    words = " ".join(text.lower().split())
    fields = _NICKNAMES.get(words, words).split()
    if len(fields) != len(_FIELDS):
        raise BadCron(
            f"A schedule has five fields (minute, hour, day of month, month, day of week), as in "
            f"'45 5 * * mon-fri'; this one has {len(fields)}."
        )
    is_last = "l" in fields[2].split(",")
    if is_last:
        fields[2] = ",".join(one for one in fields[2].split(",") if one != "l") or "none"
    found = [
        frozenset[int]() if words == "none" else _field(words, *field)
        for words, field in zip(fields, _FIELDS, strict=True)
    ]
    minutes, hours, monthdays, months, weekdays = found
    times = tuple(time(h, m) for h in sorted(hours) for m in sorted(minutes))
    return Cron(
        text=text, times=times, months=months,
        monthdays=None if fields[2].startswith("*") else monthdays,
        weekdays=None if fields[4].startswith("*") else frozenset(d % 7 for d in weekdays),
        is_last=is_last, is_hourly=len(hours) == 24,
    )  # fmt: skip


def _field(text: str, name: str, least: int, most: int, words: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for item in text.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise BadCron(f"The {name} {item!r} of a schedule cannot be read.")
        first, last, step = match[1], match[2], int(match[3] or 1)
        start = least if first == "*" else _number(first, name, least, most, words)
        end = start
        if last is not None:
            end = _number(last, name, least, most, words)
        elif first == "*" or match[3]:
            end = most
        if end < start or step < 1 or (first == "*" and last):
            raise BadCron(f"The {name} {item!r} of a schedule holds nothing.")
        found |= set(range(start, end + 1, step))
    return frozenset(found)


def _number(text: str, name: str, least: int, most: int, words: tuple[str, ...]) -> int:
    if text in words:
        return words.index(text) + (1 if name == "month" else 0)
    if text.isdigit() and least <= int(text) <= most:
        return int(text)
    raise BadCron(f"The {name} of a schedule is from {least} to {most}, not {text!r}.")
