"""An old program on a newer schema: does it stop at once, with nothing half-known written?"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from calls import names, put
from mainstay.foundation.db import Database, Place, open_database
from mainstay.foundation.db.postgres import APPEND_LOCK, SERIAL_LOCK
from mainstay.foundation.errors import Outdated, Refused
from peers import wait_until

pytestmark = pytest.mark.both
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


def test_it_does_not_start(place: Place, db: Database) -> None:
    upgrade(place)
    with pytest.raises(Refused, match="newer than this program's"):
        open_database(place)


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


def test_what_only_appends_is_refused_too(place: Place, db: Database) -> None:
    db.start()
    upgrade(place)
    with pytest.raises(Outdated):
        db.engine.commit([call := writer_call(put("after"))], serial=False) or _raise(call)


def test_what_many_wait_for_is_refused_to_all_of_them(place: Place, db: Database) -> None:
    upgrade(place)
    db.start()
    for name in ("a", "b"):
        with pytest.raises(Outdated):
            db.run(put(name))
