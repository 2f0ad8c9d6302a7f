"""From looks to hours, and from hours to the time that people ask for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from mainstay.checks.result import Verdict
from mainstay.foundation.clock import from_us, to_us

HOUR_US = 3_600_000_000
By = Literal["day", "week", "month"]


@dataclass(frozen=True, slots=True)
class Hour:
    """Microseconds of one hour in which a check was seen so; what is left of it nobody knows."""

    name: str
    start_us: int
    ok_us: int = 0
    warn_us: int = 0
    fail_us: int = 0

    @property
    def seen_us(self) -> int:
        """How much of it is known."""
        return self.ok_us + self.warn_us + self.fail_us


@dataclass(frozen=True, slots=True)
class Slot:
    """A day, a week or a month: how long it was seen to be well, to warn, to fail."""

    start: datetime
    end: datetime
    ok: timedelta
    warn: timedelta
    fail: timedelta

    @property
    def share(self) -> float | None:
        """The share, 0 to 1, of what was seen in which it did not fail; None: nothing was seen."""
        seen = self.ok + self.warn + self.fail
        return None if not seen else 1 - self.fail / seen


def hour_of(
    name: str, looks: Sequence[tuple[int, Verdict]], *, start_us: int, holds_us: int | None
) -> Hour:
    """The hour from its looks, oldest first, with the last one before it.

    A look says how it is until the next one, but no longer than `holds_us`; None: as long as it takes.
    """
    end_us = start_us + HOUR_US
    spent = {"ok": 0, "warn": 0, "fail": 0}
    for (at, verdict), (following, _) in pairwise([*looks, (end_us, "ok")]):
        until = following if holds_us is None else min(following, at + holds_us)
        spent[verdict] += max(0, min(until, end_us) - max(at, start_us))
    return Hour(name, start_us, spent["ok"], spent["warn"], spent["fail"])


def worst(hours: Iterable[Hour]) -> Hour:
    """Several checks of one hour as one: it failed as long as the worst of them did."""
    found = list(hours)
    fail = max(one.fail_us for one in found)
    seen = max(one.seen_us for one in found)
    warn = min(max(one.warn_us for one in found), seen - fail)
    return Hour("", found[0].start_us, seen - fail - warn, warn, fail)


def gathered(
    hours: Iterable[Hour], *, start: datetime, end: datetime, zone: ZoneInfo, by: By
) -> list[Slot]:
    """Every day, week (from Monday on) or month that touches start..end; an hour is where it begins."""
    found = []
    kept = sorted(hours, key=lambda one: one.start_us)
    for first, last in _spans(start, end, zone, by):
        inside = [one for one in kept if to_us(first) <= one.start_us < to_us(last)]
        ok, warn, fail = (
            timedelta(microseconds=sum(getattr(one, name) for one in inside))
            for name in ("ok_us", "warn_us", "fail_us")
        )
        found.append(Slot(first, last, ok, warn, fail))
    return found


def _spans(
    start: datetime, end: datetime, zone: ZoneInfo, by: By
) -> list[tuple[datetime, datetime]]:
    day = _begin(start.astimezone(zone).date(), by)
    found = []
    while (first := _midnight(day, zone)) < end:
        day = _after(day, by)
        found.append((first, _midnight(day, zone)))
    return found


def _begin(day: date, by: By) -> date:
    if by == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if by == "month" else day


def _after(day: date, by: By) -> date:
    if by == "month":
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return day + timedelta(days=7 if by == "week" else 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return from_us(to_us(datetime.combine(day, time(0), zone)))
