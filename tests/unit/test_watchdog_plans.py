"""Does every question of the watchdog go by an index? At a million incidents a scan takes seconds."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from mainstay import presence
from mainstay.estate import Views
from mainstay.foundation.db import Tx
from mainstay.watchdog.look import Patience, look
from mainstay.watchdog.promises import Ledger
from walk import Walk

SMALL = ("foundation_lease", "foundation_mark", "estate_version")
"""Tables that never hold more than a few rows."""
SCAN = {
    "sqlite": re.compile(r"^SCAN (\w+)(?!.* USING)"),
    "postgresql": re.compile(r"Seq Scan on (\w+)"),
}
pytestmark = pytest.mark.both


class Heard(Tx):
    """Notes each statement that is asked."""

    __slots__ = ("asked",)

    def __init__(self, tx: Tx) -> None:
        super().__init__(tx._connection)
        self.asked: dict[str, dict[str, Any]] = {}

    def all(self, sql: str, **params: Any) -> list[Any]:
        self.asked[sql] = params
        return super().all(sql, **params)

    def one(self, sql: str, **params: Any) -> Any:
        self.asked[sql] = params
        return super().one(sql, **params)

    def value(self, sql: str, **params: Any) -> Any:
        self.asked[sql] = params
        return super().value(sql, **params)


def full_scans(tx: Tx, asked: dict[str, dict[str, Any]]) -> list[str]:
    """Statements that would read a whole table, in the engine's own words."""
    if tx.engine == "postgresql":  # it prefers to scan small tables: only where it must
        tx.run("SET LOCAL enable_seqscan = off")
    found = []
    for sql, params in asked.items():
        for line in _plan(tx, sql, params):
            scan = SCAN[tx.engine].search(line)
            if scan and scan[1] not in SMALL:
                found.append(f"{line.strip()}: {sql}")
    return found


def _plan(tx: Tx, sql: str, params: dict[str, Any]) -> list[str]:
    if tx.engine == "postgresql":
        return [row["QUERY PLAN"] for row in tx.all(f"EXPLAIN {sql}", **params)]
    return [row["detail"] for row in tx.all(f"EXPLAIN QUERY PLAN {sql}", **params)]


@pytest.fixture
def walk(engine: str) -> Any:
    made = Walk()
    yield made
    made.end()


def test_no_question_of_a_look_reads_a_whole_table(walk: Walk) -> None:
    walk.fires("alpha")
    walk.fires("pay-api")
    walk.sends([{"labels": {"alertname": "Late", "service": "beta"}}])
    walk.clock.forward(minutes=20)  # everything is late now, so that every question is asked

    def ask(tx: Tx) -> tuple[int, list[str]]:
        heard = Heard(tx)
        patience = Patience(timedelta(seconds=30), per_minute=1)
        found = look(heard, Ledger(), Views(), now=walk.clock.now(), patience=patience)
        assert {one.key.split(" ")[0] for one in found} >= {"step", "unsettled", "alive"}
        return len(heard.asked), full_scans(tx, heard.asked)

    asked, scans = walk.app.db.read(ask)
    assert asked > 12
    assert scans == []


def test_a_question_that_reads_a_whole_table_is_found(walk: Walk) -> None:
    presence.alive(walk.app, walk.clock.now())
    asked: dict[str, dict[str, Any]] = {"SELECT * FROM paging_send WHERE state = 'sent'": {}}
    assert walk.app.db.read(lambda tx: full_scans(tx, asked))
