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
    """Whose turn it is."""
    from_: Day | None = Field(default=None, alias="from")
    """The first day."""
    until: Day | None = None
    """The last day."""


class Only(Part):
    """When a layer covers at all: wall-clock times (may pass midnight) and days."""

    from_: WallClock | None = Field(default=None, alias="from")
    """When it begins to cover. None: midnight."""
    to: WallClock | None = None
    """When it ends; on the next day when not later than `from`. None: midnight."""
    days: list[Weekday] = []
    """Only spans that begin on these. None: every day."""
    calendar: Id | None = None
    """Only on the business days of this calendar."""


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


class Layer(Part):
    """One rotation: people who take turns."""

    rotate: Rotate
    """How long a turn is, times `every`."""
    every: Count = Field(default=1, ge=1, le=366)
    """Hand over every n-th hour, day, week or month."""
    handover: str
    """`"mon 09:00"` (weekly), `"02:00"` (daily), `"15 09:00"` (monthly), `":30"` (hourly)."""
    order: list[Turn] = Field(min_length=1)
    """Who follows whom; each an id, or {person, from, until}."""
    timezone: Zone | None = None
    """None: the schedule's."""
    starts: Day = date(2024, 1, 1)
    """The first of `order` has the shift that holds this day's handover. 2024-01-01 is a Monday."""
    only: Annotated[list[Only], BeforeValidator(_listed)] = []
    """Written as one mapping or a list; an instant that any of them allows is covered."""


class Schedule(Part):
    """Who is on call when: layers of rotations, from the ground up."""

    team: Id | None = None
    """Whose schedule it is; for people to read."""
    timezone: Zone | None = None
    """Of the layers that name none. None: the organisation's."""
    layers: list[Layer] = Field(min_length=1)
    """Where two cover an instant, the later one wins."""
    gaps: Literal["error", "warn", "allow"] = "warn"
    """What `check` says about times that nobody covers."""
