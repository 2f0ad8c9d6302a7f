"""Small words of the estate language: durations, wall-clock times, targets, ids.

Each is what a person writes (`10m`, `"22:30"`, `schedule:payops-oncall`) and, in Python, a value
with a unit. The annotated types are what the collections are made of.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from mainstay.foundation.nearest import hint
from mainstay.foundation.secrets import check_reference
from mainstay.foundation.spans import duration, duration_text

ID_PATTERN = r"^[a-z0-9][a-z0-9_.-]{0,62}$"
DAYS_FIRST, DAYS_LAST = date(1971, 1, 1), date(2199, 12, 31)
"""The days that we reckon with; inside, no zone and no rotation overflows."""
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Part(BaseModel):
    """The base of everything in the estate: unknown keys refused, values frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def wall_clock(text: object) -> time:
    """`"22:30"` as a time of day. ValueError says what was expected."""
    if isinstance(text, time):
        return text
    if isinstance(text, str) and (match := _CLOCK.fullmatch(text)):
        return time(int(match[1]), int(match[2]))
    raise ValueError(f'expected a time of day such as "22:30", got {text!r}')


def day(text: object) -> date:
    """`2026-12-24` as a date. ValueError says what was expected."""
    if isinstance(text, date):
        return text
    if isinstance(text, str) and _DAY.fullmatch(text):
        try:
            found = date.fromisoformat(text)
        except ValueError:
            raise ValueError(f"there is no day {text}") from None
        if not DAYS_FIRST <= found <= DAYS_LAST:
            raise ValueError(f"expected a day from {DAYS_FIRST} to {DAYS_LAST}, got {text}")
        return found
    raise ValueError(f"expected a day such as 2026-12-24, got {text!r}")


class TimeSpan(NamedTuple):
    """From a time of day to another; over midnight when the first is the later one."""

    start: time
    end: time

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"

    def holds(self, at: time) -> bool:
        """Whether `at` lies inside; the end does not belong to it."""
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


def time_span(text: object) -> TimeSpan:
    """`"06:00-22:00"` as a span of the day. ValueError says what was expected."""
    if isinstance(text, TimeSpan):
        return text
    start, dash, end = str(text).partition("-")
    try:
        if isinstance(text, str) and dash and start.strip() != end.strip():
            return TimeSpan(wall_clock(start.strip()), wall_clock(end.strip()))
    except ValueError:
        pass
    raise ValueError(f'expected a span of the day such as "06:00-22:00", got {text!r}')


class Target(NamedTuple):
    """Somebody to page: `person:ana`, `team:payops`, `schedule:payops-oncall`."""

    kind: Literal["person", "team", "schedule"]
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def target(text: object) -> Target:
    """`kind:id` as a Target. ValueError says which kinds there are."""
    if isinstance(text, Target):
        return text
    if isinstance(text, list | tuple) and len(text) == 2:
        text = f"{text[0]}:{text[1]}"
    kind, _, name = str(text).partition(":")
    if kind in ("person", "team", "schedule") and name:
        return Target(kind, name)  # type: ignore[arg-type]
    raise ValueError(f"expected person:…, team:… or schedule:…, got {text!r}")


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = hint(name[:80], available_timezones()) or "; expected a name such as Europe/Zurich"
        raise ValueError(f"no time zone {name!r}{near}") from error
    return name


Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(\d+(s|m|h|d|w))+$", "examples": ["10m", "1h30m"]}
    ),
]
WallClock = Annotated[
    time,
    BeforeValidator(wall_clock),
    PlainSerializer(lambda t: t.strftime("%H:%M"), return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$", "examples": ["22:30"]}
    ),
]
Day = Annotated[
    date,
    BeforeValidator(day),
    PlainSerializer(date.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-12-24"]}),
]
Span = Annotated[
    TimeSpan,
    BeforeValidator(time_span),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["06:00-22:00"]}),
]
Reference = Annotated[str, AfterValidator(check_reference)]
"""Where a secret is: `file:/path` or `env:NAME`."""
Yes = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(strict=True)]
Zone = Annotated[str, AfterValidator(_known_zone)]
TargetText = Annotated[
    Target,
    BeforeValidator(target),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(person|team|schedule):.+$"}),
]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Severity = Literal["critical", "error", "warning", "info"]
Priority = Literal["P1", "P2", "P3", "P4"]
Paging = Literal["live", "shadow"]
