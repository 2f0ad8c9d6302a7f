"""All collectors at once, within a budget; one that hangs is left behind, and said so."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

from mainstay.diagnosis.collectors import Collector, Question
from mainstay.diagnosis.material import Material, merged
from mainstay.foundation.errors import MainstayError

log = logging.getLogger("mainstay.diagnosis")

THREADS_MAX = 24
"""Of one process. One that hangs keeps its place until it comes back."""
COLLECTORS_MAX = 64
WAITING, READING, DONE, LEFT, FAILED = "waiting", "reading", "done", "left behind", "failed"
Tell = Callable[[list[dict[str, Any]]], None]
"""Told of every change: each collector's name, state, how many things it found, and seconds."""


@dataclass(slots=True)
class _Seat:
    """One collector of one run."""

    collector: Collector
    state: str = WAITING
    found: int = 0
    took_s: float = 0.0
    material: Material = field(default_factory=Material)

    def told(self) -> dict[str, Any]:
        return {
            "name": self.collector.name, "state": self.state, "found": self.found,
            "took_s": round(self.took_s, 2),
        }  # fmt: skip


_News = tuple[int, str, Material, float]


class Workers:
    """The threads in which collectors run; made once for a process and bounded for all runs."""

    def __init__(self, threads_max: int = THREADS_MAX) -> None:
        self._free = threading.BoundedSemaphore(threads_max)

    def gather(
        self, collectors: Sequence[Collector], question: Question, *, budget_s: float, tell: Tell
    ) -> Material:
        """What they all saw, in their order; never later than `budget_s` from now."""
        ends = monotonic() + budget_s
        seats = [_Seat(one) for one in collectors[:COLLECTORS_MAX]]
        news: SimpleQueue[_News] = SimpleQueue()
        for place, seat in enumerate(seats):
            threading.Thread(
                target=self._run, args=(place, seat.collector, question, ends, news),
                name=f"collector {seat.collector.name}", daemon=True,
            ).start()  # fmt: skip
        tell([one.told() for one in seats])
        open_n = len(seats)
        while open_n and (left_s := ends - monotonic()) > 0:
            open_n -= _take(news, seats, left_s)
            tell([one.told() for one in seats])
        return _end(seats, budget_s, tell)

    def _run(
        self, place: int, collector: Collector, question: Question, ends: float,
        news: SimpleQueue[_News],
    ) -> None:  # fmt: skip
        if not self._free.acquire(timeout=max(0.0, ends - monotonic())):
            return  # all places are taken by what hangs: it is left behind where it waits
        began = monotonic()
        try:
            news.put((place, READING, Material(), 0.0))
            found = collector.collect(question, within_s=max(0.1, ends - began))
            news.put((place, DONE, found, monotonic() - began))
        except MainstayError as error:
            notes = (f"{collector.name}: {error.sentence}",)
            news.put((place, FAILED, Material(notes=notes), monotonic() - began))
        except Exception as error:
            log.exception("the collector %s failed", collector.name)
            notes = (f"{collector.name} failed: {type(error).__name__}.",)
            news.put((place, FAILED, Material(notes=notes), monotonic() - began))
        finally:
            self._free.release()


def _take(news: SimpleQueue[_News], seats: Sequence[_Seat], left_s: float) -> int:
    """All that is new, waited for; returns how many have ended by it."""
    ended = 0
    try:
        one = news.get(timeout=left_s)
        while True:
            place, state, material, took_s = one
            seat = seats[place]
            seat.state, seat.took_s = state, took_s
            if state != READING:
                seat.material, seat.found = material, _size(material)
                ended += 1
            one = news.get_nowait()
    except Empty:
        return ended


def _end(seats: Sequence[_Seat], budget_s: float, tell: Tell) -> Material:
    for seat in seats:
        if seat.state in (WAITING, READING):
            words = "did not begin" if seat.state == WAITING else "did not answer"
            note = f"{seat.collector.name} {words} within {budget_s:g} s and was left behind."
            seat.state, seat.material, seat.took_s = LEFT, Material(notes=(note,)), budget_s
    tell([one.told() for one in seats])
    return merged(one.material for one in seats)


def _size(material: Material) -> int:
    """How many things were seen."""
    lines = sum(len(part) for part in material.logs.values())
    spans = sum(len(part) for part in material.traces.values())
    return len(material.series) + len(material.facts) + len(material.calls) + lines + spans
