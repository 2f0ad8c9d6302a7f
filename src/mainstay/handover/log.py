"""The shift log: what happened, read from the record; nothing is copied. Notes are rows of it too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mainstay import incidents
from mainstay.estate import View
from mainstay.foundation import record
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Row, Tx
from mainstay.foundation.errors import Invalid
from mainstay.handover.ours import is_ours

KINDS = (
    "incident.", "silence.added", "silence.ended", "override.", "checklist.", "waiver.",
    "handover.", "followup.", "shift.", "log.", "estate.applied", "paging.dry", "backup.failed", "clock.jumped",
    "signal.quarantined", "check.muted", "heartbeat.paused",
)  # fmt: skip
"""What a shift wants to read of the record: beginnings of kinds."""
NOTE_MAX = 4_000
"""Characters of a note."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log."""

    seq: int
    at: datetime
    actor: str
    kind: str
    because: str
    incident: str | None
    subject: str


def entries(
    tx: Tx, view: View, team: str, *, start: datetime, end: datetime, limit: int = 500
) -> list[Entry]:  # fmt: skip
    """The team's lines with start ≤ at < end, oldest first; the newest when there are more."""
    rows = record.between(tx, to_us(start), to_us(end), kinds=KINDS, limit=limit)
    services: dict[str, str | None] = {}
    return [_entry(row) for row in rows if _concerns(tx, view, team, row, services)]


def checked_note(text: str) -> str:
    """What somebody writes into the log. Invalid when it is empty, too long, or no plain text."""
    text = text.strip()
    if not text or len(text) > NOTE_MAX or "\0" in text:
        raise Invalid(f"A note has 1 to {NOTE_MAX:,} characters.", pointer="/text")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Invalid("This text holds half a character.", pointer="/text") from None
    return text


def _concerns(tx: Tx, view: View, team: str, row: Row, services: dict[str, str | None]) -> bool:
    facts: dict[str, Any] = record.facts_of(row)
    if (said := facts.get("team")) is not None:
        return bool(said == team)
    name = row["incident"]
    if name is None:
        return True
    if name not in services:
        found = incidents.get(tx, name)
        services[name] = found.service if found is not None else None
    return is_ours(view, team, services[name])


def _entry(row: Row) -> Entry:
    return Entry(
        seq=row["seq"], at=from_us(row["at"]), actor=row["actor"], kind=row["kind"],
        because=row["because"], incident=row["incident"], subject=row["subject"],
    )  # fmt: skip
