"""The collectors of everything that the estate declares as telemetry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mainstay.diagnosis.collectors.collector import Collector
from mainstay.diagnosis.collectors.telemetry.kept import KeptHere
from mainstay.diagnosis.collectors.telemetry.logs import Logs
from mainstay.diagnosis.collectors.telemetry.metrics import MakeEgress, Metrics
from mainstay.estate.collections import Estate


def of_telemetry(
    estate: Estate,
    make_egress: MakeEgress,
    environment: Mapping[str, str],
    *,
    kept_in: Path | None = None,
) -> list[Collector]:
    """One for each place, and one for what is kept here.

    `make_egress`: the way out, made anew for each collector's own thread. `kept_in`: the folder of
    kept telemetry (`telemetry.folder_of(settings)` where `telemetry.keep` is set).
    """
    found: list[Collector] = [] if kept_in is None else [KeptHere(kept_in)]
    for id_, declared in estate.telemetry.items():
        match declared.kinds:
            case ("prometheus",):
                found.append(Metrics(id_, declared, make_egress, environment))
            case ("loki",):
                found.append(Logs(id_, declared, make_egress, environment))
    return found
