"""Who is paged when, told as naively as it can be: one service, one policy, minutes on a list.

The policy of tests/walk.py: whoever is on call at once and again after five minutes, ben after ten,
the fallback's head after twenty; silence after thirty. It knows nothing of leases, rows or retries.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

GAPS = (timedelta(minutes=5), timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=10))
"""From each page to what comes after it; after the last, nothing does."""
LATE = timedelta(seconds=30)
HOLD = timedelta(hours=1)
SHIFT = timedelta(hours=1)


@dataclass
class Asking:
    """A policy that runs: the next page, by number, and when it is due."""

    order: tuple[str, str]
    due: datetime
    number: int = 0


@dataclass
class Naive:
    """The world as a list of pages."""

    now: datetime
    order: tuple[str, str] = ("mara", "ben")
    """The rotation in force; the first is on call this week."""
    is_open: bool = False
    taken_until: datetime | None = None
    asking: Asking | None = None
    shifts: list[tuple[datetime, datetime, str]] = field(default_factory=list)
    pages: list[tuple[datetime, str]] = field(default_factory=list)

    # -- what happens ------------------------------------------------------------------------------

    def fires(self) -> None:
        """The same alert; once is as good as ten times."""
        if not self.is_open:
            self.is_open, self.taken_until = True, None
            self._ask()

    def is_over(self) -> None:
        self.is_open, self.taken_until, self.asking = False, None, None

    def taken(self) -> None:
        if self.is_open:
            self.taken_until, self.asking = self.now + HOLD, None

    def given_back(self) -> None:
        if self.is_open and self.taken_until is not None:
            self.taken_until = None
            self._ask()

    def shift_of(self, person: str) -> None:
        """Takes the shift for an hour; who asks last has it."""
        self.shifts.append((self.now, self.now + SHIFT, person))

    def rotation(self, first: str, second: str) -> None:
        """From the next escalation on: what runs keeps to what it began under."""
        self.order = (first, second)

    def passes(self, span: timedelta) -> None:
        self.now += span
        self._catch_up()

    def clock_is_set(self, by: timedelta) -> None:
        """Back: everything that was planned comes with it. Forward: it is due the sooner."""
        self.now += by
        if by < timedelta(0):
            if self.asking is not None:
                self.asking.due += by
            if self.taken_until is not None:
                self.taken_until += by
        self._catch_up()

    # -- what follows ------------------------------------------------------------------------------

    def _ask(self) -> None:
        self.asking = Asking(self.order, self.now)
        self._catch_up()

    def _catch_up(self) -> None:
        if self.taken_until is not None and self.taken_until <= self.now:
            self.taken_until = None
            self._ask()
        while self.asking is not None and self.asking.due <= self.now:
            self._page(self.asking)

    def _page(self, asking: Asking) -> None:
        if asking.number == len(GAPS):
            self.asking = None
            return
        who = (self._on_call(asking), self._on_call(asking), "ben", "head")[asking.number]
        self.pages.append((self.now, who))
        base = asking.due if self.now - asking.due < LATE else self.now
        asking.due = base + GAPS[asking.number]
        asking.number += 1

    def _on_call(self, asking: Asking) -> str:
        taken = [who for start, end, who in self.shifts if start <= self.now < end]
        return taken[-1] if taken else asking.order[0]
