"""Loki's HTTP API (`/loki/api/v1/query_range`, `/query`, `/patterns`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mainstay.foundation.errors import BadReply
from mainstay.telemetry.connectors.asked import Place, cannot, quoted
from mainstay.telemetry.connectors.port import Capability, Found, Line, Lines, Window

LABEL = "service_name"
LIMIT_MAX = 5_000
"""Lines of one answer; Loki refuses more unless it is set up to give them."""
RANGE = "/loki/api/v1/query_range"
_SHAPE = (KeyError, TypeError, ValueError, AttributeError, IndexError)


@dataclass(frozen=True, slots=True)
class Loki:
    """Logs: lines, counts by time, and kinds of message where its pattern ingester runs."""

    place: Place
    can = frozenset(
        {Capability.LINES, Capability.COUNT, Capability.HISTOGRAM, Capability.TEMPLATES}
    )

    @property
    def name(self) -> str:
        """Its id in the estate."""
        return self.place.name

    async def lines(self, service: str, window: Window, *, text: str, limit: int) -> Lines:
        """The newest; LIMIT_MAX at most."""
        limit = min(limit, LIMIT_MAX)
        data = await self.place.ask(
            RANGE,
            {"query": self._selected(service, text), "limit": str(limit), "direction": "backward",
             **_nanos(window)},
        )  # fmt: skip
        try:
            found = [
                Line(int(entry[0]) / 1e9, stream["stream"], str(entry[1]))
                for stream in data["result"] for entry in stream["values"]
            ]  # fmt: skip
        except _SHAPE as error:
            raise self._misshapen() from error
        found.sort(key=lambda one: one.at_s)
        return Lines(tuple(found[-limit:]), cut=len(found) >= limit)

    async def count(self, service: str, window: Window, *, text: str) -> int:
        """By `count_over_time` at the window's end."""
        span_s = max(1, round((window.until - window.since).total_seconds()))
        query = f"sum(count_over_time({self._selected(service, text)}[{span_s}s]))"
        data = await self.place.ask(
            "/loki/api/v1/query", {"query": query, "time": _nanos(window)["end"]}
        )
        try:
            return sum(int(float(one["value"][1])) for one in data["result"])
        except _SHAPE as error:
            raise self._misshapen() from error

    async def histogram(
        self, service: str, window: Window, *, text: str, step_s: int
    ) -> Mapping[float, int]:
        """By `count_over_time`; each value there counts the step that ends at its time."""
        query = f"sum(count_over_time({self._selected(service, text)}[{step_s}s]))"
        data = await self.place.ask(
            RANGE, {"query": query, "step": str(step_s), **_nanos(window, first_s=step_s)}
        )
        try:
            values = [pair for one in data["result"] for pair in one["values"]]
            return {float(at) - step_s: int(float(value)) for at, value in values}
        except _SHAPE as error:
            raise self._misshapen() from error

    async def templates(self, service: str, window: Window) -> Mapping[str, int]:
        """Needs Loki 3 with its pattern ingester; Rejected elsewhere."""
        data = await self.place.ask(
            "/loki/api/v1/patterns", {"query": self._selected(service, ""), **_nanos(window)}
        )
        found: Counter[str] = Counter()
        try:
            for one in data:
                found[str(one["pattern"])] += sum(int(count) for _, count in one["samples"])
        except _SHAPE as error:
            raise self._misshapen() from error
        return found

    async def series(self, query: str, window: Window, *, step_s: int) -> Found:
        """Refused."""
        cannot(self.name, Capability.SERIES)

    def _selected(self, service: str, text: str) -> str:
        label, called = self.place.label(LABEL), quoted(self.place.called(service))
        return f"{{{label}={called}}}" + (f" |= {quoted(text)}" if text else "")

    def _misshapen(self) -> BadReply:
        return BadReply(f"{self.name} answers in a shape that is not Loki's.")


def _nanos(window: Window, *, first_s: int = 0) -> dict[str, Any]:
    start, end = (int(at.timestamp() * 1e6) * 1_000 for at in (window.since, window.until))
    return {"start": str(start + first_s * 10**9), "end": str(end)}
