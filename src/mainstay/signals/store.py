"""The rows of this room: requests as they came, and the digests of intake keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from mainstay.foundation.db import Row, Tx

BYTES_AT_ONCE = 8 << 20
"""Of bodies that are settled together; decoded they take several times as much."""
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of an intake key. Times are microseconds since 1970."""

    id: str
    source: str
    created_at_us: int
    created_by: str
    revoked_at_us: int | None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One stored request. `state` is waiting, settled or quarantined; `problem` says what is wrong
    with all of it or with some of its items ({sentence, items: [{n, pointer, sentence}]})."""

    receipt: str
    received_at_us: int
    source: str
    format: str
    estate_version: int
    headers: dict[str, str]
    body: bytes
    items_n: int
    state: str
    tries: int
    problem: dict[str, Any] | None


_REQUEST = (
    "receipt, received_at, source, format, estate_version, headers, body, items_n, state, tries, "
    "problem"
)
_LISTED = _REQUEST.replace("body", "'' AS body")


def insert(tx: Tx, requests: Sequence[Request]) -> None:
    """New rows."""
    tx.insert("INSERT INTO signals_request", [_columns(one) for one in requests])


def _columns(request: Request) -> dict[str, Any]:
    return {
        "receipt": request.receipt,
        "received_at": request.received_at_us,
        "source": request.source,
        "format": request.format,
        "estate_version": request.estate_version,
        "headers": _encode(request.headers).decode(),
        "body": request.body,
        "items_n": request.items_n,
        "state": request.state,
        "tries": request.tries,
        "problem": _problem_text(request.problem),
    }


def waiting(tx: Tx, items_max: int) -> list[Request]:
    """The oldest requests that still wait, as many as hold `items_max` items, at least one.

    They are chosen in an index, so that no body is read that is not wanted now; and there end
    where their bodies together pass `BYTES_AT_ONCE`.
    """
    chosen = tx.all(
        "SELECT receipt, items_n FROM signals_request WHERE state = 'waiting'"
        " ORDER BY receipt LIMIT :limit",
        limit=items_max,
    )
    last, items = None, 0
    for row in chosen:
        items += row["items_n"]
        if last is not None and items > items_max:
            break
        last = row["receipt"]
    rows = tx.all(
        f"SELECT {_REQUEST} FROM signals_request"  # noqa: S608
        " WHERE state = 'waiting' AND receipt <= :last ORDER BY receipt",
        last=_last_that_fits(tx, last),
    )
    return [_request(row) for row in rows]


def _last_that_fits(tx: Tx, last: str | None) -> str | None:
    """The receipt up to which the bodies are not too much for the memory."""
    sizes = tx.all(
        "SELECT receipt, length(body) AS size FROM signals_request"
        " WHERE state = 'waiting' AND receipt <= :last ORDER BY receipt",
        last=last,
    )
    fits, size = None, 0
    for row in sizes:
        size += row["size"]
        if fits is not None and size > BYTES_AT_ONCE:
            break
        fits = row["receipt"]
    return fits


def waiting_since(tx: Tx) -> int | None:
    """When the oldest request that still waits was received, in microseconds; None: none waits."""
    row = tx.one(
        "SELECT received_at FROM signals_request WHERE state = 'waiting' ORDER BY receipt LIMIT 1"
    )
    return None if row is None else int(row["received_at"])


def waiting_n(tx: Tx) -> int:
    """How many wait."""
    return int(tx.value("SELECT count(*) FROM signals_request WHERE state = 'waiting'"))


def quarantined_n(tx: Tx) -> int:
    """How many are quarantined."""
    return int(
        tx.value(
            "SELECT count(*) FROM signals_request"
            " WHERE problem IS NOT NULL AND state = 'quarantined'"
        )
    )


def find(tx: Tx, receipt: str) -> Request | None:
    """One request, or None."""
    row = tx.one(
        f"SELECT {_REQUEST} FROM signals_request WHERE receipt = :receipt",  # noqa: S608
        receipt=receipt,
    )
    return None if row is None else _request(row)


def with_problems(tx: Tx, limit: int, before: str) -> list[Request]:
    """Requests that are quarantined or hold refused items, newest first, below receipt `before`.

    Without their bodies: five hundred of a megabyte each would not fit.
    """
    rows = tx.all(
        f"SELECT {_LISTED} FROM signals_request"  # noqa: S608
        " WHERE problem IS NOT NULL AND receipt < :before ORDER BY receipt DESC LIMIT :limit",
        before=before,
        limit=limit,
    )
    return [_request(row) for row in rows]


def mark_settled(tx: Tx, receipts: Iterable[str]) -> None:
    """These wait no longer; what was wrong with single items stays on record."""
    tx.many(
        "UPDATE signals_request SET state = 'settled'"
        " WHERE receipt = :receipt AND state = 'waiting'",
        [{"receipt": receipt} for receipt in receipts],
    )


def set_state(
    tx: Tx, receipt: str, *, state: str, tries: int, problem: dict[str, Any] | None
) -> None:
    """Where a request stands after a try, or after a person released it."""
    tx.run(
        "UPDATE signals_request SET state = :state, tries = :tries, problem = :problem"
        " WHERE receipt = :receipt",
        receipt=receipt,
        state=state,
        tries=tries,
        problem=_problem_text(problem),
    )


def delete_before(tx: Tx, before_us: int, limit: int) -> int:
    """Rows deleted: received before the instant, oldest first, and waiting for nothing."""
    return tx.run(
        "DELETE FROM signals_request WHERE receipt IN (SELECT receipt FROM signals_request"
        " WHERE received_at < :before AND state <> 'waiting' ORDER BY received_at LIMIT :limit)",
        before=before_us,
        limit=limit,
    )


def insert_key(tx: Tx, key: Key, *, digest: str) -> None:
    """A new key's digest."""
    tx.run(
        "INSERT INTO signals_key (id, digest, source, created_at, created_by)"
        " VALUES (:id, :digest, :source, :created_at, :created_by)",
        id=key.id,
        digest=digest,
        source=key.source,
        created_at=key.created_at_us,
        created_by=key.created_by,
    )


