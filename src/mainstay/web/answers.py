"""What goes back over HTTP: status, body, and the headers that every answer of ours carries."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool

from mainstay.foundation.errors import (
    Broken,
    Invalid,
    MainstayError,
    OverLimit,
    Refused,
    Stuck,
)
from mainstay.foundation.observe import logs
from mainstay.signals import Reply
from mainstay.web.parts import Header, Send

log = logging.getLogger("mainstay.web")
T = TypeVar("T")

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


@dataclass(frozen=True, slots=True)
class Pieces:
    """A JSON answer too long to hold at once; `rest` is asked for its next piece in a thread."""

    first: bytes
    rest: Iterator[bytes]


Answered = tuple[Reply | Pieces, tuple[Header, ...]]
"""What goes back, with headers of its own."""


async def answer(
    send: Send,
    work: Awaitable[Answered],
    *,
    refuse: Callable[[MainstayError], Reply],
    template: str,
    headers: tuple[Header, ...] = (),
) -> None:
    """Send what `work` gives. This is the edge: whatever it raises becomes an answer too.

    `refuse` says an error in the words of the protocol; `headers` go with a refusal. Logs name the
    route by its template, never by its path or query, which may hold a secret.
    """
    reply: Reply | Pieces
    more: Iterable[Header]
    got = await outcome(work, template=template)
    if isinstance(got, MainstayError):
        reply, more = refuse(got), (*headers, *more_headers(got))
    else:
        reply, more = got
    if isinstance(reply, Pieces):
        await _send_pieces(send, reply)
    else:
        await send_reply(send, reply, *more)


async def outcome(work: Awaitable[T], *, template: str) -> T | MainstayError:
    """What `work` gives, or the error that became of it, logged where it is not the asker's."""
    logs.learn(route=template)
    try:
        return await work
    except MainstayError as error:
        if not isinstance(error, Refused):
            log.error("%s: %s", template, error.sentence)
        return full_disk(error)
    except Exception:
        log.exception("%s failed", template)
        return Broken("Mainstay failed at this request; its log says why.")


async def _send_pieces(send: Send, pieces: Pieces) -> None:
    headers = [*SAFE, (b"content-type", JSON.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    piece: bytes | None = pieces.first
    while piece is not None:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        piece = await run_in_threadpool(next, pieces.rest, None)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


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
    if not isinstance(error, Stuck) or not error.facts.get("disk_full"):
        return error
    return OverLimit(error.sentence, limit=0, unit="bytes free", status=DISK_FULL, retry_after_s=30)


_NAMES = {name for name, _ in SAFE}
