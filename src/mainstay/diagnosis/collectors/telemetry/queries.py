"""How services are measured in PromQL, by the names that common exporters give their metrics.

Each measure is a list of ways, best first, joined by `or`: of a service that has several, the first
counts. One query answers for all services at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from mainstay.diagnosis.material import Measure
from mainstay.estate.collections import Queries

_SECONDS = (
    "http_server_request_duration_seconds", "http_server_requests_seconds",
    "http_request_duration_seconds", "grpc_server_handling_seconds", "request_duration_seconds",
)  # fmt: skip
"""Histograms and summaries of requests: OpenTelemetry's, Spring's, client libraries', gRPC's."""
_MILLISECONDS = ("http_server_duration_milliseconds", "istio_request_duration_milliseconds")
_GRPC_FAILS = "Unknown|Internal|Unavailable|DataLoss|DeadlineExceeded|ResourceExhausted"
_FAILS = (
    ("http_server_request_duration_seconds_count", "http_response_status_code", "5.."),
    ("http_server_requests_seconds_count", "status", "5.."),
    ("http_request_duration_seconds_count", "code", "5.."),
    ("http_requests_total", "code", "5.."),
    ("http_requests_total", "status", "5.."),
    ("grpc_server_handled_total", "grpc_code", _GRPC_FAILS),
    ("istio_requests_total", "response_code", "5.."),
)
"""Counters of requests, the label that tells how one ended, and what it says of a failure."""
_CPU = (
    ("process_cpu_seconds_total", ""), ("container_cpu_usage_seconds_total", ', container!=""'),
)  # fmt: skip
_MEMORY = (
    ("process_resident_memory_bytes", ""), ("container_memory_working_set_bytes", ', container!=""'),
    ("jvm_memory_used_bytes", ', area="heap"'),
)  # fmt: skip


TIMES = _SECONDS
"""What tells seconds of requests, by `_sum` and `_count`."""
COUNTERS = (
    *(f"{one}_count" for one in (*_SECONDS, *_MILLISECONDS)),
    "http_requests_total", "grpc_server_handled_total", "istio_requests_total",
)  # fmt: skip
CPU = tuple(name for name, _ in _CPU)
LEVELS_OF_MEMORY = tuple(name for name, _ in _MEMORY)


def usual_queries(
    label: str, services: Sequence[str], *, over_s: int
) -> Iterator[tuple[Measure, str]]:
    """(measure, query) for services as `label` calls them; rates are taken over `over_s` seconds."""
    quoted = "|".join(re.escape(one) for one in services)
    quoted = quoted.replace("\\", "\\\\").replace('"', '\\"')
    of = f'{label}=~"{quoted}"'

    def rate(name: str, more: str = "") -> str:
        return f"sum by ({label}) (rate({name}{{{of}{more}}}[{over_s}s]))"

    yield Measure.REQUESTS, _first(rate(one) for one in COUNTERS)
    yield (
        Measure.LATENCY,
        _first(
            [*(f"{rate(f'{one}_sum')} / {rate(f'{one}_count')}" for one in _SECONDS),
             *(f"{rate(f'{one}_sum')} / {rate(f'{one}_count')} / 1000" for one in _MILLISECONDS)]
        ),
    )  # fmt: skip
    yield Measure.AVAILABILITY, _first(_available(rate, *one) for one in _FAILS)
    yield Measure.CPU, _first(rate(name, more) for name, more in _CPU)
    yield (
        Measure.MEMORY,
        _first(f"sum by ({label}) ({name}{{{of}{more}}})" for name, more in _MEMORY),
    )


def own_queries(declared: Queries) -> Iterator[tuple[Measure, str]]:
    """(measure, query) of what the estate declares for one service."""
    for measure in (
        Measure.LATENCY, Measure.REQUESTS, Measure.AVAILABILITY, Measure.ERRORS, Measure.CPU,
        Measure.MEMORY, Measure.DISK,
    ):  # fmt: skip
        query = getattr(declared, measure.value)
        if query:
            yield measure, query


def _available(rate: Callable[[str, str], str], name: str, label: str, fails: str) -> str:
    every = rate(name, f', {label}!=""')
    failed = rate(name, f', {label}=~"{fails}"')
    return f"100 * (1 - ({failed} or 0 * {every}) / {every})"


def _first(ways: Iterable[str]) -> str:
    return " or ".join(f"({one})" for one in ways)