def revoke_key(tx: Tx, id: str, at_us: int) -> None:
    """Nothing happens to one that is revoked already."""
    tx.run(
        "UPDATE signals_key SET revoked_at = :at WHERE id = :id AND revoked_at IS NULL",
        id=id,
        at=at_us,
    )


def digests(tx: Tx) -> dict[str, str]:
    """Digest → source of every key in force."""
    rows = tx.all("SELECT digest, source FROM signals_key WHERE revoked_at IS NULL")
    return {row["digest"]: row["source"] for row in rows}


def source_by_digest(tx: Tx, digest: str) -> str | None:
    """The source of one key in force."""
    found: str | None = tx.value(
        "SELECT source FROM signals_key WHERE digest = :digest AND revoked_at IS NULL",
        digest=digest,
    )
    return found


def keys(tx: Tx) -> list[Key]:
    """Every key, newest first."""
    rows = tx.all(
        "SELECT id, source, created_at, created_by, revoked_at FROM signals_key ORDER BY id DESC"
    )
    return [
        Key(row["id"], row["source"], row["created_at"], row["created_by"], row["revoked_at"])
        for row in rows
    ]


def _request(row: Row) -> Request:
    return Request(
        receipt=row["receipt"],
        received_at_us=row["received_at"],
        source=row["source"],
        format=row["format"],
        estate_version=row["estate_version"],
        headers=msgspec.json.decode(row["headers"]),
        body=bytes(row["body"] or b""),
        items_n=row["items_n"],
        state=row["state"],
        tries=row["tries"],
        problem=None if row["problem"] is None else msgspec.json.decode(row["problem"]),
    )


def _problem_text(problem: dict[str, Any] | None) -> str | None:
    return None if problem is None else _encode(problem).decode()
