"""When other programs start their jobs: cron lines and OnCalendar, as those programs read them.

For heartbeats, which must know when somebody else's cron or systemd runs a job; our own schedules
are `Cron`. The rule for clock changes is that program's. A cron line with a fixed time that a change
skips comes at the first minute after it, one that comes twice at the first of the two (Debian's
cron, by `cronsim`). OnCalendar leaves out a time that does not exist (systemd, by `oncalendar`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError
from oncalendar import OnCalendar, OnCalendarError

SCHEDULE_CHARS_MAX = 200
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


def schedule_kind(schedule: str) -> str:
    """`cron` or `oncalendar`. ValueError says what was expected."""
    text = schedule.strip()
    if not text or len(text) > SCHEDULE_CHARS_MAX:
        raise ValueError(
            f"expected a schedule of at most {SCHEDULE_CHARS_MAX} characters, such as "
            '"15 1 * * *" or "Mon..Fri 18:00"'
        )
    kind = "cron" if _CRON.fullmatch(text) and (len(text.split()) >= 5 or "@" in text) else ""
    try:
        found = next(schedule_times(text, _FIRST), None)
    except (CronSimError, OnCalendarError, ValueError) as error:
        what = "a cron line" if kind else "a cron line or an OnCalendar expression"
        why = str(error)[:1].lower() + str(error)[1:]
        raise ValueError(f"{schedule!r} is not {what}: {why or 'it cannot be read'}") from None
    if found is None:
        raise ValueError(f"{schedule!r} never comes")
    return kind or "oncalendar"


def schedule_times(schedule: str, after: datetime) -> Iterator[datetime]:
    """Its instants after `after`, in UTC."""
    text = schedule.strip()
    text = _MACROS.get(text.lower(), text)
    is_cron = _CRON.fullmatch(text) is not None and len(text.split()) in (5, 6)
    found: Iterator[datetime] = CronSim(text, after) if is_cron else OnCalendar(text, after)
    return (at.astimezone(UTC) for at in found)
