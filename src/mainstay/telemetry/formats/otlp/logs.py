"""OpenTelemetry's logs over HTTP, as JSON or protocol buffers (OTLP 1, `/v1/logs`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from mainstay.foundation.errors import Invalid
from mainstay.telemetry.formats.protobuf import DEPTH_MAX, fields, inner, signed, text
from mainstay.telemetry.formats.record import (
    HOST,
    SERVICE,
    UNNAMED,
    Taken,
    first,
    instant,
    rank_of,
    read_line,
)
from mainstay.telemetry.logs import Layouts
from mainstay.telemetry.store import Record

ATTRIBUTES_MAX = 64
"""Attributes of one record that are kept beside its body."""
_TRACE = "exception.stacktrace"
Log = Mapping[str, Any]


def read(body: bytes, *, packed: bool, reader: Layouts, received_us: int) -> Taken:
    """The records of an export request; `packed`: it is a protocol buffer."""
    found = _from_buffer(body) if packed else _from_json(body)
    taken = Taken()
    for resource, scope, log in found:
        try:
            taken.records.append(_record(resource, scope, log, reader, received_us))
        except (TypeError, ValueError, AttributeError):
            taken.refused += 1
    return taken


def _record(resource: Log, scope: str, log: Log, reader: Layouts, received_us: int) -> Record:
    said = _plain(log.get("body"))
    attributes = log.get("attributes") or {}
    nanos = int(log.get("timeUnixNano") or 0) or int(log.get("observedTimeUnixNano") or 0)
    rank, source = (
        _rank(int(log.get("severityNumber") or 0), str(log.get("severityText") or "")),
        scope,
    )
    if rank is None:
        rank, found = read_line(said, reader)
        source = source or found
    beside = [
        f"{name}={_plain(value)}"
        for name, value in list(attributes.items())[:ATTRIBUTES_MAX]
        if name != _TRACE
    ]
    more = [" ".join(beside), _plain(attributes.get(_TRACE))]
    return Record(
        instant(nanos // 1_000 or None, received_us), received_us, rank,
        first(resource, SERVICE, UNNAMED), first(resource, HOST), source,
        "\n".join([said, *(one for one in more if one)]),
    )  # fmt: skip


def _rank(number: int, words: str) -> int | None:
    """1–4 trace, 5–8 debug, 9–12 info, 13–16 warn, 17–20 error, 21–24 fatal."""
    if 1 <= number <= 24:
        return max(1, (number - 1) // 4)
    return rank_of(words)


def _plain(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


# -- JSON ------------------------------------------------------------------------------------------


def _from_json(body: bytes) -> Iterator[tuple[Log, str, Log]]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid(f"The body is no JSON: {error}.") from None
    if not isinstance(found, dict):
        raise Invalid("The body is no export request: it is not an object.")
    for one in _listed(found.get("resourceLogs")):
        resource = _attributes(_object(one.get("resource")).get("attributes"))
        for scoped in _listed(one.get("scopeLogs")):
            scope = str(_object(scoped.get("scope")).get("name") or "")
            for log in _listed(scoped.get("logRecords")):
                value = _value(log.get("body"))
                yield (
                    resource,
                    scope,
                    {**log, "body": value, "attributes": _attributes(log.get("attributes"))},
                )


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(value: object) -> Iterable[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _attributes(value: object) -> dict[str, Any]:
    return {str(one.get("key")): _value(one.get("value") or {}) for one in _listed(value)}


def _value(value: Any, depth: int = 0) -> Any:
    if not isinstance(value, dict) or depth > DEPTH_MAX:
        return None
    for kind, inside in value.items():
        match kind:
            case "arrayValue":
                return [_value(one, depth + 1) for one in _listed(_object(inside).get("values"))]
            case "kvlistValue":
                pairs = _listed(_object(inside).get("values"))
                return {str(one.get("key")): _value(one.get("value"), depth + 1) for one in pairs}
            case "intValue":
                return int(inside) if str(inside).lstrip("-").isdigit() else None
            case _:
                return inside
    return None


# -- protocol buffers ------------------------------------------------------------------------------

_LOG = {1: "timeUnixNano", 2: "severityNumber", 11: "observedTimeUnixNano"}


def _from_buffer(body: bytes) -> Iterator[tuple[Log, str, Log]]:
    for number, value in fields(body):
        if number != 1:
            continue
        parts = list(fields(inner(value)))
        resource = dict(
            _pair(one) for n, r in parts if n == 1 for m, one in fields(inner(r)) if m == 1
        )
        for _, scoped in (one for one in parts if one[0] == 2):
            inside = list(fields(inner(scoped)))
            names = [
                text(one) for n, s in inside if n == 1 for m, one in fields(inner(s)) if m == 1
            ]
            for _, log in (one for one in inside if one[0] == 2):
                yield resource, names[0] if names else "", _log(inner(log))


def _log(message: memoryview) -> Log:
    found: dict[str, Any] = {"attributes": {}}
    for number, value in fields(message):
        match number:
            case 1 | 2 | 11:
                found[_LOG[number]] = value
            case 3:
                found["severityText"] = text(value)
            case 5:
                found["body"] = _any(inner(value))
            case 6:
                name, held = _pair(value)
                found["attributes"][name] = held
    return found


def _pair(value: int | memoryview, depth: int = 0) -> tuple[str, Any]:
    name, held = "", None
    for number, part in fields(inner(value)):
        if number == 1:
            name = text(part)
        elif number == 2:
            held = _any(inner(part), depth)
    return name, held


def _any(message: memoryview, depth: int = 0) -> Any:
    if depth > DEPTH_MAX:
        return None
    for number, value in fields(message):
        match number:
            case 1:
                return text(value)
            case 2:
                return bool(value)
            case 3:
                return signed(value)
            case 4:
                return (
                    memoryview(int(value).to_bytes(8, "little")).cast("d")[0]
                    if isinstance(value, int)
                    else None
                )
            case 5:
                return [_any(inner(one), depth + 1) for n, one in fields(inner(value)) if n == 1]
            case 6:
                return dict(_pair(one, depth + 1) for n, one in fields(inner(value)) if n == 1)
            case 7:
                return bytes(inner(value)).hex()
    return None
