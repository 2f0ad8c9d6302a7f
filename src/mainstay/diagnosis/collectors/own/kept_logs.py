"""Lines that the log store keeps; it is asked in its own process, so that it can delay nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from mainstay.diagnosis.collectors.collector import Question
from mainstay.diagnosis.material import Material, Phase
from mainstay.diagnosis.traces.span import Line
from mainstay.foundation.errors import MainstayError

LINES_MAX = 2_000
"""Lines of one service in one stretch of time."""
SERVICES_MAX = 20


@dataclass(frozen=True, slots=True)
class Lines:
    """What is asked of the store: so many of the newest lines of a service."""

    service: str
    since: datetime
    until: datetime
    limit: int = LINES_MAX


@dataclass(frozen=True, slots=True)
class KeptLogs:
    """The lines of the services asked about, before and during; the symptom's first."""

    ask: Callable[[Lines, float], list[Line]] | None
    """None: no store is set up. It is told how many seconds it may take."""
    name: str = "kept logs"

    def collect(self, question: Question, *, within_s: float) -> Material:
        """As many services as there is time for; the others are a note."""
        if self.ask is None:
            return Material(notes=("No log store is set up here.",))
        ends = monotonic() + within_s
        good: list[Line] = []
        bad: list[Line] = []
        for place, service in enumerate(question.services):
            left_s = ends - monotonic()
            if place >= SERVICES_MAX or left_s <= 0:
                rest = len(question.services) - place
                return _material(good, bad, (f"The logs of {rest} more services were not read.",))
            try:
                bad += self.ask(Lines(service, question.since, question.until), left_s)
                good += self.ask(Lines(service, question.usual_from, question.since), left_s)
            except MainstayError as error:
                return _material(good, bad, (f"Kept logs: {error.sentence}",))
        return _material(good, bad, ())


def _material(good: list[Line], bad: list[Line], notes: tuple[str, ...]) -> Material:
    logs = {Phase.USUAL: tuple(good), Phase.DURING: tuple(bad)}
    return Material(logs={phase: lines for phase, lines in logs.items() if lines}, notes=notes)
