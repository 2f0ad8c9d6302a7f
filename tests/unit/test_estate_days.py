"""Which days are business days, and does the calendar say why?"""

from __future__ import annotations

from datetime import date

import pytest

from mainstay import estate
from mainstay.foundation.errors import NotFound

SMALL = estate.Estate(
    org=estate.Org(name="Small"),
    calendars={
        "plain": estate.Calendar(),
        "ch-bank": estate.Calendar(
            holidays=estate.Holidays(country="CH", subdiv="ZH"),
            extra=[date(2026, 12, 24)],
            removed=[date(2026, 8, 1)],
        ),
        "market": estate.Calendar(holidays=estate.Holidays(market="XNYS")),
        "gulf": estate.Calendar(weekend=["fri", "sat"]),
        "month-end": estate.Calendar(rule="last working day of the month", of="ch-bank"),
        "quarter": estate.Calendar(rule="first working day of the quarter", of="ch-bank"),
        "third": estate.Calendar(rule="nth 3 working day", of="ch-bank"),
        "year-end": estate.Calendar(rule="last working day of the year"),
        "never": estate.Calendar(rule="nth 25 working day of the month"),
    },
)


@pytest.mark.parametrize(
    ("calendar", "day", "is_one", "why"),
    [
        ("plain", "2026-11-20", True, "business day"),
        ("plain", "2026-11-21", False, "Saturday"),
        ("ch-bank", "2026-12-25", False, "Christmas Day"),
        ("ch-bank", "2026-12-24", False, "an extra day off"),
        ("ch-bank", "2026-08-01", True, "declared a business day"),
        ("ch-bank", "2025-08-01", False, "National Day"),
        ("market", "2026-07-03", False, "Independence Day (observed)"),
        ("gulf", "2026-11-20", False, "Friday"),
        ("gulf", "2026-11-22", True, "business day"),
        ("month-end", "2026-11-30", True, "last working day of the month"),
        ("month-end", "2026-05-29", True, "last working day of the month"),
        ("month-end", "2026-05-31", False, "not the last working day of the month"),
        ("quarter", "2026-01-02", True, "first working day of the quarter"),
        ("quarter", "2026-02-02", False, "not the first working day of the quarter"),
        ("third", "2026-11-04", True, "nth 3 working day"),
        ("year-end", "2026-12-31", True, "last working day of the year"),
    ],
)
def test_a_calendar_answers_with_its_reason(
    calendar: str, day: str, is_one: bool, why: str
) -> None:
    when = date.fromisoformat(day)
    assert estate.is_business_day(SMALL, calendar, when) is is_one
    assert estate.why(SMALL, calendar, when) == why


def test_a_rule_picks_one_day_in_each_period() -> None:
    assert estate.days(SMALL, "quarter", date(2026, 1, 1), date(2026, 12, 31)) == [
        date(2026, 1, 2), date(2026, 4, 1), date(2026, 7, 1), date(2026, 10, 1)
    ]  # fmt: skip
    assert len(estate.days(SMALL, "month-end", date(2024, 1, 1), date(2026, 12, 31))) == 36
    assert estate.days(SMALL, "never", date(2026, 1, 1), date(2026, 12, 31)) == []


def test_a_calendar_that_is_not_declared_is_not_found() -> None:
    with pytest.raises(NotFound, match="'lunar'"):
        estate.is_business_day(SMALL, "lunar", date(2026, 1, 1))
