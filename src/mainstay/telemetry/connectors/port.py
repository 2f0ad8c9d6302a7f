"""The port: what can be asked of telemetry that lies elsewhere.

A connector says by `can` what its place answers by itself; what it cannot is refused (Refused), and
who asks has another way or goes without. Everything that comes back is bounded by the asker's
`limit` or by the connector, and `cut` says when something was left out.

| capability | method | pushed down |
|---|---|---|
| SERIES | `series` | a query, evaluated every `step_s` |
| LINES | `lines` | service, text, the newest |
| COUNT | `count` | service, text |
| HISTOGRAM | `histogram` | the same by time |
| TEMPLATES | `templates` | kinds of message with their counts |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Capability(StrEnum):
    """What a place answers by itself."""

    COUNT = "count"
    HISTOGRAM = "histogram"
    TEMPLATES = "templates"
    LINES = "lines"
    SERIES = "series"


@dataclass(frozen=True, slots=True)
class Window:
    """From `since` until before `until`, both aware."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Samples:
    """One series: its labels, and (Unix time in seconds, value) in order; NaN is left out."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The series that a query has. `cut`: there were more than could be taken."""

    series: tuple[Samples, ...]
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is stored there."""

    at_s: float
    labels: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Lines:
    """The newest lines, oldest first. `cut`: there were more than `limit`."""

    lines: tuple[Line, ...]
    cut: bool = False


class Connector(Protocol):
    """One place. Every method raises Outside when it cannot be reached or refuses the question."""

    @property
    def name(self) -> str:
        """What people call it: its id in the estate."""

    @property
    def can(self) -> frozenset[Capability]:
        """Which of the methods it has an answer for."""

    async def series(self, query: str, window: Window, *, step_s: int) -> Found:
        """The series of a query, a value each `step_s` seconds."""

    async def lines(self, service: str, window: Window, *, text: str, limit: int) -> Lines:
        """The newest lines of a service that hold `text`; "" is in every line."""

    async def count(self, service: str, window: Window, *, text: str) -> int:
        """How many lines of a service hold `text`."""

    async def histogram(
        self, service: str, window: Window, *, text: str, step_s: int
    ) -> Mapping[float, int]:
        """Start of each stretch of `step_s` seconds → how many lines of a service hold `text`."""

    async def templates(self, service: str, window: Window) -> Mapping[str, int]:
        """The kinds of message of a service and how often each came."""
