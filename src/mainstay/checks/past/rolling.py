"""The roll-up: each whole hour, some checks at a time, each once; and the question how it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from mainstay.checks.past import store
from mainstay.checks.past.hours import HOUR_US, By, Hour, Slot, gathered, hour_of, worst
from mainstay.checks.sheet import Sheet
from mainstay.foundation import record
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx

AT_ONCE = 200
"""Checks in one transaction."""
LATEST = timedelta(minutes=2)
"""An hour is rolled up so long after its end: looks that were under way then are in."""
BACK = timedelta(hours=48)
"""Hours before that are not made up for."""
A_MINUTE_US = 60_000_000
"""Of what stays well one look a minute is kept."""
ROLLED = "checks_hour"
"""The mark of the newest hour that is whole, as hours since 1970."""


@dataclass(frozen=True, slots=True)
class Rolled:
    """What one step did."""

    checks: int
    more: bool
    """Whether there is more to do now."""


def roll(tx: Tx, sheet: Sheet, *, now: datetime, keep: timedelta) -> Rolled:
    """Roll up the next hour that is over, for some checks; and drop hours older than `keep`."""
    last = to_us(now - LATEST) // HOUR_US - 1
    least = to_us(now - BACK) // HOUR_US
    hour = max((record.marked(tx, ROLLED) or 0) + 1, least)
    if hour > last:
        return Rolled(0, more=store.purge(tx, to_us(now - keep)))
    names = store.missing(tx, hour * HOUR_US, limit=AT_ONCE)
    store.add(tx, [_hour(tx, sheet, name, hour * HOUR_US) for name in names])
    if len(names) < AT_ONCE:
        record.mark(tx, ROLLED, hour)
    return Rolled(len(names), more=True)


def _hour(tx: Tx, sheet: Sheet, name: str, start_us: int) -> Hour:
    one = sheet.watched.get(name)
    holds_us = None
    if one is not None and not one.is_beat:
        holds_us = one.fresh // timedelta(microseconds=1) + A_MINUTE_US
    looks = store.looks(tx, name, start_us=start_us, end_us=start_us + HOUR_US)
    return hour_of(name, looks, start_us=start_us, holds_us=holds_us)


def slots(
    tx: Tx, names: Sequence[str], *, start: datetime, end: datetime, zone: ZoneInfo, by: By
) -> list[Slot]:
    """How these checks stood together, the worst of them in each hour; the newest slot grows yet."""
    first = start - timedelta(days=31)  # a week or a month that touches it is shown whole
    rows = sorted(
        store.hours(tx, names, since_us=to_us(first), before_us=to_us(end)),
        key=lambda one: one.start_us,
    )
    together = [worst(each) for _, each in groupby(rows, key=lambda one: one.start_us)]
    return gathered(together, start=start, end=end, zone=zone, by=by)
