"""When a heartbeat is expected: every so often, or by a schedule (`estate.schedule_times`).

Reasons and examples: docs/decisions/0017-heartbeats.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec

from mainstay.estate import schedule_times

EARLY_MAX = timedelta(minutes=1)
"""A ping so shortly before its time counts for it: the sender's clock is a little ahead of ours."""
EARLY_SHARE = 10
"""And at most this fraction of the time between two of them."""
SEARCHED = 1_000
"""Times looked at for one that falls on a business day."""
Counts = Callable[[str, date], bool]
"""Whether a day is a business day of the named calendar."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When it is expected, and how long each thing may take. Spans are in seconds.

    Exactly one of `every_s` and `schedule` is given.
    """

    grace_s: int
    """How long after its time a finish may come."""
    every_s: int | None = None
    schedule: str | None = None
    """A cron line, or one OnCalendar expression a line."""
    zone: str = "UTC"
    calendar: str | None = None
    """Only on its business days; the days of `zone`."""
    start_within_s: int | None = None
    """It must say that it starts within this time. None: only its finish counts."""
    run_max_s: int | None = None
    """From its start to its finish. None: as long as the grace."""
    run_min_s: int | None = None
    """A finish sooner than this after its start is a failure."""

    @property
    def run_limit(self) -> timedelta:
        """How long a run that said it started may take."""
        return timedelta(seconds=self.run_max_s or self.grace_s)

    @property
    def grace(self) -> timedelta:
        """How long after its time a finish may come."""
        return timedelta(seconds=self.grace_s)


def next_due(plan: Plan, heard_at: datetime, counts: Counts) -> datetime | None:
    """When the one after a ping at `heard_at` is expected; None: a schedule that has ended."""
    if plan.every_s is not None:
        return heard_at + timedelta(seconds=plan.every_s)
    times = _days_of(plan, heard_at, counts)
    first, second = next(times, None), next(times, None)
    if first is None or second is None:
        return first
    return second if first - heard_at <= min(EARLY_MAX, (second - first) / EARLY_SHARE) else first


def first_due(plan: Plan, since: datetime, counts: Counts) -> datetime | None:
    """When it is expected first, for one that is waited for from `since` on."""
    if plan.every_s is not None:
        return since + timedelta(seconds=plan.every_s)
    return next(_days_of(plan, since, counts), None)


def _days_of(plan: Plan, after: datetime, counts: Counts) -> Iterator[datetime]:
    """The times of a plan that has a schedule, those of its calendar's business days alone."""
    zone = ZoneInfo(plan.zone)
    times = schedule_times(plan.schedule or "", after.astimezone(zone))
    if (calendar := plan.calendar) is None:
        return times
    searched = islice(times, SEARCHED)
    return (at for at in searched if counts(calendar, at.astimezone(zone).date()))
