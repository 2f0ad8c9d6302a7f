"""On PostgreSQL: a restore that is killed leaves nothing, and an upgrade leaves a way back."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from databases import server
from mainstay import app
from mainstay.foundation import backup, due, record
from mainstay.foundation.clock import ManualClock
from mainstay.foundation.db import Place, Tx, open_database, peek, schema_number, schema_of
from mainstay.foundation.errors import Stuck
from mainstay.foundation.record import Fact
from mainstay.foundation.settings import Backup, Settings

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from mainstay.foundation import backup
from mainstay.foundation.db import Place
from mainstay.foundation.db.session import Session

left, real = int(sys.argv[3]), {name: getattr(Session, name) for name in ("tell", "execute")}

def counted(name):
    def call(self, *given):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real[name](self, *given)
    return call

Session.tell, Session.execute = counted("tell"), counted("execute")
with backup.open_backup(Path(sys.argv[2])) as found:
    backup.restore(found, Place(Path(), sys.argv[1]), now=datetime(2026, 11, 24, tzinfo=UTC))
print(left)
"""
MUCH = 100_000
KILLS = 6


def filled(place: Place, *, upto: int | None = None) -> None:
    def work(tx: Tx) -> None:
        facts = [Fact("a.kind", f"s{n}", "because") for n in range(300)]
        record.write(tx, facts, now=NOW, estate_version=1)
        due.plan(tx, "paging.send", "a", at=NOW)
        record.seal(tx, NOW)

    with closing(open_database(place, upto=upto)) as db:
        db.run(work)


def is_empty(tx: Tx) -> bool:
    return not tx.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")


def killed(url: str, file: Path, step: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", KILLED, url, str(file), str(step)]
    return subprocess.run(command, timeout=120, capture_output=True, text=True)


def test_a_restore_killed_anywhere_leaves_nothing_and_is_run_again(tmp_path: Path) -> None:
    filled(Place(tmp_path / "mainstay.db"))
    file = tmp_path / "a.zip"
    backup.make(Place(tmp_path / "mainstay.db"), file, now=NOW)
    url = server().create("restored_killed")
    try:
        whole = killed(server().create("restored_whole"), file, MUCH)
        steps = MUCH - int(whole.stdout)
        for number in range(1, KILLS + 1):  # the last one before its commit
            step = steps * number // KILLS - 1
            assert killed(url, file, step).returncode == -signal.SIGKILL, step
            assert peek(Place(Path(), url), is_empty), step
        with backup.open_backup(file) as found:
            done = backup.restore(found, Place(Path(), url), now=NOW)
        assert done.verdict.broken is None
        assert peek(Place(Path(), url), schema_of) == schema_number()
    finally:
        server().drop("restored_killed")
        server().drop("restored_whole")


def test_a_backup_is_made_before_the_first_statement_of_an_upgrade(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url, old = server().create("before_upgrade"), schema_number() - 1
    place, clock = Place(tmp_path / "data" / "mainstay.db", url), ManualClock(NOW)
    filled(place, upto=old)
    (tmp_path / "file").touch()

    def start(to: Path) -> None:
        settings = Settings(data_dir=tmp_path / "data", database=url, backup=Backup(to=to))
        app.open_app(settings, environment={}, clock=clock, channels={}).close()

    try:
        with pytest.raises((Stuck, OSError)):
            start(tmp_path / "file" / "below")  # without a way back, nothing is changed
        assert peek(place, schema_of) == old
        start(tmp_path / "backups")
        assert peek(place, schema_of) == schema_number()
        (kept,) = (tmp_path / "backups").iterdir()
        assert str(kept) in caplog.text
        with backup.open_backup(kept) as found:
            assert (found.manifest.schema, found.check().broken) == (old, None)
        start(tmp_path / "backups")
        assert list((tmp_path / "backups").iterdir()) == [kept]
    finally:
        server().drop("before_upgrade")
