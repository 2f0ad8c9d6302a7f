"""A node that is paused between its check and its commit: does what it would still write count?"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from calls import names, put
from databases import SCHEMA, server
from mainstay.foundation import due
from mainstay.foundation.db import Place, Tx, open_database
from mainstay.foundation.errors import Stuck

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
NAME = "paused"


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
