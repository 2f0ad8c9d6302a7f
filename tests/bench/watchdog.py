"""How long a look of the watchdog takes at a million incidents (P6: at most 200 ms).

    .venv/bin/python tests/bench/watchdog.py [INCIDENTS] [OPEN]

The database is made by SQL: resolved incidents with their record and pages, and some that are open,
paged, and wait for their next step. Then a watchdog that has just started looks, and looks again
after new rows have come.
"""

from __future__ import annotations

import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from mainstay.estate import Views
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Place, open_database, peek
from mainstay.watchdog.look import Patience, look
from mainstay.watchdog.promises import Ledger

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LOOKS = 9
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)"
_INCIDENTS = f"""{_NUMBERS}
INSERT INTO incidents_incident (id, number, correlation_key, service, title, state, severity,
  priority, opened_at, resolved_at, closed_at, estate_version)
SELECT printf('inc_%08d', i), i, 'key' || i, 'pay-db', 'replica lag', :state, 'critical', 'P1',
  :at + i, :resolved, :resolved, 1 FROM n
"""
_RECORD = f"""{_NUMBERS}
INSERT INTO foundation_record (at, actor, kind, subject, incident, because, facts, estate_version,
  seal)
SELECT :at + i, 'mainstay', :kind, :prefix || printf('%08d', i), printf('inc_%08d', i), 'so it is',
  :facts, 1, 1 FROM n
"""
_SENDS = f"""{_NUMBERS}
INSERT INTO paging_send (id, incident, person, address, channel, idempotency_key, step, round,
  reason, urgency, severity, created_at, due_at, state)
SELECT printf('pag_%08d', i), printf('inc_%08d', i), 'mara', 'adr_1', 'sms', 'key' || i, 0, 0,
  'on call', 'high', 'critical', :at + i, :at + i, 'sent' FROM n
"""
_STEPS = f"""{_NUMBERS}
INSERT INTO foundation_due (kind, key, due_at, planned_at, facts)
SELECT 'paging.step', 'esc_' || printf('%08d', i), :due, :due, '{{}}' FROM n
"""
_ALERTS = f"""{_NUMBERS}
INSERT INTO alerts_alert (id, source, dedup_key, service, severity, summary, labels, annotations,
  started_at, opened_at, last_at, source_state, state, closed_at, incident, first_receipt,
  last_receipt, estate_version)
SELECT printf('alt_%08d', i), 'prometheus', 'key' || i, 'pay-db', 'critical', 'replica lag', '{{}}',
  '{{}}', :at, :at + i, :at, 'firing', :state, :closed, printf('inc_%08d', i), 'r', 'r', 1 FROM n
"""


def fill(connection: sqlite3.Connection, *, total: int, opened: int, now: datetime) -> None:
    """`total` incidents, the newest `opened` of them open and waiting for their second step."""
    begun = to_us(now - timedelta(days=30))
    soon = to_us(now + timedelta(minutes=5))
    promise = f'{{"policy":"payops","next_step":1,"next_at":{soon}}}'
    closed, waits = total - opened, {"first": total - opened + 1, "last": total}
    every, over = {"first": 1, "last": total, "at": begun}, {"first": 1, "last": closed}
    connection.execute(_INCIDENTS, {**over, "at": begun, "state": "closed", "resolved": begun})
    connection.execute(_INCIDENTS, {**waits, "at": begun, "state": "new", "resolved": None})
    story = [("incident.opened", "inc_"), ("alert.opened", "alt_"), ("paging.started", "esc_"),
             ("paging.step", "esc_"), ("page.sent", "pag_")]  # fmt: skip
    for kind, prefix in story:
        facts = promise if kind.startswith("paging.") else "{}"
        connection.execute(_RECORD, {**every, "kind": kind, "prefix": prefix, "facts": facts})
    for kind, prefix in (("incident.resolved", "inc_"), ("paging.stopped", "esc_")):
        told = {"at": begun, "kind": kind, "prefix": prefix, "facts": "{}"}
        connection.execute(_RECORD, {**over, **told})
    connection.execute(_SENDS, every)
    connection.execute(_ALERTS, {**over, "at": begun, "state": "resolved", "closed": begun})
    connection.execute(_ALERTS, {**waits, "at": begun, "state": "open", "closed": None})
    connection.execute(_STEPS, {**waits, "due": soon})


def main() -> None:
    """Fill, look, print."""
    total, opened = (int(one) for one in (*sys.argv[1:], *("1000000", "1000")[len(sys.argv) - 1 :]))
    with TemporaryDirectory(prefix="watchdog-") as folder:
        path = Path(folder) / "mainstay.db"
        open_database(path).close()
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        fill(connection, total=total, opened=opened, now=NOW)
        connection.execute("COMMIT")
        print(f"{total:,} incidents, {opened:,} open; {path.stat().st_size / 2**30:.1f} GiB")
        watch(path, connection, total)


def watch(path: Path, connection: sqlite3.Connection, total: int) -> None:
    """The first look, which reads how it came about, and those after it."""
    ledger, views = Ledger(), Views()
    patience = Patience(timedelta(seconds=30), per_minute=1)
    question = partial(look, ledger=ledger, views=views, now=NOW, patience=patience)
    for number in range(LOOKS):
        begun = perf_counter()
        found = peek(Place(path), question)
        print(f"look {number + 1}: {(perf_counter() - begun) * 1000:7.1f} ms, {len(found)} found")
        told = {"at": to_us(NOW), "kind": "alert.opened", "prefix": "alt_", "facts": "{}"}
        connection.execute(_RECORD, {"first": total - 999, "last": total, **told})


if __name__ == "__main__":
    main()
