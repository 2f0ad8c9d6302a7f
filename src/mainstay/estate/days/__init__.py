"""The one engine of days and times: business days, business dates, and when a schedule is next due.

Used by rotations, checks, checklists and whatever else happens "on the last working day".
"""

from mainstay.estate.days.business import (
    Days,
    days,
    holidays_of,
    is_business_day,
    parse_rule,
    why,
)
from mainstay.estate.days.cron import BadCron, Cron
from mainstay.estate.days.jobs import schedule_kind, schedule_times
from mainstay.estate.days.wall import first_occurrence

__all__ = [
    "BadCron",
    "Cron",
    "Days",
    "days",
    "first_occurrence",
    "holidays_of",
    "is_business_day",
    "parse_rule",
    "schedule_kind",
    "schedule_times",
    "why",
]
