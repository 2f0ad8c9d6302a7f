"""The collectors of everything that the estate declares as telemetry."""

from __future__ import annotations

from collections.abc import Mapping

from mainstay.diagnosis.collectors.collector import Collector
from mainstay.diagnosis.collectors.telemetry.logs import Logs
from mainstay.diagnosis.collectors.telemetry.metrics import MakeEgress, Metrics
from mainstay.estate.collections import Estate


def of_telemetry(
    estate: Estate, make_egress: MakeEgress, environment: Mapping[str, str]
) -> list[Collector]:
    """One for each place. `make_egress`: the way out, made anew for each collector's own thread."""
    found: list[Collector] = []
    for id_, declared in estate.telemetry.items():
        match declared.kinds:
            case ("prometheus",):
                found.append(Metrics(id_, declared, make_egress, environment))
            case ("loki",):
                found.append(Logs(id_, declared, make_egress, environment))
    return found
