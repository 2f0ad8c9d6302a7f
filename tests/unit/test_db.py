"""The transaction contract: who got an answer got a durable one; who failed left nothing."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mainstay.foundation import db as database
from mainstay.foundation.db import Database, Tx, open_database, sqlite, writer
from mainstay.foundation.errors import Broken, Corrupt, Refused, Stuck


@pytest.fixture
def db(data_dir: Path) -> Iterator[Database]:
    made = open_database(data_dir / "mainstay.db")
    yield made
    made.close()


def put(name: str, value: int = 1) -> Any:
    def work(tx: Tx) -> str:
        tx.run("INSERT INTO foundation_mark (name, value) VALUES (:n, :v)", n=name, v=value)
        return name

    return work


def names(db: Database) -> set[str]:
    return db.read(lambda tx: {row["name"] for row in tx.all("SELECT name FROM foundation_mark")})


def fails(tx: Tx) -> None:
    put("half")(tx)
    raise ValueError("no")


def together(db: Database, *calls: Any) -> list[Any]:
    """Queue them while the writer is held, so that they share one commit."""
    held, go = threading.Event(), threading.Event()

    def hold(tx: Tx) -> None:
        held.set()
        assert go.wait(10)

    async def all_of_them() -> list[Any]:
        first = asyncio.ensure_future(db.write(hold))
        await asyncio.to_thread(held.wait, 10)
        waiting = [asyncio.ensure_future(db.write(call)) for call in calls]
        await asyncio.sleep(0)
        go.set()
        await first
        return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(all_of_them())


def test_calls_that_wait_share_one_commit(db: Database) -> None:
    commits: list[str] = []
    db.engine.writer.set_trace_callback(
        lambda sql: commits.append(sql) if sql == "COMMIT" else None
    )
    db.start()
    assert together(db, *[put(str(n)) for n in range(20)]) == [str(n) for n in range(20)]
    assert len(commits) == 2


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


def test_when_the_commit_fails_every_call_fails_and_nothing_is_left(db: Database) -> None:
    db.engine.writer.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    db.engine.writer.execute(
        "CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)"
    )
    db.start()
    found = together(db, put("a"), lambda tx: tx.run("INSERT INTO child (id) VALUES (7)"), put("b"))
    assert all(isinstance(one, Exception) for one in found), found
    assert names(db) == set()
    assert db.run(put("after")) == "after"


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


def test_a_database_of_a_newer_mainstay_is_refused(data_dir: Path) -> None:
    path = data_dir / "mainstay.db"
    made = open_database(path)
    made.engine.writer.execute(f"PRAGMA user_version = {database.schema_number() + 1}")
    made.close()
    with pytest.raises(Refused, match="newer than this program"):
        open_database(path)


def test_opening_again_migrates_nothing_again(data_dir: Path) -> None:
    first = open_database(data_dir / "mainstay.db")
    first.run(put("kept"))
    second = open_database(data_dir / "mainstay.db")
    database.migrate(second.engine.writer)
    assert names(second) == {"kept"}
    first.close()
    second.close()


def test_a_migration_that_is_cut_off_is_done_whole_by_the_next_start(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = dict(database.migrations())[1]
    broken = text + "; CREATE TABLE foundation_mark (twice TEXT);"
    monkeypatch.setattr(sqlite, "migrations", lambda: [(1, broken)])
    with pytest.raises(Stuck):
        open_database(data_dir / "mainstay.db")
    monkeypatch.undo()
    made = open_database(data_dir / "mainstay.db")
    assert names(made) == set()
    made.close()


def test_two_processes_that_start_at_once_migrate_once(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second has read the old number before the first was done."""
    first = open_database(data_dir / "mainstay.db")
    sqlite._migrate_to(first.engine.writer, 1, dict(database.migrations())[1])
    assert names(first) == set()
    first.close()


def test_a_file_that_is_no_database_is_told_by_its_name(data_dir: Path) -> None:
    path = data_dir / "mainstay.db"
    path.write_bytes(b"this is a letter to my aunt, and no database" * 100)
    with pytest.raises(Corrupt, match=r"mainstay\.db is not a Mainstay database"):
        open_database(path)


def test_a_full_disk_is_stuck_and_passes_when_there_is_room(db: Database) -> None:
    pages = db.engine.writer.execute("PRAGMA page_count").fetchone()[0]
    db.engine.writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Stuck) as caught:
        db.run(lambda tx: [put(f"n{n}" * 50)(tx) for n in range(2_000)])
    assert caught.value.retry_after_s
    assert names(db) == set()
    db.engine.writer.execute("PRAGMA max_page_count = 100000")
    assert db.run(put("again")) == "again"


def test_a_statement_that_is_wrong_is_our_fault_and_not_the_disks(db: Database) -> None:
    with pytest.raises(Broken) as caught:
        db.run(lambda tx: tx.run("SELECT disk_full FROM foundation_mark"))
    assert not isinstance(caught.value, Stuck)


def test_another_process_that_holds_the_lock_makes_it_stuck(db: Database, data_dir: Path) -> None:
    db.engine.writer.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(data_dir / "mainstay.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Stuck):
        db.run(put("a"))
    other.execute("ROLLBACK")
    other.close()
    assert db.run(put("a")) == "a"


def test_closing_finishes_what_is_queued(data_dir: Path) -> None:
    made = open_database(data_dir / "mainstay.db")
    made.start()
    threads = [threading.Thread(target=made.run, args=(put(str(n)),)) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    made.close()
    again = open_database(data_dir / "mainstay.db")
    assert len(names(again)) == 30
    again.close()


def test_a_call_that_comes_while_it_closes_is_answered_and_never_left_waiting(
    data_dir: Path,
) -> None:
    made = open_database(data_dir / "mainstay.db")
    made.start()
    made._closing = True
    made.run(put("last"))  # after it the thread sees that it has to end
    assert made._thread is not None
    made._thread.join(10)
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


def test_it_waits_for_the_disk_before_it_answers(db: Database) -> None:
    """`NORMAL` loses acknowledged rows when the power fails."""
    assert db.engine.writer.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert db.engine.writer.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
