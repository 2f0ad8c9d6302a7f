"""The table of overrides: who takes over on a schedule, when, by whose word. All its SQL is here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Row, Tx


@dataclass(frozen=True, slots=True)
class Override:
    """`person` is on call from `starts_at` (included) to `ends_at` (excluded), whatever the layers say.

    With `instead_of`, only where that person would be on call: half of a swap.
    """

    id: str
    schedule: str
    person: str
    instead_of: str | None
    starts_at: datetime
    ends_at: datetime
    author: str
    reason: str
    created_at: datetime
    removed_at: datetime | None = None
    """Taken back before it began. One that is ended early has an earlier `ends_at` instead."""


def insert(tx: Tx, override: Override) -> None:
    """Keep a new override."""
    tx.run(
        "INSERT INTO oncall_override (id, schedule, person, instead_of, starts_at, ends_at,"
        " author, reason, created_at) VALUES (:id, :schedule, :person, :instead_of, :starts_at,"
        " :ends_at, :author, :reason, :created_at)",
        id=override.id,
        schedule=override.schedule,
        person=override.person,
        instead_of=override.instead_of,
        starts_at=to_us(override.starts_at),
        ends_at=to_us(override.ends_at),
        author=override.author,
        reason=override.reason,
        created_at=to_us(override.created_at),
    )


def by_id(tx: Tx, override_id: str) -> Override | None:
    """One override, removed or not."""
    row = tx.one("SELECT * FROM oncall_override WHERE id = :id", id=override_id)
    return None if row is None else _override(row)


def between(tx: Tx, schedule: str, *, start: datetime, end: datetime) -> list[Override]:
    """The overrides of one schedule that touch start..end, in the order of their making."""
    rows = tx.all(
        "SELECT * FROM oncall_override WHERE schedule = :schedule AND ends_at > :start"
        " AND starts_at < :end AND removed_at IS NULL ORDER BY created_at, id",
        schedule=schedule,
        start=to_us(start),
        end=to_us(end),
    )
    return [_override(row) for row in rows]


def ending_after(tx: Tx, at: datetime) -> list[Override]:
    """Every override, of any schedule, that ends after `at`; soonest start first."""
    rows = tx.all(
        "SELECT * FROM oncall_override WHERE ends_at > :at AND removed_at IS NULL"
        " ORDER BY starts_at, id",
        at=to_us(at),
    )
    return [_override(row) for row in rows]


def end(tx: Tx, override_id: str, *, at: datetime) -> None:
    """Cut a running override short; its past stays true."""
    tx.run("UPDATE oncall_override SET ends_at = :at WHERE id = :id", at=to_us(at), id=override_id)


def take_back(tx: Tx, override_id: str, *, at: datetime) -> None:
    """Mark an override that has not begun as removed."""
    tx.run(
        "UPDATE oncall_override SET removed_at = :at WHERE id = :id", at=to_us(at), id=override_id
    )


def _override(row: Row) -> Override:
    removed = row["removed_at"]
    return Override(
        id=row["id"],
        schedule=row["schedule"],
        person=row["person"],
        instead_of=row["instead_of"],
        starts_at=from_us(row["starts_at"]),
        ends_at=from_us(row["ends_at"]),
        author=row["author"],
        reason=row["reason"],
        created_at=from_us(row["created_at"]),
        removed_at=None if removed is None else from_us(removed),
    )
