"""Rows of the record: what happened or was decided, why, and by whom; and small marks beside it.

Each step of the corridor returns *what* and *why* as a `Fact`, written in its own transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Row, Tx

SYSTEM = "mainstay"

_OVERTAKEN_US = 60_000_000
"""How much later than its own time a row may have got its number."""

_INSERT = """
INSERT INTO foundation_record
  (at, actor, kind, subject, incident, receipt, because, facts, estate_version)
VALUES (:at, :actor, :kind, :subject, :incident, :receipt, :because, :facts, :estate_version)
"""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened, or was decided, and why.

    `because` is one sentence for a person; `facts` are JSON-able and hold no secret.
    """

    kind: str
    subject: str
    because: str
    actor: str = SYSTEM
    incident: str | None = None
    receipt: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def write(tx: Tx, facts: Iterable[Fact], *, now: datetime, estate_version: int) -> None:
    """Append `facts`; they share the caller's transaction, so no act is without its row."""
    at = to_us(now)
    tx.many(
        _INSERT,
        [
            {
                "at": at,
                "actor": fact.actor,
                "kind": fact.kind,
                "subject": fact.subject,
                "incident": fact.incident,
                "receipt": fact.receipt,
                "because": fact.because,
                "facts": msgspec.json.encode(fact.facts).decode(),
                "estate_version": estate_version,
            }
            for fact in facts
        ],
    )


def by_incident(tx: Tx, incident: str, *, after: int = 0, limit: int = 500) -> list[Row]:
    """An incident's timeline, oldest first; `after` is the last `seq` already seen."""
    return tx.all(
        "SELECT * FROM foundation_record WHERE incident = :incident AND seq > :after"
        " ORDER BY seq LIMIT :limit",
        incident=incident, after=after, limit=limit,
    )  # fmt: skip


def by_subject(tx: Tx, subject: str, *, limit: int = 500) -> list[Row]:
    """Everything about one thing, oldest first."""
    return tx.all(
        "SELECT * FROM foundation_record WHERE subject = :subject ORDER BY seq LIMIT :limit",
        subject=subject, limit=limit,
    )  # fmt: skip


def newest_about(tx: Tx, subjects: Iterable[str], *, limit: int) -> list[Row]:
    """The newest rows about any of these things, newest first; by an index, however old they are."""
    names = {f"s{number}": subject for number, subject in enumerate(subjects)}
    if not names:
        return []
    return tx.all(
        # Only the names of our own parameters are spliced in.
        "SELECT * FROM foundation_record"  # noqa: S608
        f" WHERE subject IN ({', '.join(f':{name}' for name in names)})"
        " ORDER BY seq DESC LIMIT :limit",
        limit=limit, **names,
    )  # fmt: skip


def by_receipt(tx: Tx, receipt: str, *, limit: int = 500) -> list[Row]:
    """Everything that one signal caused directly, oldest first."""
    return tx.all(
        "SELECT * FROM foundation_record WHERE receipt = :receipt ORDER BY seq LIMIT :limit",
        receipt=receipt, limit=limit,
    )  # fmt: skip


def head(tx: Tx) -> int:
    """The `seq` of the newest row, 0 before the first."""
    return int(tx.value("SELECT max(seq) FROM foundation_record") or 0)


def of_kinds(tx: Tx, kinds: Iterable[str], *, after: int, limit: int) -> list[Row]:
    """The rows of these kinds above `after`, oldest first; reads every row above it."""
    names = {f"k{n}": kind for n, kind in enumerate(kinds)}
    return tx.all(
        "SELECT seq, at, kind, subject, incident, facts FROM foundation_record"  # noqa: S608
        f" WHERE seq > :after AND kind IN ({', '.join(f':{name}' for name in names)})"
        " ORDER BY seq LIMIT :limit",
        after=after, limit=limit, **names,
    )  # fmt: skip


def of_kinds_about(tx: Tx, incident: str, kinds: Iterable[str]) -> list[Row]:
    """The rows of these kinds in an incident's timeline, oldest first."""
    names = {f"k{n}": kind for n, kind in enumerate(kinds)}
    return tx.all(
        "SELECT seq, at, kind, subject, incident, facts FROM foundation_record"  # noqa: S608
        f" WHERE incident = :incident AND kind IN ({', '.join(f':{name}' for name in names)})"
        " ORDER BY seq",
        incident=incident, **names,
    )  # fmt: skip


def latest(tx: Tx, *, before: int | None = None, limit: int = 100) -> list[Row]:
    """The newest rows, newest first; `before` is a `seq` to page back from."""
    return tx.all(
        "SELECT * FROM foundation_record WHERE seq < :before ORDER BY seq DESC LIMIT :limit",
        before=before if before is not None else 1 << 62, limit=limit,
    )  # fmt: skip


