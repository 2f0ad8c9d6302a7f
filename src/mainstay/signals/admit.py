"""The durable row of a request, and what becomes of it: waiting, settled, or quarantined."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from mainstay.estate import Source
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, NotFound
from mainstay.signals import store
from mainstay.signals.formats import door_named
from mainstay.signals.item import BAD_TOLD_MAX, Arrival, Bad, Reading, Verdict
from mainstay.signals.store import Request

HEADERS_KEPT = ("content-type", "content-encoding", "user-agent")
HEADER_CHARS_MAX = 256
TRIES_MAX = 3
PURGE_ROWS = 1_000
"""Rows deleted in one transaction: about 10 ms that a page may have to wait."""
BLANK = "*"


class Arrived(msgspec.Struct, frozen=True):
    """A request that a door has checked: its key is known, its body blanked.

    `door` is the door's name; names of headers are in lower case, and only a few are kept.
    """

    receipt: str
    at: datetime
    source: str
    door: str
    estate_version: int
    headers: Mapping[str, str]
    body: bytes
    verdict: Verdict


def admit(tx: Tx, requests: Sequence[Arrived]) -> None:
    """Keep them. Each waits to be settled, unless no item of it is good: then it is quarantined."""
    store.insert(tx, [_row(one) for one in requests])


def _row(arrived: Arrived) -> Request:
    verdict, headers = arrived.verdict, arrived.headers
    state = "waiting" if verdict.good_n else "quarantined" if verdict.bad else "settled"
    return Request(
        receipt=arrived.receipt,
        received_at_us=to_us(arrived.at),
        source=arrived.source,
        format=arrived.door,
        estate_version=arrived.estate_version,
        headers={k: headers[k][:HEADER_CHARS_MAX] for k in HEADERS_KEPT if k in headers},
        body=arrived.body,
        items_n=verdict.good_n + len(verdict.bad),
        state=state,
        tries=0,
        problem=_problem(verdict.bad),
    )


def blank_credentials(body: bytes, key: str | None) -> bytes:
    """The body with every occurrence of `key` starred out; its length stays where it can.

    JSON may also write a letter of the key as \\u0061: such spellings are found as well.
    """
    if not key:
        return body
    plain = key.encode(errors="replace")
    body = body.replace(plain, BLANK.encode() * len(plain))
    if b"\\u00" not in body or not key.isascii():
        return body
    letters = [rf"(?:{re.escape(c)}|\\u00(?i:{ord(c):02x}))" for c in key]
    # An even number of backslashes before it: else the first one escapes the next.
    spelled = re.compile(rf"(?<!\\)((?:\\\\)*){''.join(letters)}".encode())
    return spelled.sub(rb"\1" + BLANK.encode() * len(plain), body)


def waiting(tx: Tx, items_max: int) -> list[Request]:
    """The oldest requests to settle, with about `items_max` items, claimed by their state.

    `read_again` gives their items.
    """
    return store.waiting(tx, items_max)


def waiting_since(tx: Tx) -> datetime | None:
    """When the oldest request that waits was received, or None."""
    at = store.waiting_since(tx)
    return None if at is None else from_us(at)


def waiting_n(tx: Tx) -> int:
    """How many requests wait to be settled."""
    return store.waiting_n(tx)


def quarantined_n(tx: Tx) -> int:
    """How many requests are set aside."""
    return store.quarantined_n(tx)


def read_again(request: Request, source: Source) -> Reading:
    """The items of a stored request, the same as when it came. `source` as declared then.

    Invalid or Corrupt when it cannot be read any more: say so with `failed`.
    """
    arrival = Arrival(request.receipt, request.received_at_us)
    return door_named(request.format).read(request.body, source, arrival)


def settled(tx: Tx, receipts: Iterable[str]) -> None:
    """These requests are settled; call it in the transaction that wrote what follows from them."""
    store.mark_settled(tx, receipts)


def failed(tx: Tx, receipt: str, problem: str, *, tries_max: int = TRIES_MAX) -> bool:
    """Count a failed try; True when that was the last one and the request is now quarantined.

    `problem` is one sentence. Call it in a transaction of its own: that of the try is lost.
    NotFound for an unknown receipt.
    """
    request = _found(tx, receipt)
    tries = request.tries + 1
    out = tries >= tries_max
    store.set_state(
        tx,
        receipt,
        state="quarantined" if out else "waiting",
        tries=tries,
        problem=(request.problem or {}) | {"sentence": problem},
    )
    return out


def release(tx: Tx, receipt: str) -> None:
    """A person lets a quarantined request try again, from zero.

    Conflict if it is not quarantined; NotFound for an unknown receipt.
    """
    request = _found(tx, receipt)
    if request.state != "quarantined":
        raise Conflict(
            f"{receipt} is {request.state}, not quarantined; there is nothing to release."
        )
    store.set_state(tx, receipt, state="waiting", tries=0, problem=request.problem)


def find(tx: Tx, receipt: str) -> Request | None:
    """A request by its receipt; an item's id (`<receipt>.<n>`) finds its request."""
    return store.find(tx, receipt.partition(".")[0])


def with_problems(tx: Tx, *, limit: int = 50, before: str = "~") -> list[Request]:
    """Requests that are quarantined, failed at first, or hold refused items; newest first.

    `before` is the last receipt of the page before. They come without their bodies: `find` one.
    """
    return store.with_problems(tx, limit, before)


def purge(tx: Tx, before: datetime, *, limit: int = PURGE_ROWS) -> int:
    """Delete at most `limit` requests received before `before`; what still waits stays.

    Returns how many were deleted; call again while it is `limit`.
    """
    return store.delete_before(tx, to_us(before), limit)


def _found(tx: Tx, receipt: str) -> Request:
    request = store.find(tx, receipt)
    if request is None:
        raise NotFound(f"There is no signal {receipt}; it may be older than what is kept.")
    return request


def _problem(bad: tuple[Bad, ...]) -> dict[str, Any] | None:
    if not bad:
        return None
    told = bad[:BAD_TOLD_MAX]
    items = [{"n": one.n, "pointer": one.pointer, "sentence": one.sentence} for one in told]
    return {"sentence": f"{len(bad):,} of its items could not be read.", "items": items}
