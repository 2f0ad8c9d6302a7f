"""What every format has in common: the outcome, and a level where the sender names none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mainstay.telemetry.logs import RANK, Layouts, each_alone
from mainstay.telemetry.store import KeptSpan, Record, Sample

LATE_US, EARLY_US = 400 * 86_400_000_000, 86_400_000_000
"""A stamp older than the first or further ahead than the second is no clock's: the time of arrival
is taken instead."""
SERVICE = ("service.name", "service_name", "service", "app", "app.kubernetes.io/name", "job",
           "container", "container_name")  # fmt: skip
HOST = ("host.name", "host", "hostname", "node_name", "k8s.node.name", "instance", "pod",
        "k8s.pod.name")  # fmt: skip
UNNAMED = "unknown"
"""The service of what names none, as OpenTelemetry has it."""


@dataclass(slots=True)
class Taken:
    """What was read of a request, and what of it could not be."""

    records: list[Record] = field(default_factory=list)
    refused: int = 0


@dataclass(slots=True)
class Measured:
    """The samples of a request or a scrape, and how many points could not be read."""

    samples: list[Sample] = field(default_factory=list)
    refused: int = 0


@dataclass(slots=True)
class Traced:
    """The spans of a request, and how many could not be read."""

    spans: list[KeptSpan] = field(default_factory=list)
    refused: int = 0


def first(labels: Mapping[str, object], names: Iterable[str], otherwise: str = "") -> str:
    """The first of these that is there and says something."""
    return next(
        (str(labels[name]) for name in names if labels.get(name) not in (None, "")), otherwise
    )


def instant(at_us: int | None, received_us: int) -> int:
    """The sender's time, unless no clock can have shown it."""
    if at_us is None or not received_us - LATE_US <= at_us <= received_us + EARLY_US:
        return received_us
    return at_us


def rank_of(level: str) -> int | None:
    """Our rank of a level's name in any common spelling; None if it is none."""
    return _RANKS.get(level.strip().lower())


def read_line(text: str, reader: Layouts) -> tuple[int, str]:
    """(rank, source) as the line itself says."""
    (event,) = each_alone([text.split("\n", 1)[0].encode("utf-8", "replace")], reader)
    return (0, "") if event is None else (RANK[event.level], event.source)


_RANKS = {
    "trace": 1, "debug": 1, "fine": 1, "verbose": 1, "info": 2, "information": 2, "notice": 2,
    "warn": 3, "warning": 3, "err": 4, "error": 4, "severe": 4, "fatal": 5, "critical": 5, "crit": 5,
    "alert": 5, "emerg": 5, "emergency": 5, "panic": 5,
}  # fmt: skip
