"""From the schema of every release to ours: nothing is lost, whenever it is killed, and it pages on.

`tests/golden/NNNN.db.xz` are databases as those releases left them, in the middle of a bad morning.
"""

from __future__ import annotations

import lzma
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from databases import server
from mainstay import app
from mainstay.foundation import backup, record
from mainstay.foundation.clock import ManualClock, from_us
from mainstay.foundation.db import (
    Place,
    Tx,
    migrations,
    open_database,
    peek,
    peek_sqlite,
    schema_number,
    schema_of,
    statements,
)
from mainstay.foundation.db import tables as tables_of
from mainstay.foundation.errors import MainstayError, Refused
from mainstay.foundation.settings import Backup, Settings
from walk import Provider, Try

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.db.xz"))
OLD = [path for path in GOLDEN if int(path.name[:4]) < schema_number()]
MANY = 100_000
EACH = 1 if "MAINSTAY_PROOF_ROUNDS" in os.environ else 3
"""On PostgreSQL, killed at each so-many-th statement; `make prove` leaves none out."""
KILLED = """
import os, signal, sqlite3
from pathlib import Path
from mainstay.foundation.db import open_database

left, connect = 0, sqlite3.connect

def trace(sql):
    global left
    if sql.split(None, 1)[0] in ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE", "COMMIT"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

def traced(*args, **kwargs):
    connection = connect(*args, **kwargs)
    connection.set_trace_callback(trace)
    return connection

sqlite3.connect = traced

def migrate(where):
    open_database(Path(where)).close()
"""
KILLED_ON_SERVER = """
import os, signal
from pathlib import Path
from mainstay.foundation.db import Place, open_database
from mainstay.foundation.db.session import Session

left, tell = 0, Session.tell

def counted(self, text):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return tell(self, text)

Session.tell = counted

def migrate(where):
    open_database(Place(Path(), where)).close()
"""
EACH_IN_A_PROCESS = """
import sys

for line in sys.stdin:
    where, _, step = line.rpartition(" ")
    left = int(step)
    if (child := os.fork()) == 0:
        migrate(where)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""A process of its own for each, forked off one that has loaded Mainstay: most of a start is that."""
Snapshot = dict[str, list[tuple[Any, ...]]]
Killed = Callable[[Path | str, int], int]


def number_of(golden: Path) -> int:
    return int(golden.name[:4])


@pytest.fixture
def data(data_dir: Path, request: pytest.FixtureRequest) -> Path:
    """A data folder with the golden database of the test's parameter."""
    (data_dir / "mainstay.db").write_bytes(lzma.decompress(request.param.read_bytes()))
    (data_dir / "mainstay.db").chmod(0o600)
    return data_dir


@pytest.fixture
def killed() -> Iterator[Killed]:
    """Migrates a file, killed after so many statements; how the process ended."""
    with migrating(KILLED) as ended:
        yield ended


@pytest.fixture
def killed_on_server() -> Iterator[Killed]:
    """The same of a database on PostgreSQL."""
    with migrating(KILLED_ON_SERVER) as ended:
        yield ended


