"""The calendars of the estate, year by year."""

from __future__ import annotations

import calendar as months
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import click
from rich.text import Text

from mainstay.cli.client import part
from mainstay.cli.desk import Desk, Verbs, at_desk

verbs = Verbs("calendar")
WEEKDAYS = "Mo Tu We Th Fr Sa Su"
SIDE_BY_SIDE = 3


@verbs.group()
def calendar() -> None:
    """Business days, and why a day is none."""


@calendar.command("show")
@click.argument("calendar_id", metavar="CALENDAR")
@click.argument("year", type=click.IntRange(1971, 2199), required=False)
@at_desk
def show_(desk: Desk, calendar_id: str, year: int | None) -> None:
    """A calendar's year: business days plain, days off dim, and the names of the holidays.

    \b
    Example: mainstay calendar show ch-bank 2027
    """
    year = year or desk.now().astimezone(desk.zone).year
    first, last = f"{year}-01-01", f"{year}-12-31"
    path = f"/calendars/{part(calendar_id)}"
    days = desk.client().get(path, **{"from": first, "to": last}).get("items", [])
    if desk.dump(days):
        return
    by_date = {date.fromisoformat(one["date"]): one for one in days}
    for line in year_lines(year, by_date):
        desk.out.print(line)
    business = sum(one["business_day"] for one in days)
    desk.say(f"{calendar_id} has {business} business days in {year}.")
    for day in named(days):
        desk.say(f"{day['date']}  {day['why']}")


def year_lines(year: int, days: Mapping[date, Mapping[str, Any]]) -> Iterator[Text]:
    """Twelve months, three side by side."""
    for start in range(1, 13, SIDE_BY_SIDE):
        blocks = [_month(year, month, days) for month in range(start, start + SIDE_BY_SIDE)]
        for row in range(max(len(block) for block in blocks)):
            cells = [block[row] if row < len(block) else Text(" " * 20) for block in blocks]
            yield Text("   ").join(cells)
        yield Text("")


def _month(year: int, month: int, days: Mapping[date, Mapping[str, Any]]) -> list[Text]:
    title = Text(f"{months.month_name[month]:^20}", style="bold")
    lines = [title, Text(WEEKDAYS, style="dim")]
    for week in months.monthcalendar(year, month):
        cells = []
        for number in week:
            is_on = number and days[date(year, month, number)]["business_day"]
            words = f"{number:2}" if is_on else " ·" if number else "  "
            cells.append(Text(words, style="" if is_on else "dim"))
        lines.append(Text(" ").join(cells))
    return lines


def named(days: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Days that are not what their weekday says: holidays, extra and removed ones; or a rule's own."""
    usual = {*months.day_name, "business day"}
    is_rule = any(one["why"].startswith("not the ") for one in days)
    for one in days:
        if one["why"] not in usual and (one["business_day"] or not is_rule):
            yield one
