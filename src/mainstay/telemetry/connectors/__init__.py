"""Telemetry that is left where it is: asked there, by one small port (`port.py`).

Another system is one file, a line in `build` and a contract test. A connector holds no state but
how to reach its place; it reads and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from mainstay.estate.collections import Telemetry
from mainstay.foundation.egress import Egress
from mainstay.telemetry.connectors.asked import Place
from mainstay.telemetry.connectors.kept import ask_kept
from mainstay.telemetry.connectors.loki import Loki
from mainstay.telemetry.connectors.port import (
    Capability,
    Connector,
    Found,
    Line,
    Lines,
    Samples,
    Window,
)
from mainstay.telemetry.connectors.prometheus import Prometheus

__all__ = [
    "Capability", "Connector", "Found", "Line", "Lines", "Loki", "Place", "Prometheus", "Samples",
    "Window", "ask_kept", "build",
]  # fmt: skip


def build(
    name: str, declared: Telemetry, egress: Egress, environment: Mapping[str, str]
) -> Connector | None:
    """The connector of what the estate declares; None for an exporter, which is scraped instead."""
    place = Place(name, declared, egress, environment)
    match declared.kinds:
        case ("prometheus",):
            return Prometheus(place)
        case ("loki",):
            return Loki(place)
        case _:
            return None