@contextmanager
def migrating(program: str) -> Iterator[Killed]:
    with subprocess.Popen(
        [sys.executable, "-c", program + EACH_IN_A_PROCESS], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        ask, answer = process.stdin, process.stdout

        def ended(where: Path | str, step: int) -> int:
            ask.write(f"{where} {step}\n")
            ask.flush()
            return int(answer.readline())

        yield ended
        ask.close()


def snapshot(database: Path, schema: int, golden: Path) -> Snapshot:
    """All that a schema knows, table by table, as the golden database names its columns."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        found = {}
        for table in tables_of(schema):
            columns = ", ".join(_columns(golden, table))
            found[table] = connection.execute(f"SELECT {columns} FROM {table}").fetchall()
        return {table: sorted(rows, key=repr) for table, rows in found.items()}


@cache
def _columns(golden: Path, table: str) -> list[str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(lzma.decompress(golden.read_bytes()))
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def schema_in(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def newest_at(database: Path) -> Any:
    """When the golden morning stopped."""
    return from_us(
        peek_sqlite(database, lambda tx: tx.value("SELECT max(at) FROM foundation_record"))
    )


def opened(data: Path, clock: ManualClock, journal: list[Try], **settings: Any) -> Any:
    channels = {kind: Provider(kind, clock, journal) for kind in ("sms", "mail", "webhook")}
    return app.open_app(
        Settings(data_dir=data, **settings), environment={}, clock=clock, channels=channels,
        node="walk",
    )  # fmt: skip


def test_every_schema_but_ours_has_its_golden_database() -> None:
    assert [number_of(path) for path in GOLDEN] == list(range(1, GOLDEN_NEWEST + 1))
    assert sum(path.stat().st_size for path in GOLDEN) <= 300_000


GOLDEN_NEWEST = 1
"""The schema of the newest release; `make_golden.py` makes the next one's when it is released."""


@pytest.mark.parametrize(("data", "golden"), [(one, one) for one in OLD], indirect=["data"])
def test_an_upgrade_changes_nothing_that_was_and_what_was_due_goes_out(
    data: Path, golden: Path
) -> None:
    database, old = data / "mainstay.db", number_of(golden)
    clock, journal = ManualClock(newest_at(database)), []
    before = snapshot(database, old, golden)
    open_database(database).close()
    assert snapshot(database, old, golden) == before
    clock.forward(minutes=2)
    made = opened(data, clock, journal)
    assert made.db.read(record.verify).broken is None
    app.drain(made)
    waiting = {row[before_column("paging_send", "idempotency_key", golden)]
               for row in before["paging_send"]
               if row[before_column("paging_send", "state", golden)] in ("waiting", "sending")}  # fmt: skip
    assert waiting
    told = {one.page.idempotency_key for one in journal}
    assert waiting & told
    clock.forward(minutes=12)
    app.drain(made)
    assert {one.page.person for one in journal} >= {"ben", "mara"}
    assert made.db.read(record.verify).broken is None
    made.close()


def before_column(table: str, name: str, golden: Path) -> int:
    return _columns(golden, table).index(name)


@pytest.mark.parametrize(("data", "golden"), [(one, one) for one in OLD], indirect=["data"])
def test_killed_at_each_statement_of_a_migration_it_is_whole_and_goes_on(
    data: Path, golden: Path, tmp_path: Path, killed: Killed
) -> None:
    old, kills = number_of(golden), 0
    before = snapshot(data / "mainstay.db", old, golden)
    steps = sum(len(statements(text)) + 1 for number, text in migrations() if number > old)
    for step in range(steps + 1):
        copy = tmp_path / f"killed-{step}.db"
        shutil.copy(data / "mainstay.db", copy)
        kills += killed(copy, step) == -signal.SIGKILL
        assert old <= schema_in(copy) <= schema_number()
        assert snapshot(copy, old, golden) == before
        open_database(copy).close()
        assert schema_in(copy) == schema_number()
        assert snapshot(copy, old, golden) == before
        for left in tmp_path.glob(f"{copy.name}*"):
            left.unlink()
    assert kills == steps  # the last run, which was killed nowhere, shows that none was left out


@pytest.mark.parametrize(("data", "golden"), [(one, one) for one in OLD], indirect=["data"])
def test_a_hundred_thousand_rows_are_the_same_after_an_upgrade(data: Path, golden: Path) -> None:
    database, old = data / "mainstay.db", number_of(golden)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO foundation_record (at, actor, kind, subject, because, facts,"
            " estate_version) SELECT i, 'mainstay', 'page.sent', 'pag_' || i, 'sent', '{}', 1 FROM n",
            (MANY,),
        )
        connection.execute(
            "INSERT INTO foundation_due (kind, key, due_at, planned_at, facts)"
            " SELECT 'x.timer', subject, at, at, '{}' FROM foundation_record WHERE at <= ?",
            (MANY,),
        )
        connection.commit()
    before = snapshot(database, old, golden)
    assert len(before["foundation_due"]) > MANY
    open_database(database).close()
    assert snapshot(database, old, golden) == before


# -- on PostgreSQL ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "golden"), [(one, one) for one in OLD], indirect=["data"])
def test_killed_at_each_statement_on_postgresql_it_is_whole_and_goes_on(
    data: Path, golden: Path, tmp_path: Path, killed_on_server: Killed
) -> None:
    old, step, url = number_of(golden), 0, server().create(f"golden_{number_of(golden)}")
    backup.make(
        Place(data / "mainstay.db"), tmp_path / "a.zip", now=newest_at(data / "mainstay.db")
    )
    with backup.open_backup(tmp_path / "a.zip") as found:
        filled = open_database(Place(Path(), url), upto=old)
        backup.fill(filled, found)
        filled.close()
    before = on_server(url, old, golden)
    assert before == snapshot(data / "mainstay.db", old, golden)
    while True:
        copy = server().create(f"killed_{old}_{step}", template=f"golden_{old}")
        if killed_on_server(copy, step) == 0:
            break
        step += EACH
        assert on_server(copy, old, golden) == before
        open_database(Place(Path(), copy)).close()
        assert peek(Place(Path(), copy), schema_of) == schema_number()
        assert on_server(copy, old, golden) == before
    steps = sum(len(statements(text)) for number, text in migrations() if number > old)
    assert step > steps


def on_server(url: str, schema: int, golden: Path) -> Snapshot:
    """The snapshot of a database on PostgreSQL."""

    def look(tx: Tx) -> Snapshot:
        found = {}
        for table in tables_of(schema):
            columns = ", ".join(_columns(golden, table))
            rows = [tuple(row) for row in tx.all(f"SELECT {columns} FROM {table}")]
            found[table] = sorted(rows, key=repr)
        return found

    return peek(Place(Path(), url), look)


# -- the way back ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "golden"), [(one, one) for one in OLD], indirect=["data"])
def test_a_backup_is_made_before_an_upgrade_and_brings_the_old_schema_back(
    data: Path, golden: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database, old = data / "mainstay.db", number_of(golden)
    before, clock = snapshot(database, old, golden), ManualClock(newest_at(database))
    opened(data, clock, []).close()
    (kept,) = (data / "backups").iterdir()
    assert kept.name.endswith(f"-schema-{old}-before-{schema_number()}.zip")
    assert str(kept) in caplog.text
    opened(data, clock, []).close()  # and none at a start that changes no schema
    assert list((data / "backups").iterdir()) == [kept]
    with backup.open_backup(kept) as found:
        assert found.manifest.schema == old
        back = open_database(tmp_path / "old.db", upto=old)
        backup.fill(back, found)
        back.close()
    assert schema_in(tmp_path / "old.db") == old
    assert snapshot(tmp_path / "old.db", old, golden) == before


@pytest.mark.parametrize(("data", "golden"), [(one, one) for one in OLD], indirect=["data"])
def test_without_a_way_back_nothing_is_upgraded(data: Path, golden: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    clock = ManualClock(newest_at(data / "mainstay.db"))
    with pytest.raises((MainstayError, OSError)):
        opened(data, clock, [], backup=Backup(to=tmp_path / "file" / "below"))
    assert schema_in(data / "mainstay.db") == number_of(golden)
    opened(data, clock, [], backup=Backup(before_upgrade=False)).close()
    assert schema_in(data / "mainstay.db") == schema_number()


@pytest.mark.parametrize(("data", "golden"), [(one, one) for one in OLD], indirect=["data"])
def test_an_old_backup_is_restored_by_a_newer_program_with_its_schema(
    data: Path, golden: Path, tmp_path: Path
) -> None:
    clock, old = (
        ManualClock(newest_at(data / "mainstay.db") + timedelta(minutes=1)),
        number_of(golden),
    )
    before = snapshot(data / "mainstay.db", old, golden)
    made = backup.make(Place(data / "mainstay.db"), tmp_path / "a.zip", now=clock.now())
    assert made.manifest.schema == old
    with backup.open_backup(tmp_path / "a.zip") as found:
        backup.restore(found, Place(tmp_path / "new" / "mainstay.db"), now=clock.now())
    assert schema_in(tmp_path / "new" / "mainstay.db") == schema_number()
    after = snapshot(tmp_path / "new" / "mainstay.db", old, golden)
    for table in ("alerts_alert", "paging_send", "paging_escalation", "people_address"):
        assert after[table] == before[table]


@pytest.mark.parametrize("data", GOLDEN[-1:], indirect=True)
def test_an_older_program_refuses_a_newer_schema_and_says_what_to_do(data: Path) -> None:
    with closing(sqlite3.connect(data / "mainstay.db")) as connection:
        connection.execute(f"PRAGMA user_version = {schema_number() + 1}")
    with pytest.raises(Refused, match="Start the newer Mainstay, or restore a backup"):
        opened(data, ManualClock(from_us(0)), [])
    assert schema_in(data / "mainstay.db") == schema_number() + 1
