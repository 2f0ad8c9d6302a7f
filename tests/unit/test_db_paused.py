"""A node that is paused between its check and its commit: does what it would still write count?"""

from __future__ import annotations

import os
import struct
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from calls import names, put
from clusters import PASSWORD
from databases import SCHEMA, server
from mainstay.foundation import due
from mainstay.foundation.db import Place, Tx, open_database, session
from mainstay.foundation.db.postgres import SERIAL_LOCK
from mainstay.foundation.errors import Stuck
from peers import wait_until

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
NAME = "paused"
DEAF = "deaf"
HALF = "half_a_pipeline"


def test_one_that_takes_no_answer_in_holds_up_nobody_for_long() -> None:
    """The server stands in the middle of its answer: its limit for idle transactions does not run."""
    place = Place(Path(), server().create(DEAF, template=SCHEMA))
    db = open_database(place)
    url = server().url_by_tcp(DEAF)
    with closing(psycopg.connect(url, password=PASSWORD, autocommit=True)) as deaf:
        deaf.execute(session._BEGINNING.encode())
        deaf.execute(f"BEGIN; SELECT pg_advisory_xact_lock({SERIAL_LOCK})".encode())
        ask = b"SELECT repeat('x', 100000000)\0"
        os.write(deaf.fileno(), b"Q" + struct.pack("!i", len(ask) + 4) + ask)

        def writes() -> bool:
            try:
                db.run(put("fresh"))
            except Stuck:
                return False
            return True

        wait_until(writes, within_s=40, what="the lock to be free again")
    db.close()
    server().drop(DEAF)


def test_one_that_stops_in_the_middle_of_a_pipeline_holds_up_nobody_for_long() -> None:
    """The server waits for its next statement, and does not call that idle."""
    place = Place(Path(), server().create(HALF, template=SCHEMA))
    db = open_database(place)
    with closing(psycopg.connect(place.url, autocommit=True)) as stopped:
        stopped.execute(session._BEGINNING.encode())
        stopped.execute(f"BEGIN; SELECT pg_advisory_xact_lock({SERIAL_LOCK})".encode())
        stopped.pgconn.enter_pipeline_mode()
        stopped.pgconn.send_query_params(b"SELECT 1", None)
        stopped.pgconn.send_flush_request()
        while stopped.pgconn.flush():
            pass
        db.run(put("fresh"))
        assert names(db) == {"fresh"}
    db.close()
    server().drop(HALF)


def test_it_holds_up_nobody_for_long_and_its_writes_are_refused_when_it_wakes() -> None:
    """The database ends a transaction that says nothing; another node takes the lease over."""
    place = Place(Path(), server().create(NAME, template=SCHEMA))
    one, two = open_database(place), open_database(place)
    paused, wake = threading.Event(), threading.Event()
    heard: list[BaseException] = []

    def hold(tx: Tx, owner: str, at: datetime) -> due.Lease | None:
        return due.hold(tx, "settle", owner=owner, now=at, lease_s=10)

    def stale(tx: Tx) -> None:
        assert hold(tx, "one", NOW) is not None
        paused.set()
        assert wake.wait(60)
        put("stale")(tx)

    def work() -> None:
        with pytest.raises(Stuck) as refused:
            one.run(stale)
        heard.append(refused.value)

    sleeper = threading.Thread(target=work)
    sleeper.start()
    assert paused.wait(10)
    taken = two.run(lambda tx: hold(tx, "two", NOW + timedelta(seconds=20)))
    assert taken is not None
    two.run(put("fresh"))
    wake.set()
    sleeper.join(20)
    assert heard
    assert names(two) == {"fresh"}
    assert one.run(lambda tx: hold(tx, "one", NOW + timedelta(seconds=21))) is None
    one.close()
    two.close()
    server().drop(NAME)
