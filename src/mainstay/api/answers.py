"""What goes back over HTTP: status, body, and the headers that every answer of ours carries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from math import ceil
from typing import Any

import msgspec

from mainstay.foundation.errors import Invalid, MainstayError, OverLimit, Stuck
from mainstay.signals import Reply

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

JSON = "application/json"
PROBLEM = "application/problem+json"
SAFE: tuple[Header, ...] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
"""On every answer: nothing of ours is cached, framed, sniffed or named to another site."""
DISK_FULL = 507


async def send_reply(send: Send, reply: Reply, *more: Header) -> None:
    """One whole answer. `more` headers win over those in `SAFE` of the same name."""
    names = {name for name, _ in more}
    headers = [header for header in SAFE if header[0] not in names] if names & _NAMES else [*SAFE]
    headers += more
    headers.append((b"content-length", b"%d" % len(reply.body)))
    if reply.body:
        headers.append((b"content-type", reply.content_type.encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body, "more_body": False})


def status_of(error: MainstayError) -> int:
    """The HTTP status of an error; a more exact one than its class's where it knows one."""
    if isinstance(error, OverLimit):
        return error.http_status
    return int(error.facts.get("http_status", error.status))


def problem(error: MainstayError) -> Reply:
    """The error as RFC 9457; its facts stand beside, and `pointer` where something can be mended."""
    status = status_of(error)
    words: dict[str, Any] = {
        "type": "about:blank",
        "title": error.title,
        "status": status,
        "detail": error.sentence,
        "code": error.code,
    }
    if isinstance(error, Invalid):
        words["pointer"] = error.pointer
    if error.retry_after_s is not None:
        words["retry_after_s"] = error.retry_after_s
    facts = {name: value for name, value in error.facts.items() if name != "http_status"}
    return Reply(status, msgspec.json.encode(facts | words), PROBLEM)


def more_headers(error: MainstayError) -> Iterable[Header]:
    """`Retry-After` where waiting helps, `WWW-Authenticate` where a token does."""
    if error.retry_after_s is not None:
        yield b"retry-after", b"%d" % max(1, ceil(error.retry_after_s))
    if status_of(error) == 401:
        yield b"www-authenticate", b'Bearer realm="Mainstay", Basic realm="Mainstay"'


def full_disk(error: MainstayError) -> MainstayError:
    """A full disk as 507 (RFC 4918 §11.5): the sender must know that waiting alone may not help."""
    if not isinstance(error, Stuck) or "full" not in error.sentence:
        return error
    return OverLimit(
        error.sentence, limit=0, unit="bytes free", status=DISK_FULL, retry_after_s=30
    )


_NAMES = {name for name, _ in SAFE}