def newest(tx: Tx, kinds: tuple[str, ...], *, limit: int, within: int = 20_000) -> list[Row]:
    """The newest rows of these kinds, newest first; looks no further back than `within` rows."""
    names = {f"kind_{number}": kind for number, kind in enumerate(kinds)}
    return tx.all(
        # Only the names of our own parameters are spliced in.
        "SELECT * FROM foundation_record"  # noqa: S608
        f" WHERE kind IN ({', '.join(f':{name}' for name in names)})"
        " AND seq > (SELECT coalesce(max(seq), 0) FROM foundation_record) - :within"
        " ORDER BY seq DESC LIMIT :limit",
        within=within, limit=limit, **names,
    )  # fmt: skip


def last_of_incident(tx: Tx, incident: str, kinds: tuple[str, ...]) -> Row | None:
    """The newest row of these kinds about an incident."""
    names = {f"kind_{number}": kind for number, kind in enumerate(kinds)}
    return tx.one(
        # Only the names of our own parameters are spliced in.
        "SELECT * FROM foundation_record WHERE incident = :incident"  # noqa: S608
        f" AND kind IN ({', '.join(f':{name}' for name in names)}) ORDER BY seq DESC LIMIT 1",
        incident=incident, **names,
    )  # fmt: skip


def find(
    tx: Tx, *, kind: str = "", actor: str = "", text: str = "", before: int | None = None,
    limit: int = 100,
) -> list[Row]:  # fmt: skip
    """The newest rows whose kind begins with `kind`, and whose actor and words hold the rest."""
    return tx.all(
        "SELECT * FROM foundation_record WHERE seq < :before"
        " AND substr(kind, 1, length(:kind)) = :kind"
        " AND lower(actor) LIKE :actor ESCAPE '!'"
        " AND lower(because || ' ' || subject) LIKE :text ESCAPE '!'"
        " ORDER BY seq DESC LIMIT :limit",
        before=before if before is not None else 1 << 62, kind=kind, actor=_like(actor),
        text=_like(text), limit=limit,
    )  # fmt: skip


def last_seq(tx: Tx) -> int:
    """The highest number of a row; 0 before the first."""
    return int(tx.value("SELECT coalesce(max(seq), 0) FROM foundation_record"))


def _like(text: str) -> str:
    escaped = text.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def since(tx: Tx, after: int, *, limit: int = 200) -> list[Row]:
    """Rows after `after`, oldest first; for live views."""
    return tx.all(
        "SELECT * FROM foundation_record WHERE seq > :after ORDER BY seq LIMIT :limit",
        after=after, limit=limit,
    )  # fmt: skip


def between(
    tx: Tx, start: int, end: int, *, kinds: tuple[str, ...], limit: int = 500
) -> list[Row]:  # fmt: skip
    """The newest rows with start ≤ at < end (microseconds) whose kind begins with one of `kinds`,
    oldest first.

    Rows are numbered as they are written, so the first is found by halving: nothing is read that
    lies before. A minute is left on both sides for commits that overtook each other.
    """
    first, last = _seq_at(tx, start - _OVERTAKEN_US), _seq_at(tx, end + _OVERTAKEN_US)
    names = {f"k{n}": kind for n, kind in enumerate(kinds)}
    begins = " OR ".join(f"substr(kind, 1, length(:{name})) = :{name}" for name in names)
    rows = tx.all(
        # Only the names of our own parameters are spliced in.
        "SELECT * FROM foundation_record WHERE seq >= :first AND seq < :last"  # noqa: S608
        f" AND at >= :start AND at < :end AND ({begins}) ORDER BY seq DESC LIMIT :limit",
        first=first, last=last, start=start, end=end, limit=limit, **names,
    )  # fmt: skip
    return rows[::-1]


def _seq_at(tx: Tx, at: int) -> int:
    """The number of the first row that was written at `at` or later; one past the last if none was."""
    low, high = 1, last_seq(tx) + 1
    while low < high:
        middle = (low + high) // 2
        row = tx.one(
            "SELECT seq, at FROM foundation_record WHERE seq >= :middle ORDER BY seq LIMIT 1",
            middle=middle,
        )
        if row is None or row["at"] >= at:
            high = middle
        else:
            low = int(row["seq"]) + 1
    return low


def latest_version(tx: Tx) -> int:
    """The estate version that the newest row was written under; 0 when there is no row."""
    row = tx.one("SELECT estate_version FROM foundation_record ORDER BY seq DESC LIMIT 1")
    return int(row["estate_version"]) if row else 0


def facts_of(row: Row) -> Any:
    """What a row holds for a program."""
    return msgspec.json.decode(row["facts"])


def mark(tx: Tx, name: str, value: int) -> None:
    """Keep a small number about this install."""
    tx.run(
        "INSERT INTO foundation_mark (name, value) VALUES (:name, :value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name=name,
        value=value,
    )


def unmark(tx: Tx, name: str) -> None:
    """Forget the number kept under `name`."""
    tx.run("DELETE FROM foundation_mark WHERE name = :name", name=name)


def marked(tx: Tx, name: str) -> int | None:
    """The number kept under `name`, or None."""
    value: int | None = tx.value("SELECT value FROM foundation_mark WHERE name = :name", name=name)
    return value
