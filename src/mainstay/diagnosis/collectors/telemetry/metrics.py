"""Metrics that stay where they are, asked by PromQL and cut into usual, before and during."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mainstay.diagnosis.collectors.collector import Question
from mainstay.diagnosis.collectors.telemetry.phases import cut
from mainstay.diagnosis.collectors.telemetry.queries import own_queries, usual_queries
from mainstay.diagnosis.material import Material, Measure, Series
from mainstay.estate.collections import Telemetry
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import MainstayError
from mainstay.telemetry import connectors

VALUES_MAX = 1_000
"""Values of one series over the whole time of a question."""
RATE_SCRAPES = 4
"""A rate is taken over so many scrapes, so that one that is missed leaves no hole."""
SERVICES_MAX = 200
MakeEgress = Callable[[], Egress]


@dataclass(frozen=True, slots=True)
class Metrics:
    """The series of one Prometheus-compatible place."""

    id: str
    declared: Telemetry
    make_egress: MakeEgress
    environment: Mapping[str, str]

    @property
    def name(self) -> str:
        """As the estate calls it."""
        return f"metrics of {self.id}"

    def collect(self, question: Question, *, within_s: float) -> Material:
        """Latency, requests, availability, errors, CPU, memory and disk, of what is measured."""
        services = _asked(self.declared, question)
        return asyncio.run(self._collect(question, services, within_s)) if services else Material()

    async def _collect(
        self, question: Question, services: Sequence[str], within_s: float
    ) -> Material:
        egress = self.make_egress()
        place = connectors.Place(self.id, self.declared, egress, self.environment)
        source, notes = connectors.Prometheus(place), list[str]()
        try:
            async with asyncio.timeout(within_s):
                asked = list(self._queries(source.label, services))
                found = await asyncio.gather(
                    *(self._series(source, question, *one, notes) for one in asked)
                )
        except TimeoutError:
            return Material(notes=(f"{self.name} did not answer within {within_s:g} s.",))
        finally:
            await egress.close()
        own = {(one.where, one.measure) for part, (_, _, where) in zip(found, asked, strict=True)
               for one in part if where}  # fmt: skip
        series = [
            one for part, (_, _, where) in zip(found, asked, strict=True) for one in part
            if where or (one.where, one.measure) not in own
        ]  # fmt: skip
        return Material(series=tuple(series), notes=tuple(dict.fromkeys(notes)))

    def _queries(self, label: str, services: Sequence[str]) -> list[tuple[Measure, str, str]]:
        """(measure, query, the one service that it is about or "")."""
        called = [self.declared.names.get(one, one) for one in services]
        over_s = max(1, round(self.declared.every.total_seconds() * RATE_SCRAPES))
        found = [(*one, "") for one in usual_queries(label, called, over_s=over_s)]
        for service in services:
            if service in self.declared.queries:
                found += [(*one, service) for one in own_queries(self.declared.queries[service])]
        return found

    async def _series(
        self, source: connectors.Prometheus, question: Question, measure: Measure, query: str,
        where: str, notes: list[str],
    ) -> list[Series]:  # fmt: skip
        span_s = (question.until - question.usual_from).total_seconds()
        step_s = round(max(self.declared.every.total_seconds(), span_s / VALUES_MAX, 1))
        window = connectors.Window(question.usual_from, question.until)
        try:
            found = await source.series(query, window, step_s=step_s)
        except MainstayError as error:
            notes.append(error.sentence)
            return []
        if where and len(found.series) > 1:
            words = f"{len(found.series)} series; the first is taken. Let the query sum them."
            notes.append(f"The {measure.value} query of {where} has {words}")
        series = found.series[:1] if where else found.series
        return [
            cut(where or source.place.service(one.labels.get(source.label, "")), measure.value,
                measure, one.points, question)
            for one in series
        ]  # fmt: skip


def _asked(declared: Telemetry, question: Question) -> list[str]:
    """The services of a question whose telemetry is there."""
    return [one for one in question.services if not declared.services or one in declared.services][
        :SERVICES_MAX
    ]
