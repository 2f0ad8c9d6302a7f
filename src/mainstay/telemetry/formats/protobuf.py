"""Protocol buffers on the wire, as far as logs need them: fields of a message, one after another."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.foundation.errors import Invalid

DEPTH_MAX = 32
"""Messages within messages; a value that nests deeper is left out."""
_FIXED64 = 1


def fields(message: bytes | memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(number, value) of each field: integers as they are, all else as bytes. Invalid if cut off."""
    view, at, end = memoryview(message), 0, len(message)
    while at < end:
        key, at = _varint(view, at, end)
        number, kind = key >> 3, key & 7
        value: int | memoryview
        match kind:
            case 0:
                value, at = _varint(view, at, end)
            case 1 | 5:
                size = 8 if kind == _FIXED64 else 4
                value, at = int.from_bytes(view[at : at + size], "little"), at + size
            case 2:
                size, at = _varint(view, at, end)
                value, at = view[at : at + size], at + size
            case _:
                raise Invalid("The body is no protocol buffer: a field has an unknown kind.")
        if at > end:
            raise Invalid("The body is no protocol buffer: it ends within a field.")
        yield number, value


def _varint(view: memoryview, at: int, end: int) -> tuple[int, int]:
    found = shift = 0
    while at < end and shift < 70:
        byte = view[at]
        found |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return found, at
        shift += 7
    raise Invalid("The body is no protocol buffer: a number has no end.")


def text(value: int | memoryview) -> str:
    """A field of bytes as UTF-8, what is none replaced; of another kind, empty."""
    return "" if isinstance(value, int) else bytes(value).decode("utf-8", "replace")


def inner(value: int | memoryview) -> memoryview:
    """A field as a message of its own. Invalid if it is a number."""
    if isinstance(value, int):
        raise Invalid(
            "The body is no protocol buffer of this kind: a number where a message belongs."
        )
    return value


def signed(value: int | memoryview) -> int:
    """A 64-bit integer field with its sign."""
    number = value if isinstance(value, int) else 0
    return number - (1 << 64) if number >= 1 << 63 else number
