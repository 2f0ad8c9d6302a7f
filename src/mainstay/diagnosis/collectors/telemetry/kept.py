"""What is kept here, asked by the store's query door: lines, spans, and the common measures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from mainstay.diagnosis.collectors.collector import Question
from mainstay.diagnosis.collectors.telemetry.logs import LINES_MAX, stretches
from mainstay.diagnosis.collectors.telemetry.phases import cut
from mainstay.diagnosis.collectors.telemetry.queries import COUNTERS, CPU, LEVELS_OF_MEMORY, TIMES
from mainstay.diagnosis.material import Material, Measure, Phase, Series
from mainstay.diagnosis.traces.span import Call, Line
from mainstay.foundation.errors import MainstayError
from mainstay.telemetry import connectors
from mainstay.telemetry.logs import Level

STEP_S = 30
SPANS_MAX = 5_000
SERVICES_MAX = 50
_LEVELS: tuple[Level, ...] = ("", "debug", "info", "warning", "error", "critical")
Points = list[tuple[int, float]]


@dataclass(slots=True)
class _Answers:
    lines: dict[Phase, list[Line]] = field(default_factory=lambda: defaultdict(list))
    calls: dict[Phase, list[Call]] = field(default_factory=lambda: defaultdict(list))
    series: dict[tuple[str, str], list[Points]] = field(default_factory=lambda: defaultdict(list))
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class KeptHere:
    """The telemetry kept in a folder, whether it is being filled or not."""

    folder: Path
    name = "kept telemetry"

    def collect(self, question: Question, *, within_s: float) -> Material:
        """Log lines, spans, and latency, requests, CPU and memory from kept metrics."""
        phases = stretches(question)
        asked = {
            "services": question.services[:SERVICES_MAX],
            "windows": [[round(at.timestamp() * 1e6) for at in (one.since, one.until)] for _, one in phases],
            "lines": LINES_MAX, "spans": SPANS_MAX,
            "metrics": [*COUNTERS, *(f"{one}_sum" for one in TIMES), *CPU, *LEVELS_OF_MEMORY],
        }  # fmt: skip
        try:
            answers = connectors.ask_kept(self.folder, asked, within_s=within_s)
        except MainstayError as error:
            return Material(notes=(error.sentence,))
        found = _read(answers, [phase for phase, _ in phases])
        return Material(
            series=tuple(_measured(found.series, question)),
            logs={phase: tuple(lines) for phase, lines in found.lines.items()},
            traces={phase: tuple(calls) for phase, calls in found.calls.items()},
            notes=tuple(found.notes),
        )


def _read(answers: Iterable[dict[str, Any]], phases: list[Phase]) -> _Answers:
    found = _Answers()
    for one in answers:
        match one["kind"]:
            case "line":
                line = Line(one["service"], one["body"], one["at_us"] / 1e6, _LEVELS[one["rank"]].upper())  # fmt: skip
                found.lines[phases[one["window"]]].append(line)
            case "span":
                call = Call(
                    one["trace"], one["span"], one["parent"], one["service"], one["name"],
                    one["at_us"] / 1e6, one["duration_us"] / 1e6, bool(one["failed"]),
                )  # fmt: skip
                found.calls[phases[one["window"]]].append(call)
            case "series":
                found.series[one["service"], one["name"]].append(one["points"])
            case "cut":
                words = f"Of the kept lines of {one['service']}, the newest {LINES_MAX} were read."
                found.notes.append(words)
    return found


# -- measures of kept metrics ------------------------------------------------------------------------


def _measured(
    series: Mapping[tuple[str, str], list[Points]], question: Question
) -> Iterable[Series]:
    for service in dict.fromkeys(service for service, _ in series):
        rate = {name: _rate(many) for (whose, name), many in series.items() if whose == service}
        measures = (
            (Measure.REQUESTS, _first(rate, COUNTERS)), (Measure.CPU, _first(rate, CPU)),
            (Measure.LATENCY, _latency(rate)),
            (Measure.MEMORY, _level(series, service)),
        )  # fmt: skip
        for measure, values in measures:
            if values:
                points = tuple(sorted(values.items()))
                yield cut(service, measure.value, measure, points, question)


def _rate(many: Iterable[Points]) -> dict[float, float]:
    """Start of a step → what the counters of all label sets rose by, a second."""
    found: dict[float, float] = defaultdict(float)
    for points in many:
        for (_, before), (at_us, value) in pairwise(points):
            rise = value - before if value >= before else value  # it began anew
            found[at_us // (STEP_S * 1_000_000) * STEP_S] += rise / STEP_S
    return found


def _first(rate: Mapping[str, dict[float, float]], names: Iterable[str]) -> dict[float, float]:
    return next((rate[name] for name in names if rate.get(name)), {})


def _latency(rate: Mapping[str, dict[float, float]]) -> dict[float, float]:
    for name in TIMES:
        spent, counts = rate.get(f"{name}_sum"), rate.get(f"{name}_count")
        if spent and counts:
            return {at: spent.get(at, 0.0) / count for at, count in counts.items() if count}
    return {}


def _level(series: Mapping[tuple[str, str], list[Points]], service: str) -> dict[float, float]:
    """The newest value in each step, all label sets together."""
    for name in LEVELS_OF_MEMORY:
        found: dict[float, float] = defaultdict(float)
        for points in series.get((service, name), []):
            newest = {at_us // (STEP_S * 1_000_000) * STEP_S: value for at_us, value in points}
            for at, value in newest.items():
                found[at] += value
        if found:
            return found
    return {}
