"""What finding an item answers: its traces, and where it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """One trace of an item. `at` None: the trace has no time. `source`: where it can be seen again."""

    at: datetime | None
    service: str
    source: str
    what: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Where an item stands on its way. `next` None: it went all the way.

    `within_s`: how soon the next service usually has it; `learned_from`: other items, 0 if the
    estate says so. `known` False: what should follow could not be looked at.
    """

    service: str
    at: datetime | None
    next: str | None
    skipped: tuple[str, ...] = ()
    within_s: float | None = None
    learned_from: int = 0
    late: bool = False
    known: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was found of one item, in order of time; `notes`: what could not be read."""

    id: str
    journey: str | None
    seen: tuple[Seen, ...]
    stop: Stop | None
    sentence: str
    searched: tuple[str, ...]
    notes: tuple[str, ...]
