"""The chain: seals over the rows of about a second, each over the one before.

Rows are claimed for a seal by their state (`seal IS NULL`), never by "seq above the last", because
two writers commit out of order. So a seal's rows are near each other, and not always neighbours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec

from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Row, Tx
from mainstay.foundation.db.tx import NUL, SHOWN_NUL

SEAL_ROWS_MAX = 5_000
"""Rows under one seal; bounds one sealing transaction to a few milliseconds."""
APART_MAX = 200_000
"""Rows that may come before a seal has all of its own. It bounds the memory of a check; writers
that overtake each other are a few rows apart."""
GENESIS = "0" * 64
"""What the first seal is chained to."""
_SEALED_COLUMNS = (
    "seq", "at", "actor", "kind", "subject", "incident",
    "receipt", "because", "facts", "estate_version",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the chain stood after a seal: rows under all seals so far, and its digest."""

    rows: int
    head: str


@dataclass(slots=True)
class Walk:
    """What one walk over the whole chain found. `fault`: the first thing that does not hold."""

    rows: int = 0
    seals: int = 0
    head: str = GENESIS
    fault: str | None = None
    unsealed: int = 0
    unsealed_from: int | None = None
    marks: dict[int, Mark] = field(default_factory=dict)
    """Seal → where the chain stood, for the seals that were asked for."""


# -- sealing ---------------------------------------------------------------------------------------


def seal(tx: Tx, now: datetime) -> int:
    """Seal up to `SEAL_ROWS_MAX` unsealed rows; returns how many. Only the settle owner calls it."""
    rows = tx.all(
        "SELECT * FROM foundation_record WHERE seal IS NULL ORDER BY seq LIMIT :limit",
        limit=SEAL_ROWS_MAX,
    )
    if not rows:
        return 0
    last = tx.one("SELECT number, digest FROM foundation_seal ORDER BY number DESC LIMIT 1")
    number, head = (last["number"] + 1, last["digest"]) if last else (1, GENESIS)
    tx.many(
        "UPDATE foundation_record SET seal = :seal WHERE seq = :seq",
        [{"seal": number, "seq": row["seq"]} for row in rows],
    )
    tx.run(
        "INSERT INTO foundation_seal (number, at, rows_n, digest)"
        " VALUES (:number, :at, :rows_n, :digest)",
        number=number, at=to_us(now), rows_n=len(rows), digest=_digest(head, to_us(now), rows),
    )  # fmt: skip
    return len(rows)


def is_sealed(tx: Tx) -> bool:
    """Whether nothing waits to be sealed."""
    return not tx.value("SELECT 1 FROM foundation_record WHERE seal IS NULL LIMIT 1")


def unsealed_n(tx: Tx) -> int:
    """How many rows wait to be sealed."""
    return int(tx.value("SELECT count(*) FROM foundation_record WHERE seal IS NULL"))


# -- walking it ------------------------------------------------------------------------------------


def walk(seals: Iterable[Row], rows: Iterable[Row], *, wanted: Collection[int] = ()) -> Walk:
    """Recompute the chain: `seals` by number, `rows` by seq; each is read once, and none is kept.

    Stops at the first fault. `wanted`: seals whose marks are asked for.
    """
    found = Walk()
    waiting: dict[int, list[Row]] = {}
    apart = 0
    todo = iter(seals)
    link = _next_link(found, todo)
    for row in rows:
        number = row["seal"]
        if number is None:
            found.unsealed += 1
            found.unsealed_from = found.unsealed_from or row["seq"]
            continue
        if number <= found.seals or number < 1:
            found.fault = found.fault or f"row {row['seq']} slipped in under seal {number}"
        waiting.setdefault(number, []).append(row)
        apart += 1
        while link is not None and len(waiting.get(found.seals + 1, ())) == link["rows_n"]:
            apart -= link["rows_n"]
            _close(found, link, waiting.pop(found.seals + 1, []), wanted)
            link = _next_link(found, todo)
        if found.fault is not None or apart > APART_MAX:
            break
    _conclude(found, link, todo, waiting, wanted)
    return found


def _next_link(found: Walk, todo: Iterator[Row]) -> Row | None:
    """The next seal; none when there is none, or when it is not the one that must follow."""
    link = next(todo, None)
    if link is not None and link["number"] != found.seals + 1:
        found.fault = found.fault or f"seal {found.seals + 1} is missing"
        return None
    return link


def _close(found: Walk, link: Row, rows: Sequence[Row], wanted: Collection[int]) -> None:
    number = link["number"]
    if link["digest"] not in _digests(found.head, link["at"], rows):
        span = f"rows {rows[0]['seq']} to {rows[-1]['seq']}" if rows else "its rows"
        found.fault = found.fault or (
            f"seal {number} does not fit its content: it, or one of {span}, was changed"
        )
        return
    found.seals, found.rows, found.head = number, found.rows + len(rows), link["digest"]
    if number in wanted:
        found.marks[number] = Mark(found.rows, found.head)


def _conclude(
    found: Walk, link: Row | None, todo: Iterator[Row], waiting: dict[int, list[Row]],
    wanted: Collection[int],
) -> None:  # fmt: skip
    """After the last row: every seal must have had its rows, every row its seal."""
    while link is not None and found.fault is None:
        rows = waiting.pop(link["number"], [])
        if len(rows) != link["rows_n"]:
            found.fault = _short(link, rows)
            return
        _close(found, link, rows, wanted)
        link = _next_link(found, todo)
    if waiting and found.fault is None:
        row = next(iter(waiting.values()))[0]
        found.fault = (
            f"row {row['seq']} names seal {row['seal']}, which is not there: "
            "seals were cut off, or rows slipped in"
        )


def _short(link: Row, rows: Sequence[Row]) -> str:
    words = f"seal {link['number']} covers {link['rows_n']} rows, {len(rows)} are there"
    seqs = [row["seq"] for row in rows]
    gaps = [one + 1 for one, other in pairwise(seqs) if other == one + 2]
    if len(rows) < link["rows_n"] and len(gaps) == link["rows_n"] - len(rows):
        words += f"; row {', '.join(map(str, gaps))} is gone"
    elif rows:
        words += f", rows {seqs[0]} to {seqs[-1]}"
    return words


def _digests(head: str, at_us: int, rows: Sequence[Row]) -> Iterator[str]:
    """What may be sealed there: the rows as they are, or as they were before a move to where a text
    holds no NUL."""
    yield _digest(head, at_us, rows)
    if any(isinstance(text, str) and SHOWN_NUL in text for row in rows for text in _values(row)):
        yield _digest(head, at_us, rows, hidden=NUL)


def _values(row: Row) -> list[Any]:
    return [row[column] for column in _SEALED_COLUMNS]


def _digest(head: str, at_us: int, rows: Iterable[Row], *, hidden: str = SHOWN_NUL) -> str:
    """`hidden`: what the sign of NUL stands for."""
    chain = hashlib.sha256(msgspec.json.encode([head, at_us]))
    for row in rows:
        values = _values(row)
        if hidden != SHOWN_NUL:
            values = [v.replace(SHOWN_NUL, hidden) if isinstance(v, str) else v for v in values]
        chain.update(msgspec.json.encode(values))
        chain.update(b"\n")
    return chain.hexdigest()
