"""When a check looks next: spread, on its schedule, within its active times and its calendar."""

from __future__ import annotations

import hashlib
from datetime import datetime, time, timedelta

from mainstay.checks.sheet import Sheet, Watched
from mainstay.estate import Cron, first_occurrence
from mainstay.foundation.clock import EPOCH

_DAY = timedelta(days=1)
DAYS_AHEAD = 400
"""How far ahead a day of its calendar is looked for."""
MOST_TRIES = 10_000
NEVER = timedelta(days=3660)


def next_look(one: Watched, sheet: Sheet, *, after: datetime) -> datetime:
    """The first time after `after` at which it looks by itself; ten years ahead: never.

    Each check keeps its own place within its interval, computed from its name: a thousand checks
    of a minute are spread over the minute, on every node and after every start alike.
    """
    at = after
    for _ in range(MOST_TRIES):
        found = _by_clock(one, at)
        if found is None:
            return after + NEVER
        opens = opening(one, sheet, found)
        if opens == found:
            return found
        at = opens - timedelta(microseconds=1)
    return after + NEVER


def retry_look(one: Watched, *, after: datetime) -> datetime:
    """When it looks again after a failure that does not count yet."""
    return after + min(one.check.retry, one.check.interval)


def is_active(one: Watched, sheet: Sheet, now: datetime) -> bool:
    """Whether it looks by itself at this time."""
    return opening(one, sheet, now) == now


def opening(one: Watched, sheet: Sheet, at: datetime) -> datetime:
    """`at`, or when its active time begins next, if `at` is outside of it."""
    local = at.astimezone(one.zone)
    span, calendar = one.check.active, one.check.calendar
    day = local.date()
    if span is not None and span.start > span.end and local.time() < span.end:
        day -= _DAY  # over midnight: it belongs to the day on which it began
    is_day = calendar is None or sheet.days.is_business_day(calendar, day)
    if is_day and (span is None or span.holds(local.time())):
        return at
    start = span.start if span is not None else time(0)
    for ahead in range(DAYS_AHEAD):
        candidate = day + ahead * _DAY
        if calendar is not None and not sheet.days.is_business_day(calendar, candidate):
            continue
        opens = first_occurrence(candidate, start, one.zone)
        if opens > at:
            return opens
    return at + NEVER


def _by_clock(one: Watched, after: datetime) -> datetime | None:
    check = one.check
    if check.schedule is not None:
        return Cron.of(check.schedule).next_after(after, one.zone)
    if check.by is not None:
        return _next_by(one, check.by, after)
    return spread(one.name, check.interval, after=after)


def _next_by(one: Watched, by: time, after: datetime) -> datetime:
    day = after.astimezone(one.zone).date() - _DAY
    while (at := first_occurrence(day, by, one.zone)) <= after:
        day += _DAY
    return at


def spread(name: str, every: timedelta, *, after: datetime) -> datetime:
    """The next of the instants, `every` apart, that are this name's own."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    every_us = max(1, every // timedelta(microseconds=1))
    place_us = int.from_bytes(digest) % every_us
    after_us = (after - EPOCH) // timedelta(microseconds=1)
    turns = (after_us - place_us) // every_us + 1
    return EPOCH + timedelta(microseconds=turns * every_us + place_us)
