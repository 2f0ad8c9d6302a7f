"""A machine's two clocks: the wall clock, which people set, and the count, which nobody sets."""

from __future__ import annotations

from datetime import datetime, timedelta

from mainstay.foundation.clock import SystemClock, to_us

_US = timedelta(microseconds=1)


class Machine:
    """Time passes, or somebody sets the clock; `clock` is what a Mainstay on it goes by."""

    def __init__(self, start: datetime) -> None:
        self.wall_us = to_us(start)
        self.count_us = 5_000_000
        self.clock = self.booted()

    def booted(self) -> SystemClock:
        """The clock of a process that starts now."""
        return SystemClock(wall_us=lambda: self.wall_us, count_us=lambda: self.count_us)

    def passes(self, **span: float) -> None:
        by_us = timedelta(**span) // _US
        self.wall_us += by_us
        self.count_us += by_us

    def set(self, **by: float) -> None:
        self.wall_us += timedelta(**by) // _US
