"""The record is a chain: whatever is changed under a seal shows."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mainstay.foundation import record
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Database, Place, Tx, open_database
from mainstay.foundation.record import Fact, Verdict

pytestmark = pytest.mark.both

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SEALS = 6
ROWS = 8
COLUMNS = ("at", "actor", "kind", "subject", "incident", "receipt", "because", "facts",
           "estate_version")  # fmt: skip


@pytest.fixture
def db(place: Place) -> Iterator[Database]:
    made = open_database(place)
    for seal in range(SEALS):
        facts = [
            Fact("a.kind", f"s{seal}.{n}", f"because {n}", incident=f"inc_{n}", receipt=f"r{n}")
            for n in range(ROWS)
        ]
        made.run(lambda tx, facts=facts: record.write(tx, facts, now=NOW, estate_version=1))
        made.run(lambda tx, seal=seal: record.seal(tx, NOW + timedelta(seconds=seal)))
    yield made
    made.close()


def verdict(db: Database) -> Verdict:
    return db.read(record.verify)


def edit(tx: Tx, dice: random.Random) -> None:
    column = dice.choice(COLUMNS)
    value = "'forged'" if column not in ("at", "estate_version") else f"{column} + 1"
    seq = dice.randrange(1, SEALS * ROWS + 1)
    tx.run(f"UPDATE foundation_record SET {column} = {value} WHERE seq = :seq", seq=seq)


def delete(tx: Tx, dice: random.Random) -> None:
    tx.run("DELETE FROM foundation_record WHERE seq = :s", s=dice.randrange(1, SEALS * ROWS + 1))


def swap(tx: Tx, dice: random.Random) -> None:
    one, other = dice.sample(range(1, SEALS * ROWS + 1), 2)
    moves = [(one, -1), (other, one), (-1, other)]
    tx.many("UPDATE foundation_record SET seq = :to WHERE seq = :seq",
            [{"seq": seq, "to": to} for seq, to in moves])  # fmt: skip


def insert(tx: Tx, dice: random.Random) -> None:
    """A forged row under a seal: one that is there, one that is not, or none of the numbers."""
    tx.run(
        "INSERT INTO foundation_record (at, actor, kind, subject, because, facts, estate_version,"
        " seal) VALUES (1, 'person:ana', 'k', 's', 'forged', '{}', 1, :seal)",
        seal=dice.choice([*range(-1, SEALS + 3)]),
    )


def cut(tx: Tx, dice: random.Random) -> None:
    tx.run("DELETE FROM foundation_seal WHERE number >= :n", n=dice.randrange(1, SEALS + 1))


def drop_seal(tx: Tx, dice: random.Random) -> None:
    number = dice.randrange(1, SEALS)
    tx.run("DELETE FROM foundation_seal WHERE number = :n", n=number)
    tx.run("DELETE FROM foundation_record WHERE seal = :n", n=number)


def move(tx: Tx, dice: random.Random) -> None:
    seq = dice.randrange(1, SEALS * ROWS + 1)
    tx.run("UPDATE foundation_record SET seal = (seal % :n) + 1 WHERE seq = :s", s=seq, n=SEALS)


def unseal(tx: Tx, dice: random.Random) -> None:
    seq = dice.randrange(1, SEALS * ROWS + 1)
    tx.run("UPDATE foundation_record SET seal = NULL WHERE seq = :s", s=seq)


def forge_seal(tx: Tx, dice: random.Random) -> None:
    change = dice.choice(["at = at + 1", "rows_n = rows_n + 1", "digest = 'f' || digest"])
    tx.run(f"UPDATE foundation_seal SET {change} WHERE number = :n", n=dice.randrange(1, SEALS + 1))


TAMPERINGS: list[Callable[[Tx, random.Random], None]] = [
    edit, delete, swap, insert, cut, drop_seal, move, unseal, forge_seal,
]  # fmt: skip


def test_an_untouched_record_holds(db: Database) -> None:
    found = verdict(db)
    assert (found.rows, found.seals, found.unsealed, found.broken) == (48, 6, 0, None)


class Undone(Exception):
    """Ends a transaction that is not to be kept."""


def tampered(db: Database, tamper: Callable[[Tx, random.Random], None], dice: Any) -> Verdict:
    """What is found after it; then all is as before."""
    found: list[Verdict] = []

    def work(tx: Tx) -> None:
        tamper(tx, dice)
        found.append(record.verify(tx))
        raise Undone

    with pytest.raises(Undone):
        db.run(work)
    return found[-1]


def test_two_hundred_tamperings_are_all_found(db: Database) -> None:
    dice = random.Random(11)
    for n in range(200):
        tamper = TAMPERINGS[n % len(TAMPERINGS)]
        assert tampered(db, tamper, dice).broken is not None, (n, tamper.__name__)
    assert verdict(db).broken is None


def test_new_rows_are_unsealed_until_they_are_sealed(db: Database) -> None:
    db.run(lambda tx: record.write(tx, [Fact("k", "s", "why")], now=NOW, estate_version=1))
    assert verdict(db).unsealed == 1
    assert not db.read(record.is_sealed)
    assert db.run(lambda tx: record.seal(tx, NOW)) == 1
    assert db.run(lambda tx: record.seal(tx, NOW)) == 0
    assert verdict(db).seals == SEALS + 1


def test_one_seal_is_bounded(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mainstay.foundation.record.chain.SEAL_ROWS_MAX", 3)
    facts = [Fact("k", str(n), "why") for n in range(7)]
    db.run(lambda tx: record.write(tx, facts, now=NOW, estate_version=1))
    assert [db.run(lambda tx: record.seal(tx, NOW)) for _ in range(4)] == [3, 3, 1, 0]
    assert verdict(db).broken is None


def test_the_head_stands_for_everything_before_it(db: Database) -> None:
    before = verdict(db).head
    db.run(lambda tx: record.write(tx, [Fact("k", "s", "why")], now=NOW, estate_version=1))
    assert verdict(db).head == before
    db.run(lambda tx: record.seal(tx, NOW))
    assert verdict(db).head != before


def test_a_timeline_goes_on_from_where_it_was_read(db: Database) -> None:
    rows = db.read(lambda tx: record.by_incident(tx, "inc_3"))
    assert [row["subject"] for row in rows] == [f"s{n}.3" for n in range(SEALS)]
    rest = db.read(lambda tx: record.by_incident(tx, "inc_3", after=rows[2]["seq"], limit=2))
    assert [row["subject"] for row in rest] == ["s3.3", "s4.3"]


def test_rows_between_two_instants_are_those_that_a_whole_look_finds(db: Database) -> None:
    """Found by halving over the row numbers, also where commits overtook each other."""
    made = random.Random(5)
    for minute in range(40):
        at = NOW + timedelta(minutes=minute, seconds=made.uniform(-20, 20))
        kind = "log.note" if minute % 3 else "page.sent"
        fact = Fact(kind, "s", f"row {minute}")
        db.run(lambda tx, f=fact, at=at: record.write(tx, [f], now=at, estate_version=1))

    def both(tx: Tx, start: int, end: int) -> tuple[list[int], list[int]]:
        found = record.between(tx, start, end, kinds=("log.",))
        naive = tx.all(
            "SELECT seq FROM foundation_record WHERE at >= :start AND at < :end"
            " AND substr(kind, 1, 4) = 'log.' ORDER BY seq",
            start=start, end=end,
        )  # fmt: skip
        return [row["seq"] for row in found], [row["seq"] for row in naive]

    for _ in range(30):
        first = made.uniform(-5, 45)
        start, end = (
            to_us(NOW + timedelta(minutes=one)) for one in (first, first + made.uniform(0, 30))
        )
        halved, naive = db.read(lambda tx, s=start, e=end: both(tx, s, e))
        assert halved == naive
