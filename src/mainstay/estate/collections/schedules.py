"""Schedules: layers of rotations; where two cover an instant, the later layer wins."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from mainstay.estate.collections.text import (
    WEEKDAYS,
    Count,
    Day,
    Id,
    Part,
    WallClock,
    Weekday,
    Zone,
    wall_clock,
)

Rotate = Literal["hourly", "daily", "weekly", "monthly"]
_CLOCK = r"(?P<clock>\d\d:\d\d)"
_HANDOVERS = {
    "hourly": (re.compile(r"(?P<clock>(?:\d\d)?:\d\d)"), ":30"),
    "daily": (re.compile(_CLOCK), "02:00"),
    "weekly": (re.compile(rf"(?P<weekday>{'|'.join(WEEKDAYS)}) {_CLOCK}"), "mon 09:00"),
    "monthly": (re.compile(rf"(?P<day>0?[1-9]|[12]\d|3[01]) {_CLOCK}"), "15 09:00"),
}
"""How a handover is written for each rotation, and an example."""


class Handover(NamedTuple):
    """When a rotation hands over: a time of day, and which day where the rotation needs one."""

    at: time
    """Hourly: the hour is where counting `every` begins."""
    weekday: int | None = None
    """0 is Monday; weekly only."""
    day: int | None = None
    """1 to 31; monthly only. A shorter month hands over on its last day."""


def handover(rotate: Rotate, text: str) -> Handover:
    """`"mon 09:00"` (weekly), `"02:00"` (daily), `"15 09:00"` (monthly), `":30"` (hourly).

    ValueError says what this rotation wants.
    """
    pattern, example = _HANDOVERS[rotate]
    wrong = f'{rotate} expects a handover such as "{example}", got {text!r}'
    match = pattern.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(wrong)
    words = match.groupdict()
    try:
        at = wall_clock(words["clock"].rjust(5, "0"))
    except ValueError as error:
        raise ValueError(wrong) from error
    weekday, day = words.get("weekday"), words.get("day")
    return Handover(at, WEEKDAYS.index(weekday) if weekday else None, int(day) if day else None)


class Turn(Part):
    """A place in the order, with its dates. Written as an id, or as {person, from, until}."""

    person: Id
    from_: Day | None = Field(default=None, alias="from")
    until: Day | None = None
    """The last day."""


class Only(Part):
    """When a layer covers at all: wall-clock times (may pass midnight) and days."""

    from_: WallClock | None = Field(default=None, alias="from")
    to: WallClock | None = None
    days: list[Weekday] = []
    calendar: Id | None = None
    """Only on the business days of this calendar."""


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


class Layer(Part):
    """One rotation. `handover` is a time of day, with a weekday (weekly) or a day (monthly) first."""

    rotate: Rotate
    every: Count = Field(default=1, ge=1, le=366)
    """Hand over every n-th hour, day, week or month."""
    handover: str
    order: list[Turn] = Field(min_length=1)
    timezone: Zone | None = None
    starts: Day = date(2024, 1, 1)
    """The first of `order` has the shift that holds this day's handover. 2024-01-01 is a Monday."""
    only: Annotated[list[Only], BeforeValidator(_listed)] = []
    """Written as one mapping or a list; an instant that any of them allows is covered."""


class Schedule(Part):
    """Who is on call when. The zone of a layer: its own, else the schedule's, else the org's."""

    team: Id | None = None
    timezone: Zone | None = None
    layers: list[Layer] = Field(min_length=1)
    gaps: Literal["error", "warn", "allow"] = "warn"
    """What `check` says about times that nobody covers."""
