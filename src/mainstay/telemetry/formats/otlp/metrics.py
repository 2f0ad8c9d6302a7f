"""`/v1/metrics`: points as samples, under the names that Prometheus's own translation gives them.

Dots become underscores, units and `_total` are put behind, histograms and summaries become `_sum`
and `_count`. Sums that tell only what was added (delta) are kept as they come.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mainstay.telemetry.formats.otlp.message import RESOURCE, Message, held, labels, objects
from mainstay.telemetry.formats.otlp.message import read as request
from mainstay.telemetry.formats.record import HOST, SERVICE, UNNAMED, Measured, first, instant
from mainstay.telemetry.store import Sample, labels_text

_POINT: Message = {
    3: ("timeUnixNano", "whole", False), 4: ("asDouble", "double", False),
    6: ("asInt", "sfixed", False), 7: ("attributes", "pairs", False),
}  # fmt: skip
_HISTOGRAM: Message = {
    3: ("timeUnixNano", "whole", False), 4: ("count", "whole", False), 5: ("sum", "double", False),
    9: ("attributes", "pairs", False),
}  # fmt: skip
_EXPONENTIAL: Message = {**_HISTOGRAM, 1: ("attributes", "pairs", False)}
del _EXPONENTIAL[9]
_SUMMARY: Message = {**_HISTOGRAM, 7: ("attributes", "pairs", False)}
del _SUMMARY[9]
_METRIC: Message = {
    1: ("name", "text", False), 3: ("unit", "text", False),
    5: ("gauge", {1: ("dataPoints", _POINT, True)}, False),
    7: ("sum", {1: ("dataPoints", _POINT, True), 3: ("isMonotonic", "whole", False)}, False),
    9: ("histogram", {1: ("dataPoints", _HISTOGRAM, True)}, False),
    10: ("exponentialHistogram", {1: ("dataPoints", _EXPONENTIAL, True)}, False),
    11: ("summary", {1: ("dataPoints", _SUMMARY, True)}, False),
}  # fmt: skip
_REQUEST: Message = {
    1: ("resourceMetrics", {
        1: ("resource", RESOURCE, False),
        2: ("scopeMetrics", {2: ("metrics", _METRIC, True)}, True),
    }, True)
}  # fmt: skip
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds",
          "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "%": "percent"}  # fmt: skip
_UNFIT = re.compile(r"[^A-Za-z0-9_:]+")
_COUNTED = ("histogram", "exponentialHistogram", "summary")


def read(body: bytes, *, packed: bool, received_us: int) -> Measured:
    """The samples of an export request; a point that is none is counted. Invalid as a whole."""
    taken = Measured()
    for one in objects(request(body, _REQUEST, packed=packed).get("resourceMetrics")):
        resource = labels(held(one.get("resource")).get("attributes"))
        service = first(resource, SERVICE, UNNAMED)
        for scope in objects(one.get("scopeMetrics")):
            for metric in objects(scope.get("metrics")):
                _metric(metric, service, first(resource, HOST), received_us, taken)
    return taken


def _metric(
    metric: Mapping[str, Any], service: str, host: str, received_us: int, taken: Measured
) -> None:
    name = _name(str(metric.get("name") or ""), str(metric.get("unit") or ""))
    for kind in ("gauge", "sum", *_COUNTED):
        data = held(metric.get(kind))
        total = kind == "sum" and data.get("isMonotonic") and not name.endswith("_total")
        for point in objects(data.get("dataPoints")):
            try:
                at_us = instant(int(point.get("timeUnixNano") or 0) // 1_000 or None, received_us)
                values = list(_values(name + "_total" if total else name, kind, point))
            except (TypeError, ValueError, OverflowError):
                taken.refused += 1
                continue
            told = {"service": service, **({"host": host} if host else {}),
                    **{_UNFIT.sub("_", key): text for key, text in labels(point.get("attributes")).items()}}  # fmt: skip
            taken.samples += [
                Sample(at_us, service, series, labels_text(told), value)
                for series, value in values if math.isfinite(value)
            ]  # fmt: skip


def _values(name: str, kind: str, point: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    if kind in _COUNTED:
        yield f"{name}_count", float(point.get("count") or 0)
        if point.get("sum") is not None:
            yield f"{name}_sum", float(point["sum"])
        return
    value = point["asDouble"] if "asDouble" in point else point.get("asInt")
    yield name, float(value)  # type: ignore[arg-type]


def _name(name: str, unit: str) -> str:
    found = _UNFIT.sub("_", name) or "unnamed"
    suffix = _UNITS.get(unit)
    return f"{found}_{suffix}" if suffix and not found.endswith(f"_{suffix}") else found
