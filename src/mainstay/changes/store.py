"""The rows of changes."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Row, Tx
from mainstay.foundation.errors import Invalid
from mainstay.foundation.ids import Ids

LIMIT_MAX = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was changed. `service` None: the sender did not say, and no route knew."""

    id: str
    source: str
    service: str | None
    summary: str
    at: datetime
    """By the sender's clock."""
    facts: Mapping[str, Any]
    receipt: str


def record_change(
    tx: Tx,
    ids: Ids,
    *,
    source: str,
    service: str | None,
    summary: str,
    at: datetime,
    facts: Mapping[str, Any],
    receipt: str,
    now: datetime,
) -> Change:
    """Keep a change. `facts`: JSON-able, the sender's own details and links."""
    if not summary.strip():
        raise Invalid("A change needs a summary that says what was changed.", pointer="/summary")
    change = Change(ids.new("chg", now), source, service, summary, at, facts, receipt)
    tx.run(
        "INSERT INTO changes_event (id, source, service, summary, at, facts, receipt)"
        " VALUES (:id, :source, :service, :summary, :at, :facts, :receipt)",
        id=change.id,
        source=source,
        service=service,
        summary=summary,
        at=to_us(at),
        facts=json.dumps(facts, separators=(",", ":"), allow_nan=False),
        receipt=receipt,
    )
    return change


def recent(
    tx: Tx,
    *,
    services: Collection[str] | None,
    since: datetime,
    until: datetime,
    limit: int = 50,
) -> tuple[Change, ...]:
    """Changes with since ≤ at < until, the newest first.

    `services` None: of all, also of no service. `limit`: 1–1,000; anything else is brought there.
    """
    if services is not None and not services:
        return ()
    names = {f"service_{n}": name for n, name in enumerate(sorted(services or ()))}
    chosen = f" AND service IN ({', '.join(f':{name}' for name in names)})" if names else ""
    rows = tx.all(
        # Only the names of our own parameters are spliced in.
        "SELECT * FROM changes_event WHERE at >= :since AND at < :until"  # noqa: S608
        f"{chosen} ORDER BY at DESC, id DESC LIMIT :limit",
        since=to_us(since),
        until=to_us(until),
        limit=max(1, min(limit, LIMIT_MAX)),
        **names,
    )
    return tuple(_change(row) for row in rows)


def _change(row: Row) -> Change:
    return Change(
        id=row["id"],
        source=row["source"],
        service=row["service"],
        summary=row["summary"],
        at=from_us(row["at"]),
        facts=json.loads(row["facts"]),
        receipt=row["receipt"],
    )
