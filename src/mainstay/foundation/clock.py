"""Time, given and never taken: the core gets `now` as a parameter.

Stored as BIGINT microseconds since 1970 (UTC), aware `datetime` in Python, RFC 3339 with `Z` and
milliseconds on the wire.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


class Clock(Protocol):
    """Where `now` comes from."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return from_us(time.time_ns() // 1000)


class ManualClock:
    """A clock that moves only when told to; for stories and properties."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def forward(self, **span: float) -> datetime:
        """Move by a `timedelta(**span)` and return the new instant."""
        self._now += timedelta(**span)
        return self._now

    def set(self, to: datetime) -> None:
        """Jump, backwards too."""
        self._now = to.astimezone(UTC)


def to_us(at: datetime) -> int:
    """Microseconds since 1970; `at` must be aware."""
    return (at - EPOCH) // _US


def from_us(us: int) -> datetime:
    """The aware UTC instant `us` microseconds after 1970."""
    return EPOCH + timedelta(microseconds=us)


def to_text(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: 2026-11-22T05:40:08.123Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def text_of_us(us: int | None) -> str | None:
    """`to_text` of stored microseconds; None stays None."""
    return None if us is None else to_text(from_us(us))
