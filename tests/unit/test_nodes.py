"""The nodes: who is there, who is lost, and what becomes of what they held."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mainstay import nodes
from mainstay.foundation import due
from mainstay.foundation.db import Database, Place, open_database
from mainstay.nodes import LOST_AFTER, SETTLE, Node

pytestmark = pytest.mark.both

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def db(place: Place) -> Iterator[Database]:
    made = open_database(place)
    yield made
    made.close()


def node(id: str, *, host: str = "db1", folder: str = "/var/lib/a", at: datetime = NOW) -> Node:
    return Node(
        id=id, host=host, folder=folder, pid=7, listen="127.0.0.1:8460", version="1", schema=2,
        started_at=at, seen_at=at,
    )  # fmt: skip


def join(db: Database, one: Node) -> int:
    return db.run(lambda tx: nodes.join(tx, one))


def standings(db: Database, at: datetime) -> dict[str, Any]:
    return {one.id: one.standing(at) for one in db.read(lambda tx: nodes.known(tx, now=at))}


def test_a_node_is_up_while_it_is_heard_and_lost_when_it_is_silent(db: Database) -> None:
    join(db, node("a"))
    join(db, node("b", host="db2"))
    later = NOW + LOST_AFTER - timedelta(seconds=1)
    db.run(lambda tx: nodes.beat(tx, node("b", host="db2"), now=later))
    assert standings(db, later) == {"a": "up", "b": "up"}
    assert standings(db, NOW + LOST_AFTER) == {"a": "lost", "b": "up"}


def test_a_node_that_was_lost_is_up_again_when_it_is_heard(db: Database) -> None:
    join(db, node("a"))
    late = NOW + timedelta(minutes=5)
    assert standings(db, late) == {"a": "lost"}
    db.run(lambda tx: nodes.beat(tx, node("a"), now=late))
    assert standings(db, late) == {"a": "up"}


def test_one_that_says_that_it_ends_is_not_lost(db: Database) -> None:
    join(db, node("a"))
    db.run(lambda tx: nodes.leave(tx, "a", now=NOW))
    assert standings(db, NOW + timedelta(minutes=5)) == {"a": "ended"}


def test_a_start_at_the_same_place_frees_what_the_one_before_held_and_nobody_elses(
    db: Database,
) -> None:
    """The data folder is locked: whoever starts there knows that nobody else is at work in it."""
    join(db, node("dead"))
    join(db, node("other", host="db2"))

    def work(tx: Any) -> None:
        for key, owner in (("mine", "dead"), ("theirs", "other")):
            due.plan(tx, "k", key, at=NOW)
            due.claim(tx, "k", now=NOW, owner=owner, limit=9, lease_s=600)
        due.hold(tx, SETTLE, owner="dead", now=NOW, lease_s=600)

    db.run(work)
    again = NOW + timedelta(seconds=2)
    assert join(db, node("fresh", at=again)) == 1
    assert standings(db, again) == {"fresh": "up", "dead": "ended", "other": "up"}
    [freed] = db.run(lambda tx: due.claim(tx, "k", now=again, owner="x", limit=9, lease_s=20))
    assert freed.key == "mine"
    taken = db.run(lambda tx: due.hold(tx, SETTLE, owner="other", now=again, lease_s=20))
    assert taken is not None
    assert taken.token == 2


def test_another_folder_on_the_same_machine_is_another_place(db: Database) -> None:
    join(db, node("a"))
    join(db, node("b", folder="/var/lib/b"))
    assert standings(db, NOW) == {"a": "up", "b": "up"}


def test_who_settles_is_shown_until_its_lease_ends(db: Database) -> None:
    join(db, node("a"))
    db.run(lambda tx: due.hold(tx, SETTLE, owner="a", now=NOW, lease_s=10))

    def roles(at: datetime) -> tuple[str, ...]:
        [one] = db.read(lambda tx: nodes.known(tx, now=at))
        return one.roles

    assert roles(NOW + timedelta(seconds=9)) == (SETTLE,)
    assert roles(NOW + timedelta(seconds=10)) == ()


def test_nodes_of_yesterday_are_forgotten(db: Database) -> None:
    join(db, node("old"))
    join(db, node("new", host="db2", at=NOW + timedelta(days=1)))
    assert db.run(lambda tx: nodes.forget(tx, now=NOW + timedelta(days=1, seconds=1))) == 1
    assert standings(db, NOW + timedelta(days=1)) == {"new": "up"}
