"""Leases: whoever dies is relieved, and whoever comes back late can no longer decide."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from mainstay.foundation import due
from mainstay.foundation.db import Database, Place, open_database
from mainstay.foundation.due import Due, Lease, TakenOver

pytestmark = pytest.mark.both

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LEASE = timedelta(seconds=20)


@pytest.fixture
def db(place: Place) -> Iterator[Database]:
    made = open_database(place)
    yield made
    made.close()


def plan(db: Database, key: str = "a", at: datetime = NOW, **facts: int) -> None:
    db.run(lambda tx: due.plan(tx, "k", key, at=at, facts=facts))


def claim(db: Database, at: datetime = NOW, owner: str = "one", limit: int = 10) -> list[Due]:
    return db.run(lambda tx: due.claim(tx, "k", now=at, owner=owner, limit=limit, lease_s=20))


def test_what_is_due_is_claimed_once_and_what_is_not_yet_due_is_left(db: Database) -> None:
    plan(db, "a", step=3)
    plan(db, "later", NOW + timedelta(seconds=1))
    [one] = claim(db)
    assert (one.key, one.facts, one.tries, one.planned_at) == ("a", {"step": 3}, 1, NOW)
    assert claim(db) == []


def test_the_oldest_plan_comes_first_also_when_only_some_fit(db: Database) -> None:
    for key, minutes in (("a", 7), ("c", 9), ("b", 8)):
        plan(db, key, NOW - timedelta(minutes=minutes))
    assert [one.key for one in claim(db, limit=2)] == ["c", "b"]


def test_a_worker_that_dies_is_relieved_when_its_lease_ends(db: Database) -> None:
    plan(db)
    claim(db)
    assert claim(db, NOW + LEASE - timedelta(microseconds=1)) == []
    [again] = claim(db, NOW + LEASE)
    assert again.tries == 2
    assert again.planned_at == NOW


def test_a_worker_that_was_away_longer_than_its_lease_can_decide_nothing(db: Database) -> None:
    plan(db)
    [stale] = claim(db)
    [fresh] = claim(db, NOW + LEASE, owner="two")
    assert not db.run(lambda tx: due.finish(tx, stale))
    assert not db.run(lambda tx: due.again(tx, stale, at=NOW))
    assert db.run(lambda tx: due.finish(tx, fresh))


def test_a_new_plan_voids_a_lease(db: Database) -> None:
    plan(db)
    [stale] = claim(db)
    plan(db, at=NOW + timedelta(hours=1))
    assert not db.run(lambda tx: due.finish(tx, stale))
    [fresh] = claim(db, NOW + timedelta(hours=1))
    assert fresh.tries == 1


def test_a_worker_from_before_the_row_was_taken_off_cannot_finish_its_successor(
    db: Database,
) -> None:
    plan(db)
    [stale] = claim(db)
    db.run(lambda tx: due.cancel(tx, "k", "a"))
    plan(db)
    claim(db)
    assert not db.run(lambda tx: due.finish(tx, stale))


def test_again_gives_it_back_for_later(db: Database) -> None:
    plan(db)
    [one] = claim(db)
    assert db.run(lambda tx: due.again(tx, one, at=NOW + timedelta(minutes=1)))
    assert claim(db, NOW + timedelta(seconds=59)) == []
    assert len(claim(db, NOW + timedelta(minutes=1))) == 1


def test_plan_once_leaves_an_earlier_plan_and_a_lease_alone(db: Database) -> None:
    assert db.run(lambda tx: due.plan_once(tx, "k", "a", at=NOW))
    [one] = claim(db)
    assert not db.run(lambda tx: due.plan_once(tx, "k", "a", at=NOW))
    assert db.run(lambda tx: due.finish(tx, one))


def test_sooner_moves_what_waits_and_never_what_is_held_or_sooner_already(db: Database) -> None:
    plan(db, at=NOW + timedelta(hours=1))
    assert db.run(lambda tx: due.sooner(tx, "k", "a", at=NOW))
    assert not db.run(lambda tx: due.sooner(tx, "k", "a", at=NOW + timedelta(minutes=5)))
    [one] = claim(db)
    assert one.planned_at == NOW
    assert not db.run(lambda tx: due.sooner(tx, "k", "a", at=NOW))


def test_a_node_that_starts_again_gets_back_what_it_held_and_nobody_elses(db: Database) -> None:
    plan(db, "mine")
    claim(db, owner="one")
    plan(db, "theirs")
    claim(db, owner="two")
    assert db.run(lambda tx: due.release(tx, "one", now=NOW)) == 1
    assert [one.key for one in claim(db)] == ["mine"]


def test_kinds_do_not_mix(db: Database) -> None:
    plan(db)
    assert db.run(lambda tx: due.claim(tx, "x", now=NOW, owner="o", limit=9, lease_s=9)) == []
    assert db.read(lambda tx: due.next_at(tx, "x")) is None
    assert db.read(lambda tx: due.next_at(tx, "k")) == NOW


def hold(db: Database, owner: str, at: datetime = NOW) -> Lease | None:
    return db.run(lambda tx: due.hold(tx, "settle", owner=owner, now=at, lease_s=20))


def fence(db: Database, lease: Lease, at: datetime) -> None:
    db.run(lambda tx: due.fence(tx, lease, now=at, lease_s=20))


def test_one_owner_at_a_time_and_the_next_one_gets_a_higher_token(db: Database) -> None:
    first = hold(db, "one")
    assert first is not None
    assert hold(db, "two") is None
    renewed = hold(db, "one", NOW + timedelta(seconds=10))
    assert renewed is not None
    assert (renewed.token, renewed.since) == (first.token, NOW)
    assert hold(db, "two", NOW + timedelta(seconds=29)) is None
    second = hold(db, "two", NOW + timedelta(seconds=30))
    assert second is not None
    assert (second.token, second.since) == (first.token + 1, NOW + timedelta(seconds=30))


def test_what_was_begun_before_a_lease_changed_hands_is_refused_even_when_it_came_back(
    db: Database,
) -> None:
    first = hold(db, "one")
    assert first is not None
    fence(db, first, NOW + timedelta(seconds=15))  # renewed: until 35 s
    assert hold(db, "two", NOW + timedelta(seconds=34)) is None
    second = hold(db, "two", NOW + timedelta(seconds=35))
    third = hold(db, "one", NOW + timedelta(seconds=60))
    assert second is not None
    assert third is not None
    for stale in (first, second):
        with pytest.raises(TakenOver):
            fence(db, stale, NOW + timedelta(seconds=61))
    fence(db, third, NOW + timedelta(seconds=61))


def test_a_renewal_never_shortens_a_lease(db: Database) -> None:
    lease = hold(db, "one", NOW + timedelta(seconds=10))
    assert lease is not None
    fence(db, lease, NOW)
    assert hold(db, "two", NOW + timedelta(seconds=29)) is None


def test_a_lease_of_somebody_who_has_ended_is_free_at_once(db: Database) -> None:
    hold(db, "one")
    db.run(lambda tx: due.release(tx, "one", now=NOW))
    taken = hold(db, "two")
    assert taken is not None
    assert taken.token == 2


def test_a_claim_is_held_until_somebody_else_takes_it_or_it_is_planned_anew(db: Database) -> None:
    plan(db)
    [mine] = claim(db)
    assert db.read(lambda tx: due.is_held(tx, mine))
    [theirs] = claim(db, NOW + LEASE, owner="two")
    assert not db.read(lambda tx: due.is_held(tx, mine))
    assert db.read(lambda tx: due.is_held(tx, theirs))
    db.run(lambda tx: due.finish(tx, theirs))
    assert not db.read(lambda tx: due.is_held(tx, theirs))
