"""The transaction contract: who got an answer got a durable one; who failed left nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from calls import fails, names, put, together
from mainstay.foundation.db import Database, Place, Tx, open_database, writer
from mainstay.foundation.errors import Broken, Stuck

pytestmark = pytest.mark.both


@pytest.fixture
def db(place: Place) -> Iterator[Database]:
    made = open_database(place)
    yield made
    made.close()


def test_a_call_that_fails_leaves_nothing_and_the_others_commit(db: Database) -> None:
    db.start()
    one, two, three = together(db, put("a"), fails, put("b"))
    assert (one, three) == ("a", "b")
    assert isinstance(two, ValueError)
    assert names(db) == {"a", "b"}


def test_a_call_that_fails_alone_leaves_nothing(db: Database) -> None:
    with pytest.raises(ValueError, match="no"):
        db.run(fails)
    assert names(db) == set()


def test_an_answer_comes_only_after_its_commit(db: Database) -> None:
    db.start()
    for n in range(50):
        db.run(put(f"n{n}"))
        assert f"n{n}" in names(db)


def test_eight_writers_lose_nothing(db: Database) -> None:
    db.start()
    threads = [
        threading.Thread(target=lambda w=w: [db.run(put(f"{w}.{n}")) for n in range(50)])
        for w in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(names(db)) == 400


def test_a_reader_sees_the_last_commit_and_nothing_half_done(db: Database) -> None:
    seen = []

    def work(tx: Tx) -> None:
        put("a")(tx)
        seen.append(names(db))

    db.run(work)
    assert seen == [set()]
    assert names(db) == {"a"}


def test_a_reader_keeps_one_state_while_others_write(db: Database) -> None:
    def look(tx: Tx) -> tuple[int, int]:
        first = tx.value("SELECT count(*) FROM foundation_mark")
        db.run(put("new"))
        return first, tx.value("SELECT count(*) FROM foundation_mark")

    assert db.read(look) == (0, 0)


def test_a_reader_cannot_write_and_serves_on(db: Database) -> None:
    with pytest.raises(Stuck):
        db.read(put("a"))
    assert names(db) == set()


def test_a_statement_that_is_wrong_is_our_fault_and_not_the_disks(db: Database) -> None:
    with pytest.raises(Broken) as caught:
        db.run(lambda tx: tx.run("SELECT disk_full FROM foundation_mark"))
    assert not isinstance(caught.value, Stuck)


def test_closing_finishes_what_is_queued(place: Place) -> None:
    made = open_database(place)
    made.start()
    threads = [threading.Thread(target=made.run, args=(put(str(n)),)) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    made.close()
    again = open_database(place)
    assert len(names(again)) == 30
    again.close()


def test_a_call_that_comes_while_it_closes_is_answered_and_never_left_waiting(
    place: Place,
) -> None:
    made = open_database(place)
    made.start()
    lane = made._writes
    lane._closing = True
    made.run(put("last"))  # after it the thread sees that it has to end
    assert lane._thread is not None
    lane._thread.join(10)
    asked: list[str] = []
    late = threading.Thread(target=lambda: asked.append(made.run(put("late"))), daemon=True)
    late.start()
    while not made.waiting:
        pass
    made.close()
    late.join(10)
    assert asked == ["late"]


def test_too_many_waiting_calls_are_refused_with_when_to_come_again(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "WAITING_MAX", 0)
    db.start()
    with pytest.raises(Stuck) as caught:
        db.run(put("a"))
    assert caught.value.retry_after_s == 1


def test_opening_again_migrates_nothing_again(place: Place) -> None:
    first, second = open_database(place), open_database(place)
    first.run(put("kept"))
    third = open_database(place)
    for one in (first, second, third):
        assert names(one) == {"kept"}
        one.close()


def test_flags_and_great_numbers_come_back_as_they_went(db: Database) -> None:
    db.run(put("yes", True))
    db.run(put("late", 1 << 62))
    values = db.read(
        lambda tx: {r["name"]: r["value"] for r in tx.all("SELECT * FROM foundation_mark")}
    )
    assert values == {"yes": 1, "late": 1 << 62}


def test_texts_are_ordered_by_their_bytes(db: Database) -> None:
    for name in ("b", "a", "B", "é", "_"):
        db.run(put(name))
    rows = db.read(lambda tx: tx.all("SELECT name FROM foundation_mark ORDER BY name"))
    assert [row["name"] for row in rows] == ["B", "_", "a", "b", "é"]
