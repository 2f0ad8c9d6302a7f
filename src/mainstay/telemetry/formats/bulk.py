"""Elasticsearch's `_bulk`, as log shippers use it: a line says what to do, the next is the document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mainstay.foundation.errors import Invalid
from mainstay.telemetry.formats.record import HOST, SERVICE, UNNAMED, Taken, first, instant
from mainstay.telemetry.logs import RANK, Layouts, each_alone
from mainstay.telemetry.store import Record

_DEPTH_MAX = 8
_KEEPING = ("index", "create")


def read(body: bytes, *, reader: Layouts, received_us: int) -> tuple[Taken, list[tuple[str, int]]]:
    """The records, and (action, status) of each item in order: the protocol answers for each."""
    taken, statuses = Taken(), []
    lines = iter(body.split(b"\n"))
    for line in lines:
        if not line.strip():
            continue
        action = _action(line)
        if action == "delete":
            statuses.append((action, 400))
            continue
        record = _record(next(lines, b""), reader, received_us) if action in _KEEPING else None
        if action not in _KEEPING:
            next(lines, b"")
        statuses.append((action, 201 if record else 400))
        if record is None:
            taken.refused += 1
        else:
            taken.records.append(record)
    return taken, statuses


def reply(statuses: list[tuple[str, int]]) -> dict[str, Any]:
    """What Elasticsearch answers."""
    items = [
        {action: {"status": status, "result": "created"} if status < 400 else
         {"status": status, "error": {"type": "mapper_parsing_exception", "reason": "cannot be kept"}}}
        for action, status in statuses
    ]  # fmt: skip
    return {"took": 0, "errors": any(status >= 400 for _, status in statuses), "items": items}


def _action(line: bytes) -> str:
    try:
        found = msgspec.json.decode(line, type=dict[str, Any])
        (action,) = found
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise Invalid("The body is no _bulk: a line that says what to do is no action.") from None
    return action


def _record(document: bytes, reader: Layouts, received_us: int) -> Record | None:
    try:
        found = msgspec.json.decode(document, type=dict[str, Any])
        flat = dict(_flat(found))
        (event,) = each_alone([msgspec.json.encode(flat)], reader)
    except (msgspec.DecodeError, RecursionError):
        return None
    if event is None or "message" not in flat:
        return None
    said = str(flat["message"])
    detail = f"{said}\n{event.detail}" if event.detail else said
    return Record(
        instant(event.at_us, received_us), received_us, RANK[event.level],
        first(flat, SERVICE, UNNAMED), first(flat, HOST), str(flat.get("log.logger") or ""), detail,
    )  # fmt: skip


def _flat(found: Mapping[str, Any], before: str = "", depth: int = 0) -> list[tuple[str, Any]]:
    """`{"log": {"level": 1}}` as `log.level`."""
    pairs: list[tuple[str, Any]] = []
    for name, value in found.items():
        if isinstance(value, dict) and depth < _DEPTH_MAX:
            pairs += _flat(value, f"{before}{name}.", depth + 1)
        else:
            pairs.append((before + name, value))
    return pairs
