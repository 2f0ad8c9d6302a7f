"""Time, given and never taken: the core gets `now` as a parameter.

Stored as BIGINT microseconds since 1970 (UTC), aware `datetime` in Python, RFC 3339 with `Z` and
milliseconds on the wire.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
JUMP_US = 1_000_000
"""What no drift explains: somebody has set the clock, or the machine has slept."""
FIRST = 3
"""Samples at the start; the one with the quickest answer counts."""
_US = timedelta(microseconds=1)


class Clock(Protocol):
    """Where `now` comes from."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...

    def jumped(self) -> timedelta:
        """By how much the time was set, and is not followed yet; zero as a rule."""
        ...

    def follow(self, by: timedelta) -> None:
        """From now on go by the time that was set: what is planned has been moved."""
        ...

    def sample(self) -> bool:
        """Set it by its source again, where it has one; False: ask again soon."""
        ...

    def keep_up(self, moved_us: Callable[[], int]) -> None:
        """Where nodes share it: go by what another has followed. `moved_us` asks the database by
        how much, in all, plans have been moved with the clock."""
        ...


class SystemClock:
    """The machine's clock; but when it jumps, `now` goes on counting until `follow` is called.

    The count is that of seconds since the machine started, which nobody sets and which stands
    still while the machine sleeps: we were not up then. Small steps are followed at once.
    """

    def __init__(
        self,
        *,
        wall_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        count_us: Callable[[], int] = lambda: time.monotonic_ns() // 1000,
    ) -> None:
        self._wall_us, self._count_us = wall_us, count_us
        self._ahead_us = wall_us() - count_us()

    def now(self) -> datetime:
        counted_us = self._count_us() + self._ahead_us
        drift_us = self._wall_us() - counted_us
        if abs(drift_us) < JUMP_US:
            self._ahead_us += drift_us
            counted_us += drift_us
        return from_us(counted_us)

    def jumped(self) -> timedelta:
        by_us = self._wall_us() - self._count_us() - self._ahead_us
        return timedelta(microseconds=by_us if abs(by_us) >= JUMP_US else 0)

    def follow(self, by: timedelta) -> None:
        self._ahead_us += by // _US

    def sample(self) -> bool:
        return True

    def keep_up(self, moved_us: Callable[[], int]) -> None:
        """It is nobody else's."""


class SharedClock:
    """The database's time, the same for every node whatever their own clocks say.

    Asked for every few seconds (`sample`); in between it runs on the count of seconds since the
    machine started, which nobody sets. What is asked may be wrong once, as while a server that was
    failed over is set right: a jump counts from the second answer that agrees with it. Then `now`
    goes on counting until one node has followed it and moved the plan; the others keep up with that.
    """

    def __init__(
        self, ask: Callable[[], int], *, count_us: Callable[[], int] | None = None
    ) -> None:
        self._ask = ask
        self._count_us = count_us or _since_start_us
        self._lock = threading.Lock()
        self._doubtful_us: int | None = None
        self._jumped_us = 0
        self._moved_us: int | None = None
        self._ahead_us, _ = min((self._asked() for _ in range(FIRST)), key=lambda one: one[1])

    def now(self) -> datetime:
        return from_us(self._count_us() + self._ahead_us)

    def jumped(self) -> timedelta:
        return timedelta(microseconds=self._jumped_us)

    def follow(self, by: timedelta) -> None:
        with self._lock:
            self._shift(by // _US)

    def keep_up(self, moved_us: Callable[[], int]) -> None:
        moved = moved_us()
        with self._lock:
            if self._moved_us is None:  # our first look: we have started on the time that it is
                self._moved_us = moved
            elif moved != self._moved_us:
                self._shift(moved - self._moved_us)

    def _shift(self, by_us: int) -> None:
        self._ahead_us += by_us
        self._moved_us = (self._moved_us or 0) + by_us
        self._jumped_us, self._doubtful_us = 0, None

    def sample(self) -> bool:
        """Ask again. False: the answer is not believed yet; ask again soon."""
        ahead_us, journey_us = self._asked()
        if journey_us > JUMP_US:  # we were stopped meanwhile: when it was said is a guess
            return False
        with self._lock:
            off_us = ahead_us - self._ahead_us
            if abs(off_us) <= JUMP_US:
                self._ahead_us, self._jumped_us, self._doubtful_us = ahead_us, 0, None
                return True
            before, self._doubtful_us = self._doubtful_us, ahead_us
            if before is None or abs(ahead_us - before) > JUMP_US:
                return False
            self._jumped_us = off_us
        return True

    def _asked(self) -> tuple[int, int]:
        """By how much the database's time is ahead of our count, and how long the answer took."""
        asked_at = self._count_us()
        answer = self._ask()
        journey_us = self._count_us() - asked_at
        return answer - asked_at - journey_us // 2, journey_us


class ManualClock:
    """A clock that moves only when told to; for stories and properties."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def sample(self) -> bool:
        return True

    def keep_up(self, moved_us: Callable[[], int]) -> None:
        """It is told."""

    def forward(self, **span: float) -> datetime:
        """Move by a `timedelta(**span)` and return the new instant."""
        self._now += timedelta(**span)
        return self._now

    def set(self, to: datetime) -> None:
        """Jump, backwards too."""
        self._now = to.astimezone(UTC)

    def jumped(self) -> timedelta:
        return timedelta(0)

    def follow(self, by: timedelta) -> None:
        self._now += by


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


def _since_start_us() -> int:
    """Microseconds since the machine started; they go on while a process, or all of it, sleeps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
