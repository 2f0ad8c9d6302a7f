"""An old program on a newer schema: does it stop at once, with nothing half-known written?"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from calls import put
from databases import SCHEMA, server
from mainstay.foundation.db import Database, Place, Tx, open_database
from mainstay.foundation.db.postgres import APPEND_LOCK, SERIAL_LOCK
from mainstay.foundation.errors import Outdated, Refused
from peers import wait_until

NEWER = 9_999


@pytest.fixture
def db(place: Place) -> Iterator[Database]:
    made = open_database(place)
    yield made
    made.close()


def upgrade(place: Place) -> None:
    """What a newer program does, in short."""
    if place.url:
        with psycopg.connect(place.url, autocommit=True) as other:
            other.execute(f"UPDATE foundation_schema SET number = {NEWER}".encode())
        return
    with closing(sqlite3.connect(place.path)) as other:
        other.execute(f"PRAGMA user_version = {NEWER}")


@pytest.mark.both
def test_it_does_not_start(place: Place, db: Database) -> None:
    upgrade(place)
    with pytest.raises(Refused, match="newer than this program's"):
        open_database(place)


@pytest.mark.both
def test_while_it_runs_its_next_transaction_is_refused_whatever_it_would_do(
    place: Place, db: Database
) -> None:
    db.run(put("before"))
    upgrade(place)
    with pytest.raises(Outdated, match="brought this database to schema 9999"):
        db.run(put("after"))
    with pytest.raises(Outdated):
        db.read(lambda tx: tx.value("SELECT 1"))
    with pytest.raises(Outdated):
        db.read(lambda tx: tx.value("SELECT 1"))


@pytest.mark.both
def test_what_only_appends_is_refused_too(place: Place, db: Database) -> None:
    db.start()

    async def append() -> None:
        await db.submit(put("after"), append=True)

    upgrade(place)
    with pytest.raises(Outdated):
        asyncio.run(append())


def test_a_migration_waits_for_what_is_under_way_and_keeps_out_what_comes() -> None:
    """Else an old program's transaction could begin on the old schema and end on the new one."""
    name = "outdated"
    db = open_database(Place(Path(), server().create(name, template=SCHEMA)))
    db.start()
    go, done = threading.Event(), threading.Event()

    def slowly(tx: Tx) -> str:
        tx.value("SELECT 1")
        assert go.wait(30)
        return str(put("old")(tx))

    def migrate() -> None:
        server().run(
            f"BEGIN; SELECT pg_advisory_xact_lock({SERIAL_LOCK}); "
            f"SELECT pg_advisory_xact_lock({APPEND_LOCK}); "
            f"UPDATE foundation_schema SET number = {NEWER}; COMMIT",
            on=name,
        )
        done.set()

    async def meanwhile() -> list[object]:
        under_way = db.submit(slowly, append=True)
        wait_until(lambda: held(name) == [(True, 1)], within_s=10, what="the append to begin")
        migrator = threading.Thread(target=migrate)
        migrator.start()
        wait_until(
            lambda: (False, 1) in held(name), within_s=10, what="the migration to wait for it"
        )
        assert not done.is_set()
        go.set()
        first = await under_way
        migrator.join(10)
        return [first, *await asyncio.gather(db.submit(put("new"), append=True),
                                             return_exceptions=True)]  # fmt: skip

    first, second = asyncio.run(meanwhile())
    assert first == "old"
    assert isinstance(second, Outdated)
    assert server().rows("SELECT name FROM foundation_mark", on=name) == [("old",)]
    db.close()
    server().drop(name)


def held(name: str) -> list[tuple[bool, int]]:
    """The locks of appends: (granted, how many)."""
    return server().rows(
        "SELECT granted, count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database"
        f" WHERE d.datname = '{name}' AND locktype = 'advisory'"
        f" AND objid = {APPEND_LOCK & 0xFFFFFFFF} GROUP BY granted ORDER BY granted"
    )
