"""A plan that PostgreSQL made while a table was empty: is it still used when the table is full?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from databases import SCHEMA, server
from mainstay import alerts
from mainstay.foundation.db import Place, Tx, open_database, session, write_beside

NAME = "plans"
ROWS = 5_000
WRONG = "alerts_alert_firing"
"""The index of what fires, by incident."""
KEYS = [("prometheus", f"key{n}") for n in range(64)]


@pytest.mark.parametrize("kept_s", [0.0, 3600.0])
def test_a_plan_of_an_empty_table_is_not_kept_when_it_is_full(
    monkeypatch: pytest.MonkeyPatch, kept_s: float
) -> None:
    """Else each key is looked for among all alerts that fire, by an index that knows no keys.

    Kept for an hour it is still there: so it is the age that counts, and the trap is one.
    """
    monkeypatch.setattr(session, "PLANS_S", kept_s)
    place = Place(Path(), server().create(NAME, template=SCHEMA))
    db = open_database(place)
    try:
        for _ in range(10):  # from the sixth on, the plan is kept
            db.run(lambda tx: alerts.known(tx, KEYS))
        assert WRONG in db.run(_plan)
        db.run(_fill)
        assert (WRONG in db.run(_plan)) == (kept_s > 0)
    finally:
        db.close()
        server().drop(NAME)


def _plan(tx: Tx) -> str:
    """How the server looks for keys, as it has planned it."""
    [row] = tx.all("SELECT name FROM pg_prepared_statements WHERE statement LIKE '%wanted%'")
    values = ", ".join("'x'" for _ in range(2 * len(KEYS)))
    found: list[Any] = tx.all(f'EXPLAIN EXECUTE "{row["name"]}" ({values})')
    return "\n".join(line[0] for line in found)


def _fill(tx: Tx) -> None:
    """Alerts that fire, of other keys."""
    tx.run(
        "INSERT INTO alerts_alert (id, source, dedup_key, service, severity, summary, labels,"
        " annotations, started_at, opened_at, last_at, source_state, state, first_receipt,"
        " last_receipt, estate_version) SELECT 'alt_' || n, 'prometheus', 'other' || n, 'alpha',"
        " 'warning', '', '{}', '{}', n, n, n, 'firing', 'open', '', '', 1"
        f" FROM generate_series(1, {ROWS}) AS n"
    )


def test_readers_and_appends_make_their_plans_anew_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PLANS_S", 0.0)
    place = Place(Path(), server().create(NAME, template=SCHEMA))
    db = open_database(place)
    try:
        for _ in range(3):
            assert len(db.read(lambda tx: alerts.known(tx, KEYS))) == len(KEYS)
            write_beside(place, lambda tx: alerts.known(tx, KEYS))
    finally:
        db.close()
        server().drop(NAME)
