"""Reading a request's body under its limits, whatever the client claims or compresses."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from mainstay.foundation.errors import Invalid, OverLimit
from mainstay.foundation.limits import Limits
from mainstay.web.parts import Receive

MEMBERS_MAX = 64
"""Each costs a copy of what follows it: a body of nothing but empty members would keep us busy."""
_GZIP = (b"gzip", b"x-gzip")
_DEFLATE = b"deflate"
_RAW_DEFLATE = -zlib.MAX_WBITS


async def read_body(
    receive: Receive, headers: Iterable[tuple[bytes, bytes]], *, limits: Limits
) -> bytes:
    """The whole body, decompressed; `headers` as in the ASGI scope (names in lower case).

    `OverLimit` (413) before the first byte is read when the length is announced, at the latest when
    `limits.body_bytes` is passed, on the wire or after decompression, or when a body unpacks to
    more than `limits.ratio` times its size. `Invalid` for a broken or unknown encoding (the latter
    with 415 as the fact `http_status`), and when the client hangs up half-way.
    """
    encoding = b""
    for name, value in headers:
        if name == b"content-length":
            _check_length(value, limits.body_bytes)
        elif name == b"content-encoding":
            encoding = encoding + b"," + value if encoding else value
    unpack = _unpacker(encoding) if encoding else None
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] != "http.request" or message.get("more_body", False):
        body = await _rest(message, receive, limits.body_bytes)
    elif len(body) > limits.body_bytes:
        raise _too_large(limits.body_bytes)
    return body if unpack is None else unpack(body, limits)


async def _rest(message: MutableMapping[str, Any], receive: Receive, bytes_max: int) -> bytes:
    chunks = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise Invalid("The connection was closed before the whole body had come.")
        chunks += message.get("body", b"")
        if len(chunks) > bytes_max:
            raise _too_large(bytes_max)
        if not message.get("more_body", False):
            return bytes(chunks)
        message = await receive()


def _check_length(value: bytes, bytes_max: int) -> None:
    if not value.isdigit():
        raise Invalid("Content-Length must be a number.")
    if len(value) > 18 or int(value) > bytes_max:
        raise _too_large(bytes_max)


def _unpacker(encoding: bytes) -> Callable[[bytes, Limits], bytes] | None:
    name = encoding.strip().lower()
    if name in (b"", b"identity"):
        return None
    if name in _GZIP:
        return _gunzip
    if name == _DEFLATE:
        return _inflate
    raise Invalid(
        f"Content-Encoding {name.decode('ascii', 'replace')[:40]!r} is not one that we read; "
        "send gzip, deflate or no encoding.",
        http_status=415,
    )


def _gunzip(body: bytes, limits: Limits) -> bytes:
    """Every member (RFC 1952 §2.2 lets several follow each other)."""
    room = _room(body, limits)
    plain = bytearray()
    rest = body
    for _ in range(MEMBERS_MAX):
        member, rest = _unpacked(rest, zlib.MAX_WBITS | 16, room - len(plain))
        plain += member
        if len(plain) > room:
            raise _unpacks_too_large(len(body), limits)
        if not rest:
            return bytes(plain)
    raise Invalid(f"The gzip body has more than {MEMBERS_MAX} members; send it as one.")


def _inflate(body: bytes, limits: Limits) -> bytes:
    """RFC 9110 §8.4.1.2 means the zlib format; some clients send it bare."""
    has_header = len(body) >= 2 and body[0] & 15 == 8 and (body[0] << 8 | body[1]) % 31 == 0
    bits = zlib.MAX_WBITS if has_header else _RAW_DEFLATE
    room = _room(body, limits)
    plain, rest = _unpacked(body, bits, room)
    if len(plain) > room:
        raise _unpacks_too_large(len(body), limits)
    if rest:
        raise Invalid("Something follows the end of the compressed body.")
    return plain


def _unpacked(body: bytes, bits: int, room: int) -> tuple[bytes, bytes]:
    """At most one byte more than `room`, and what follows the end of the stream."""
    stream = zlib.decompressobj(bits)
    try:
        plain = stream.decompress(body, room + 1)
    except zlib.error as error:
        raise Invalid("The compressed body is damaged.") from error
    if len(plain) <= room and not stream.eof:
        raise Invalid("The compressed body ends too early.")
    return plain, stream.unused_data


def _room(body: bytes, limits: Limits) -> int:
    return min(limits.body_bytes, limits.ratio * len(body))


def _too_large(bytes_max: int) -> OverLimit:
    return OverLimit(
        f"The body is larger than {bytes_max} bytes; send it in smaller parts.",
        limit=bytes_max,
        unit="bytes",
        status=413,
    )


def _unpacks_too_large(wire_bytes: int, limits: Limits) -> OverLimit:
    if limits.ratio * wire_bytes < limits.body_bytes:
        return OverLimit(
            f"The body unpacks to more than {limits.ratio} times its size; send it uncompressed.",
            limit=limits.ratio,
            unit="bytes unpacked for each byte sent",
            status=413,
        )
    return _too_large(limits.body_bytes)
