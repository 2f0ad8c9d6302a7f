"""Prometheus's HTTP API (`/api/v1/query_range`), as VictoriaMetrics, Mimir and Thanos have it too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from mainstay.foundation.errors import BadReply
from mainstay.telemetry.connectors.asked import Place, cannot
from mainstay.telemetry.connectors.port import Capability, Found, Lines, Samples, Window

LABEL = "job"
SERIES_MAX = 2_000
POINTS_MAX = 10_000
"""Values of one series; Prometheus refuses more than 11,000."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Series by PromQL; nothing of logs."""

    place: Place
    can = frozenset({Capability.SERIES})

    @property
    def name(self) -> str:
        """Its id in the estate."""
        return self.place.name

    @property
    def label(self) -> str:
        """The label that names services there."""
        return self.place.label(LABEL)

    async def series(self, query: str, window: Window, *, step_s: int) -> Found:
        """The first SERIES_MAX series; the step is widened where there were too many values."""
        since, until = window.since.timestamp(), window.until.timestamp()
        step_s = max(1, step_s, int((until - since) / POINTS_MAX) + 1)
        data = await self.place.ask(
            "/api/v1/query_range",
            {"query": query, "start": f"{since:.3f}", "end": f"{until:.3f}", "step": str(step_s)},
        )
        try:
            found = list(_read(data))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadReply(f"{self.name} answers in a shape that is not query_range's.") from error
        return Found(tuple(found[:SERIES_MAX]), cut=len(found) > SERIES_MAX)

    async def lines(self, service: str, window: Window, *, text: str, limit: int) -> Lines:
        """Refused."""
        cannot(self.name, Capability.LINES)

    async def count(self, service: str, window: Window, *, text: str) -> int:
        """Refused."""
        cannot(self.name, Capability.COUNT)

    async def histogram(
        self, service: str, window: Window, *, text: str, step_s: int
    ) -> Mapping[float, int]:
        """Refused."""
        cannot(self.name, Capability.HISTOGRAM)

    async def templates(self, service: str, window: Window) -> Mapping[str, int]:
        """Refused."""
        cannot(self.name, Capability.TEMPLATES)


def _read(data: Any) -> Iterator[Samples]:
    for one in data["result"]:
        points = ((float(at), float(value)) for at, value in one["values"])
        labels = {str(name): str(text) for name, text in one["metric"].items()}
        yield Samples(labels, tuple(point for point in points if isfinite(point[1])))
