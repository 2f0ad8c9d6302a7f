"""Export requests as values, whichever way they came: a protocol buffer becomes what the JSON says.

`Message` is a message's fields by number. Names are those of the JSON form (opentelemetry-proto 1).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from mainstay.foundation.errors import Invalid
from mainstay.telemetry.formats.protobuf import DEPTH_MAX, fields, inner, signed, text

Message = dict[int, tuple[str, "str | Message", bool]]
"""Number → (name, kind, whether there are many). Kinds: text, whole, sfixed, double, hex, value,
pairs, or a message."""

RESOURCE: Message = {1: ("attributes", "pairs", False)}


def read(body: bytes, message: Message, *, packed: bool) -> Mapping[str, Any]:
    """The request. Invalid if it is none."""
    if packed:
        return _message(memoryview(body), message, 0)
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid(f"The body is no JSON: {error}.") from None
    if not isinstance(found, dict):
        raise Invalid("The body is no export request: it is not an object.")
    return found


def objects(value: object) -> Iterable[Mapping[str, Any]]:
    """The objects of a list; anything else holds none."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def held(value: object) -> Mapping[str, Any]:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def labels(pairs: object) -> dict[str, str]:
    """Attributes as text."""
    if isinstance(pairs, dict):  # of a buffer: read already
        return {str(name): _plain(value) for name, value in pairs.items()}
    return {str(one.get("key")): _plain(_json_value(one.get("value"))) for one in objects(pairs)}


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else value if isinstance(value, str) else str(value)


def _json_value(value: object) -> object:
    if not isinstance(value, dict):
        return None
    return next(
        (one for kind, one in value.items() if kind not in ("arrayValue", "kvlistValue")), None
    )


def _message(view: memoryview, message: Message, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if depth > DEPTH_MAX:
        return found
    for number, raw in fields(view):
        if number not in message:
            continue
        name, kind, many = message[number]
        if kind == "pairs":
            found.setdefault(name, {}).update([_pair(inner(raw))])
            continue
        value = _message(inner(raw), kind, depth + 1) if isinstance(kind, dict) else _one(raw, kind)
        if many:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


def _one(raw: int | memoryview, kind: str) -> Any:
    match kind:
        case "text":
            return text(raw)
        case "hex":
            return "" if isinstance(raw, int) else bytes(raw).hex()
        case "double":
            return struct.unpack("<d", int(raw).to_bytes(8, "little"))[0] if isinstance(raw, int) else None  # fmt: skip
        case "sfixed":
            return signed(raw)
        case _:
            return raw if isinstance(raw, int) else 0


def _pair(view: memoryview) -> tuple[str, Any]:
    name, value = "", None
    for number, raw in fields(view):
        if number == 1:
            name = text(raw)
        elif number == 2:
            value = _any(inner(raw))
    return name, value


def _any(view: memoryview) -> Any:
    """A plain value; lists and maps name no series and are left out."""
    for number, raw in fields(view):
        match number:
            case 1:
                return text(raw)
            case 2:
                return bool(raw)
            case 3:
                return signed(raw)
            case 4:
                return _one(raw, "double")
    return None
