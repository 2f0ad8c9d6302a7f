"""Snappy's block format unpacked (github.com/google/snappy, format_description.txt)."""

from __future__ import annotations

from mainstay.foundation.errors import Invalid, OverLimit


def unpacked(packed: bytes, *, bytes_max: int) -> bytes:
    """What was packed. OverLimit beyond `bytes_max`, before anything is unpacked; Invalid if broken."""
    size, at = _length(packed)
    if size > bytes_max:
        raise OverLimit(
            f"The body unpacks to {size} bytes; {bytes_max} are taken.",
            limit=bytes_max, unit="bytes", status=413,
        )  # fmt: skip
    out, end = bytearray(), len(packed)
    while at < end:
        tag = packed[at]
        at += 1
        if tag & 3 == 0:
            at = _literal(packed, at, tag >> 2, out)
        else:
            at = _copy(packed, at, tag, out)
        if len(out) > size:
            break
    if len(out) != size:
        raise Invalid("The body is no snappy block: its length is not what it says.")
    return bytes(out)


def _length(packed: bytes) -> tuple[int, int]:
    size = 0
    for at, byte in enumerate(packed[:5]):
        size |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:
            return size, at + 1
    raise Invalid("The body is no snappy block: it has no length.")


def _literal(packed: bytes, at: int, size: int, out: bytearray) -> int:
    if size >= 60:
        extra = size - 59
        size = int.from_bytes(packed[at : at + extra], "little")
        at += extra
    end = at + size + 1
    if end > len(packed):
        raise Invalid("The body is no snappy block: it ends within a literal.")
    out += packed[at:end]
    return end


def _copy(packed: bytes, at: int, tag: int, out: bytearray) -> int:
    kind = tag & 3
    extra = {1: 1, 2: 2, 3: 4}[kind]
    offset = int.from_bytes(packed[at : at + extra], "little")
    size = (tag >> 2) + 1
    if kind == 1:
        offset |= (tag >> 5) << 8
        size = ((tag >> 2) & 7) + 4
    if not 0 < offset <= len(out) or at + extra > len(packed):
        raise Invalid("The body is no snappy block: it copies from outside of itself.")
    start = len(out) - offset
    if offset >= size:
        out += out[start : start + size]
    else:  # it repeats what it is just writing
        pattern = bytes(out[start:])
        out += (pattern * (size // offset + 1))[:size]
    return at + extra
