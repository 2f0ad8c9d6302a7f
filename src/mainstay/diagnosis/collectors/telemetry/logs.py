"""Log lines that stay where they are: those of the incident, and as many from just before and usual."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mainstay.diagnosis.collectors.collector import Question
from mainstay.diagnosis.collectors.telemetry.metrics import MakeEgress
from mainstay.diagnosis.collectors.telemetry.phases import before_from, during_from
from mainstay.diagnosis.material import Material, Phase
from mainstay.diagnosis.traces.span import Line
from mainstay.estate.collections import Telemetry
from mainstay.foundation.errors import MainstayError
from mainstay.telemetry import connectors
from mainstay.telemetry.logs import Layouts, each_alone

LINES_MAX = 2_000
"""Lines of one service in one stretch of time."""
SERVICES_MAX = 50


@dataclass(frozen=True, slots=True)
class Logs:
    """The lines of one place that answers like Loki."""

    id: str
    declared: Telemetry
    make_egress: MakeEgress
    environment: Mapping[str, str]

    @property
    def name(self) -> str:
        """As the estate calls it."""
        return f"logs of {self.id}"

    def collect(self, question: Question, *, within_s: float) -> Material:
        """The newest lines of every stretch; what was left out is a note."""
        declared = self.declared.services
        services = [one for one in question.services if not declared or one in declared]
        return asyncio.run(self._collect(question, services[:SERVICES_MAX], within_s))

    async def _collect(
        self, question: Question, services: Sequence[str], within_s: float
    ) -> Material:
        egress, notes = self.make_egress(), list[str]()
        source = connectors.Loki(connectors.Place(self.id, self.declared, egress, self.environment))
        asked = [(phase, service, window) for phase, window in stretches(question)
                 for service in services]  # fmt: skip
        try:
            async with asyncio.timeout(within_s):
                found = await asyncio.gather(
                    *(self._lines(source, service, window, notes) for _, service, window in asked)
                )
        except TimeoutError:
            return Material(notes=(f"{self.name} did not answer within {within_s:g} s.",))
        finally:
            await egress.close()
        logs: dict[Phase, tuple[Line, ...]] = {}
        for (phase, _, _), lines in zip(asked, found, strict=True):
            logs[phase] = (*logs.get(phase, ()), *lines)
        return Material(logs=logs, notes=tuple(dict.fromkeys(notes)))

    async def _lines(
        self, source: connectors.Loki, service: str, window: connectors.Window, notes: list[str]
    ) -> list[Line]:
        try:
            found = await source.lines(service, window, text="", limit=LINES_MAX)
        except MainstayError as error:
            notes.append(error.sentence)
            return []
        if found.cut:
            notes.append(
                f"Of the lines of {service} in {self.id}, the newest {LINES_MAX} were read."
            )
        return _read(service, found.lines, window.until)


def stretches(question: Question) -> list[tuple[Phase, connectors.Window]]:
    """Each phase with its window; one that is empty is left out."""
    start, since = before_from(question), during_from(question)
    spans = (
        (Phase.USUAL, question.usual_from, start),
        (Phase.BEFORE, start, since),
        (Phase.DURING, since, question.until),
    )
    return [(one, connectors.Window(first, last)) for one, first, last in spans if first < last]


def _read(service: str, lines: Sequence[connectors.Line], now: datetime) -> list[Line]:
    """Lines with the level that their labels or their own words tell; of an event, the first."""
    texts = [one.text.encode("utf-8", "replace") for one in lines]
    found: list[Line] = []
    for one, event in zip(lines, each_alone(texts, Layouts(now=now, zone=UTC)), strict=True):
        if event is None and one.text[:1].isspace():
            continue
        own, text = (event.level, event.message) if event is not None else ("", one.text)
        level = one.labels.get("level") or one.labels.get("detected_level") or own
        found.append(Line(service, text, one.at_s, level.upper()))
    return found
