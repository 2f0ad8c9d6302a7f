"""Asks our own server on its own port whether it is ready. Plain HTTP by hand, a connection a time.

Not through the egress client: this never leaves the machine, and what pages must not share more
with what watches it than it has to.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from typing import Any

import msgspec

REPLY_BYTES_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class Door:
    """Where our server listens, and the word that it knows us by."""

    host: str
    port: int
    tls: bool
    token: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What it said. `trouble`: why there was no answer; `reasons`: (what, sentence) of a no."""

    ready: bool
    trouble: str | None = None
    reasons: tuple[tuple[str, str], ...] = ()


async def ask_ready(door: Door, *, within_s: float) -> Asked:
    """Whether it is ready; never raises for what the server does."""
    try:
        async with asyncio.timeout(within_s):
            status, body = await _get(door)
    except TimeoutError:
        return Asked(False, f"it did not answer within {within_s:g} s")
    except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        return Asked(False, f"it cannot be reached ({error})")
    return _read(status, body)


async def _get(door: Door) -> tuple[int, bytes]:
    context = None
    if door.tls:  # our own socket on this machine; the certificate names the public address
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(
        door.host, door.port, ssl=context, limit=REPLY_BYTES_MAX
    )
    try:
        writer.write(
            b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Authorization: Bearer " + door.token.encode() + b"\r\n\r\n"
        )
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.read(REPLY_BYTES_MAX)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return int(head.split(b" ", 2)[1]), body


def _read(status: int, body: bytes) -> Asked:
    if status == 200:
        return Asked(True)
    try:
        said: Any = msgspec.json.decode(body)
        reasons = tuple((one["what"], one["sentence"]) for one in said.get("reasons", ()))
    except (msgspec.DecodeError, AttributeError, KeyError, TypeError):
        reasons = ()
    return Asked(False, None if reasons else f"it answered {status}", reasons)
