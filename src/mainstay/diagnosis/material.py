"""What a diagnosis works on, whoever delivered it: a folder of files, or a live incident.

Readers fill this; the engine knows nothing of files. Three stretches of time matter: `usual`
(fault-free, perhaps days ago), `before` (just before the incident) and `during` (the incident).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mainstay.diagnosis.commits.change import Release
from mainstay.diagnosis.facts.fact import Fact
from mainstay.diagnosis.kubernetes.cluster import Cluster
from mainstay.diagnosis.traces.span import Call, Line


class Measure(StrEnum):
    """What a series measures, told from its name; the rest is OTHER and never a cause itself."""

    LATENCY = "latency"
    AVAILABILITY = "availability"
    ERRORS = "errors"
    REQUESTS = "requests"
    CPU = "cpu"
    MEMORY = "memory"
    NETWORK = "network delay"
    DISK = "disk"
    OTHER = "other"


class Phase(StrEnum):
    """To which stretch of time a value belongs."""

    USUAL = "usual"
    BEFORE = "before"
    DURING = "during"


Points = tuple[tuple[float, float], ...]
"""(Unix time in seconds, value), in order of time; holes are left out."""


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one thing, cut into the three stretches of time."""

    where: str
    name: str
    measure: Measure
    statistic: str = ""
    usual: Points = ()
    before: Points = ()
    during: Points = ()


@dataclass(frozen=True, slots=True)
class Symptom:
    """What made somebody look: where it was seen, and in which measure, if it is known."""

    where: str
    measure: Measure | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that was delivered about one incident."""

    symptom: Symptom | None = None
    since: datetime | None = None
    series: tuple[Series, ...] = ()
    calls: frozenset[tuple[str, str]] = frozenset()
    """(caller, callee), declared or learned."""
    traces: Mapping[Phase, tuple[Call, ...]] = field(default_factory=dict)
    logs: Mapping[Phase, tuple[Line, ...]] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    cluster: Cluster | None = None
    release: Release | None = None
    notes: tuple[str, ...] = ()
    """What could not be read, each in a sentence."""


def merged(parts: Iterable[Material]) -> Material:
    """One material of many, in their order; of what there can be but one, the first is taken."""
    every = list(parts)
    return Material(
        symptom=next((one.symptom for one in every if one.symptom), None),
        since=next((one.since for one in every if one.since), None),
        series=tuple(series for one in every for series in one.series),
        calls=frozenset(call for one in every for call in one.calls),
        traces={phase: tuple(c for m in every for c in m.traces.get(phase, ())) for phase in Phase},
        logs={phase: tuple(x for m in every for x in m.logs.get(phase, ())) for phase in Phase},
        facts=tuple(fact for one in every for fact in one.facts),
        cluster=next((one.cluster for one in every if one.cluster), None),
        release=next((one.release for one in every if one.release), None),
        notes=tuple(note for one in every for note in one.notes),
    )
