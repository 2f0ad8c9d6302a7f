"""What is SQLite's own: its file, its lock, its disk."""

from __future__ import annotations

import sqlite3 as library
from collections.abc import Iterator
from pathlib import Path

import pytest

from calls import names, put, together
from mainstay.foundation.db import Database, migrations, open_database, schema_number, sqlite
from mainstay.foundation.errors import Corrupt, Refused, Stuck


@pytest.fixture
def db(data_dir: Path) -> Iterator[Database]:
    made = open_database(data_dir / "mainstay.db")
    yield made
    made.close()


def test_calls_that_wait_share_one_commit(db: Database) -> None:
    commits: list[str] = []
    db.engine.writer.set_trace_callback(
        lambda sql: commits.append(sql) if sql == "COMMIT" else None
    )
    db.start()
    assert together(db, *[put(str(n)) for n in range(20)]) == [str(n) for n in range(20)]
    assert len(commits) == 2


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


def test_a_migration_that_is_cut_off_is_done_whole_by_the_next_start(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = dict(migrations())[1]
    broken = text + "; CREATE TABLE foundation_mark (twice TEXT);"
    monkeypatch.setattr(sqlite, "missing", lambda _, **__: [(1, broken)])
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
    sqlite._migrate_to(first.engine.writer, 1, dict(migrations())[1])
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


def test_another_process_that_holds_the_lock_makes_it_stuck(db: Database, data_dir: Path) -> None:
    db.engine.writer.execute("PRAGMA busy_timeout = 1")
    other = library.connect(data_dir / "mainstay.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Stuck):
        db.run(put("a"))
    other.execute("ROLLBACK")
    other.close()
    assert db.run(put("a")) == "a"


def test_it_waits_for_the_disk_before_it_answers(db: Database) -> None:
    """`NORMAL` loses acknowledged rows when the power fails."""
    assert db.engine.writer.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert db.engine.writer.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_database_of_a_newer_mainstay_is_refused(data_dir: Path) -> None:
    path = data_dir / "mainstay.db"
    made = open_database(path)
    made.engine.writer.execute(f"PRAGMA user_version = {schema_number() + 1}")
    made.close()
    with pytest.raises(Refused, match="newer than this program"):
        open_database(path)
