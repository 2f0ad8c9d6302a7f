"""Business days: what a calendar of the estate says about a day, and why.

A calendar is either a set of business days (weekend, public holidays, `extra` days off, `removed`
ones), or a `rule` that picks days of another calendar. Holidays: the `holidays` package.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple

import holidays

from mainstay.estate.collections import Calendar, Estate, Holidays
from mainstay.estate.collections.text import WEEKDAYS
from mainstay.foundation.errors import NotFound

_RULE = re.compile(
    r"(?:(first|last)|nth ([1-9]\d{0,2})) working day(?: of the (month|quarter|year))?"
)
_DAY = timedelta(days=1)
BACK_DAYS = 400
"""How far back a business date is looked for: a rule may pick one day of a year."""
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
Period = Literal["month", "quarter", "year"]


class Rule(NamedTuple):
    """`nth` working day of the period: 1 is the first, -1 the last."""

    nth: int
    period: Period


def parse_rule(text: str) -> Rule:
    """`last working day of the month`, `nth 3 working day of the quarter`. ValueError: what was expected."""
    match = _RULE.fullmatch(" ".join(text.split()))
    if match is None:
        raise ValueError(
            "expected a rule such as 'last working day of the month', 'first working day of the "
            f"quarter' or 'nth 3 working day of the month', got {text!r}"
        )
    nth = int(match[2]) if match[2] else 1 if match[1] == "first" else -1
    return Rule(nth, match[3] or "month")  # type: ignore[arg-type]


def holidays_of(wanted: Holidays, year: int) -> Mapping[date, str]:
    """A year's public holidays, with English names. ValueError: no such country, part or market."""
    try:
        if wanted.country is None:
            return holidays.financial_holidays(wanted.market or "", years=year, language="en_US")
        return holidays.country_holidays(
            wanted.country, subdiv=wanted.subdiv, years=year, language="en_US"
        )
    except NotImplementedError as error:
        raise ValueError(_unknown(wanted)) from error


def _unknown(wanted: Holidays) -> str:
    """Which word of `wanted` nobody knows, and some that are known."""
    if wanted.country is None:
        return f"no market {wanted.market!r}; expected a code such as XNYS, XLON or XSWX"
    parts = holidays.list_supported_countries().get(wanted.country)
    if parts is None:
        return f"no country {wanted.country!r}; expected a code of ISO 3166 such as CH"
    return f"{wanted.country} has no subdivision {wanted.subdiv!r}; it has {', '.join(parts)}"


class Days:
    """The calendars of one estate. Keeps what it computed; make one for many questions."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._holidays: dict[tuple[str, int], Mapping[date, str]] = {}
        self._picked: dict[tuple[str, date], date | None] = {}

    def is_business_day(self, calendar_id: str, day: date) -> bool:
        """Whether `day` is one of the calendar's. NotFound for a calendar that is not declared."""
        calendar = self._calendar(calendar_id)
        if calendar.rule is None:
            return self._off(calendar_id, calendar, day) is None
        return self._pick(calendar_id, calendar, day) == day

    def why(self, calendar_id: str, day: date) -> str:
        """The reason, in a word or two: "Saturday", "Christmas Day", "business day"."""
        calendar = self._calendar(calendar_id)
        if calendar.rule is not None:
            is_picked = self._pick(calendar_id, calendar, day) == day
            return calendar.rule if is_picked else f"not the {calendar.rule}"
        if day in calendar.removed:
            return "declared a business day"
        return self._off(calendar_id, calendar, day) or "business day"

    def days(self, calendar_id: str, first: date, last: date) -> Iterator[date]:
        """The calendar's days from `first` to `last`, both included, in order."""
        self._calendar(calendar_id)
        day = first
        while day <= last:
            if self.is_business_day(calendar_id, day):
                yield day
            day += _DAY

    def business_date(self, local: datetime, *, starts: time, calendar: str | None) -> date:
        """The date that business goes by at a local time: a new one begins at `starts`.

        With a calendar, on a day that is none of its own it is the last one before.
        """
        day = local.date() - (_DAY if local.time() < starts else timedelta(0))
        if calendar is None:
            return day
        for back in range(BACK_DAYS):
            if self.is_business_day(calendar, day - back * _DAY):
                return day - back * _DAY
        return day

    def _calendar(self, calendar_id: str) -> Calendar:
        found = self._estate.calendars.get(calendar_id)
        if found is None:
            raise NotFound(f"No calendar {calendar_id!r} in this estate.")
        return found

    def _off(self, calendar_id: str, calendar: Calendar, day: date) -> str | None:
        """Why a day is off, None when it is not."""
        if day in calendar.removed:
            return None
        if day in calendar.extra:
            return "an extra day off"
        if calendar.holidays is not None:
            key = (calendar_id, day.year)
            if key not in self._holidays:
                self._holidays[key] = dict(holidays_of(calendar.holidays, day.year))
            if name := self._holidays[key].get(day):
                return name
        return _NAMES[day.weekday()] if WEEKDAYS[day.weekday()] in calendar.weekend else None

    def _pick(self, calendar_id: str, calendar: Calendar, day: date) -> date | None:
        """The day that the rule picks in the period around `day`; None when there is none."""
        assert calendar.rule is not None
        rule = parse_rule(calendar.rule)
        first, last = _period(rule.period, day)
        key = (calendar_id, first)
        if key not in self._picked:
            inside = [d for d in _each(first, last) if self._is_working(calendar_id, calendar, d)]
            index = rule.nth - 1 if rule.nth > 0 else rule.nth
            self._picked[key] = inside[index] if -len(inside) <= index < len(inside) else None
        return self._picked[key]

    def _is_working(self, calendar_id: str, calendar: Calendar, day: date) -> bool:
        if calendar.of is not None:
            return self.is_business_day(calendar.of, day)
        return self._off(calendar_id, calendar, day) is None


def is_business_day(estate: Estate, calendar_id: str, day: date) -> bool:
    """One question; for many, make a `Days`."""
    return Days(estate).is_business_day(calendar_id, day)


def why(estate: Estate, calendar_id: str, day: date) -> str:
    """One question; for many, make a `Days`."""
    return Days(estate).why(calendar_id, day)


def days(estate: Estate, calendar_id: str, first: date, last: date) -> list[date]:
    """The calendar's days from `first` to `last`, both included."""
    return list(Days(estate).days(calendar_id, first, last))


def _period(period: Period, day: date) -> tuple[date, date]:
    """The first and the last day of the month, quarter or year around `day`."""
    months = {"month": 1, "quarter": 3, "year": 12}[period]
    start = (day.month - 1) // months * months + 1
    first = day.replace(month=start, day=1)
    last_month = first.replace(month=start + months - 1, day=28)
    return first, (last_month + 4 * _DAY).replace(day=1) - _DAY


def _each(first: date, last: date) -> Iterator[date]:
    return (first + n * _DAY for n in range((last - first).days + 1))
