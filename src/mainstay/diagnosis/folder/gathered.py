"""What the readers of files put together, before it is cut into stretches of time."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from mainstay.diagnosis.commits.change import Release
from mainstay.diagnosis.facts.fact import Fact
from mainstay.diagnosis.folder.objects import Parts
from mainstay.diagnosis.material import Measure, Phase, Series
from mainstay.diagnosis.series.measures import measure_of
from mainstay.diagnosis.traces.span import Call, Line

FILE_BYTES_MAX = 256 * 1024 * 1024
"""Larger files are told of and left out: `mainstay logs` is for those."""
ROWS_MAX = 2_000_000
"""Rows read of one file; the rest is told of."""
FILES_MAX = 5_000
NOTES_MAX = 50
GOOD = {"good", "normal", "usual", "baseline", "noissue", "before", "healthy"}
BAD = {"bad", "anomalous", "incident", "during", "faulty"}

Key = tuple[str, str, str]
"""(where, metric, statistic)."""


@dataclass(slots=True)
class Gathered:
    """Grows while a folder is read. Phase None: to be cut at the beginning of the incident."""

    points: dict[Key, dict[Phase | None, dict[float, float]]] = field(default_factory=dict)
    calls: set[tuple[str, str]] = field(default_factory=set)
    spans: dict[Phase | None, list[Call]] = field(default_factory=dict)
    lines: dict[Phase | None, list[Line]] = field(default_factory=dict)
    objects: Parts | None = None
    """Of a cluster."""
    facts: list[Fact] = field(default_factory=list)
    ill_from_s: float | None = None
    """The earliest time of an observation in what is named bad."""
    release: Release | None = None
    symptom: tuple[str, str] | None = None
    """(where, metric) as an alert in the folder names it."""
    fired_at_s: float | None = None
    notes: list[str] = field(default_factory=list)

    def point(self, key: Key, phase: Phase | None, at_s: float, value: float) -> None:
        """Keep one value of a series."""
        self.points.setdefault(key, {}).setdefault(phase, {})[at_s] = value

    def note(self, file: Path, what: str) -> None:
        """Say what could not be read; the first fifty are kept."""
        if len(self.notes) < NOTES_MAX:
            self.notes.append(f"{file.name}: {what}")


def phase_of(relative: Path) -> Phase | None:
    """What the names on the way to a file say of its time."""
    for part in (relative.stem, *relative.parts[:-1][::-1]):
        words = part.lower().replace("_", "-").split("-")
        if GOOD.intersection(words):
            return Phase.USUAL
        if BAD.intersection(words):
            return Phase.DURING
    return None


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the incident begins and ends; a row that is an average over `step_s` belongs to the
    stretch in which it ends."""

    since_s: float | None
    until_s: float | None

    def phase(self, at_s: float, step_s: float = 0.0) -> Phase | None:
        """The stretch of an instant; None after the end."""
        if self.since_s is None or at_s + step_s > self.since_s:
            return Phase.DURING if self.until_s is None or at_s < self.until_s else None
        return Phase.BEFORE


def series_of(gathered: Gathered, cut: Cut) -> tuple[Series, ...]:
    """Every series, cut into its stretches, in the order of their names."""
    return tuple(_series(key, phases, cut) for key, phases in sorted(gathered.points.items()))


def _series(key: Key, phases: dict[Phase | None, dict[float, float]], cut: Cut) -> Series:
    parts: dict[Phase, list[tuple[float, float]]] = {phase: [] for phase in Phase}
    for phase, values in phases.items():
        rows = sorted(values.items())
        if phase is not None:
            parts[phase] += rows
            continue
        step_s = _step(rows)
        for at_s, value in rows:
            placed = cut.phase(at_s, step_s)
            if placed:
                parts[placed].append((at_s, value))
    where, name, statistic = key
    return Series(
        where,
        name,
        measure_of(name) if where else Measure.OTHER,
        statistic,
        usual=tuple(parts[Phase.USUAL]),
        before=tuple(parts[Phase.BEFORE]),
        during=tuple(parts[Phase.DURING]),
    )


def _step(rows: list[tuple[float, float]]) -> float:
    gaps = sorted(b[0] - a[0] for a, b in pairwise(rows))
    return gaps[len(gaps) // 2] if gaps else 0.0
