"""When a heartbeat is expected: every so often, or by a schedule (cron, OnCalendar) in a time zone.

The rule for clock changes is that of the program that starts the job. A cron line with a fixed time
that a change skips is expected at the first minute after it, one that comes twice at the first of
the two (Debian's cron, by `cronsim`). OnCalendar leaves out a time that does not exist (systemd, by
`oncalendar`). Reasons and examples: docs/decisions/0017-heartbeats.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim, CronSimError
from oncalendar import OnCalendar, OnCalendarError

EARLY_MAX = timedelta(minutes=1)
"""A ping so shortly before its time counts for it: the sender's clock is a little ahead of ours."""
EARLY_SHARE = 10
"""And at most this fraction of the time between two of them."""
SCHEDULE_CHARS_MAX = 200
SEARCHED = 1_000
"""Times looked at for one that falls on a business day."""
Counts = Callable[[str, date], bool]
"""Whether a day is a business day of the named calendar."""
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
"""A schedule is tried out from here on."""
_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_CRON = re.compile(r"[\d*][\d*,/#L\-A-Z ]*|@\w+", re.IGNORECASE)
"""What only a cron line can be; OnCalendar has colons, dots or words such as `Mon`."""


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


def kind_of(schedule: str) -> str:
    """`cron` or `oncalendar`. ValueError says what was expected."""
    text = schedule.strip()
    if not text or len(text) > SCHEDULE_CHARS_MAX:
        raise ValueError(
            f"expected a schedule of at most {SCHEDULE_CHARS_MAX} characters, such as "
            '"15 1 * * *" or "Mon..Fri 18:00"'
        )
    kind = "cron" if _CRON.fullmatch(text) and (len(text.split()) >= 5 or "@" in text) else ""
    try:
        found = next(_times(text, _FIRST), None)
    except (CronSimError, OnCalendarError, ValueError) as error:
        what = "a cron line" if kind else "a cron line or an OnCalendar expression"
        why = str(error)[:1].lower() + str(error)[1:]
        raise ValueError(f"{schedule!r} is not {what}: {why or 'it cannot be read'}") from None
    if found is None:
        raise ValueError(f"{schedule!r} never comes")
    return kind or "oncalendar"


def _times(schedule: str, after: datetime) -> Iterator[datetime]:
    """Its instants after `after`, in UTC."""
    text = schedule.strip()
    text = _MACROS.get(text.lower(), text)
    is_cron = _CRON.fullmatch(text) is not None and len(text.split()) in (5, 6)
    found: Iterator[datetime] = CronSim(text, after) if is_cron else OnCalendar(text, after)
    return (at.astimezone(UTC) for at in found)


def _days_of(plan: Plan, after: datetime, counts: Counts) -> Iterator[datetime]:
    """The times of a plan that has a schedule, those of its calendar's business days alone."""
    zone = ZoneInfo(plan.zone)
    times = _times(plan.schedule or "", after.astimezone(zone))
    if (calendar := plan.calendar) is None:
        return times
    searched = islice(times, SEARCHED)
    return (at for at in searched if counts(calendar, at.astimezone(zone).date()))
