"""`/v1/traces`: spans with who made them, how long they took and whether they failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mainstay.telemetry.formats.otlp.message import RESOURCE, Message, held, labels, objects
from mainstay.telemetry.formats.otlp.message import read as request
from mainstay.telemetry.formats.record import SERVICE, UNNAMED, Traced, first, instant
from mainstay.telemetry.store import KeptSpan

_FAILED = (2, "2", "STATUS_CODE_ERROR")
_SPAN: Message = {
    1: ("traceId", "hex", False), 2: ("spanId", "hex", False), 4: ("parentSpanId", "hex", False),
    5: ("name", "text", False), 7: ("startTimeUnixNano", "whole", False),
    8: ("endTimeUnixNano", "whole", False), 15: ("status", {3: ("code", "whole", False)}, False),
}  # fmt: skip
_REQUEST: Message = {
    1: ("resourceSpans", {
        1: ("resource", RESOURCE, False),
        2: ("scopeSpans", {2: ("spans", _SPAN, True)}, True),
    }, True)
}  # fmt: skip


def read(body: bytes, *, packed: bool, received_us: int) -> Traced:
    """The spans of an export request; one without ids or times is counted. Invalid as a whole."""
    taken = Traced()
    for one in objects(request(body, _REQUEST, packed=packed).get("resourceSpans")):
        resource = labels(held(one.get("resource")).get("attributes"))
        service = first(resource, SERVICE, UNNAMED)
        for scope in objects(one.get("scopeSpans")):
            for span in objects(scope.get("spans")):
                try:
                    taken.spans.append(_span(span, service, received_us))
                except (KeyError, TypeError, ValueError, OverflowError):
                    taken.refused += 1
    return taken


def _span(span: Mapping[str, Any], service: str, received_us: int) -> KeptSpan:
    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    trace, own = str(span["traceId"]), str(span["spanId"])
    int(trace, 16), int(own, 16)  # ids are hexadecimal
    return KeptSpan(
        instant(start // 1_000, received_us), service, trace.lower(), own.lower(),
        str(span.get("parentSpanId") or "").lower(), str(span.get("name") or ""),
        max(0, min((end - start) // 1_000, 1 << 50)),
        int(held(span.get("status")).get("code") in _FAILED),
    )  # fmt: skip
