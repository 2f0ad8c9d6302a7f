"""Backed up under load, killed with -9, restored elsewhere: everything is there, and it pages on.

What it prints beside is measured, not judged: how long the slowest answer took, with and without a
backup under way.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest
from cli_serving import Install, kill_quietly

from fakes.world import NEVER, World
from peers import wait_until

WRITERS = 4
ESTATE = """
mainstay: 1
org: {name: Alpenpay, timezone: UTC}
teams:
  payops: {members: [mara]}
people:
  mara: {name: Mara Keller}
sources:
  prometheus: {format: alertmanager}
routes:
  - {to: service:pay-db}
escalations:
  payops: [{after: 0m, notify: [person:mara]}, {after: 30m, notify: [person:mara]}]
  fallback: [{after: 0m, notify: [person:mara]}]
services:
  pay-db: {tier: 1, owner: payops}
"""
PASSPHRASE = "nine words that nobody else would ever put together"


@dataclass
class Load:
    """Writers, and what they know: which alerts heard 2xx, and how long each took."""

    acknowledged: set[str] = field(default_factory=set)
    took_s: list[tuple[float, float]] = field(default_factory=list)
    """(when it was asked, how long the answer took)"""

    def longest_ms(self, start: float, end: float) -> float:
        return 1_000 * max((took for at, took in self.took_s if start <= at <= end), default=0)


@contextmanager
def load(install: Install, key: str) -> Iterator[Load]:
    """Distinct alerts from several connections, until the end or the server's."""
    found, stop = Load(), threading.Event()
    threads = [
        threading.Thread(target=_write, args=(n, install.port, key, found, stop), daemon=True)
        for n in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)


def _write(writer: int, port: int, key: str, found: Load, stop: threading.Event) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    number = 0
    with contextlib.suppress(OSError, http.client.HTTPException):
        while not stop.is_set():
            name = f"w{writer}n{number}"
            labels = {"alertname": name, "severity": "critical", "pad": "x" * 500}
            body = json.dumps([{"labels": labels, "endsAt": "2099-01-01T00:00:00Z"}])
            began = time.monotonic()
            connection.request("POST", "/api/v2/alerts", body, headers)
            answer = connection.getresponse()
            answer.read()
            found.took_s.append((began, time.monotonic() - began))
            if answer.status == 200:
                found.acknowledged.add(name)
                number += 1


def stored(data: Path) -> set[str]:
    """The alerts that a database holds, settled or still raw."""
    with closing(sqlite3.connect(f"file:{data}/mainstay.db?mode=ro", uri=True)) as connection:
        bodies = connection.execute("SELECT body FROM signals_request").fetchall()
    return {item["labels"]["alertname"] for (body,) in bodies for item in json.loads(body)}


def told(data: Path, kind: str) -> str:
    """What the record says of a kind."""
    with closing(sqlite3.connect(f"file:{data}/mainstay.db?mode=ro", uri=True)) as connection:
        sql = "SELECT because FROM foundation_record WHERE kind = ?"
        return "\n".join(row[0] for row in connection.execute(sql, (kind,)))


@pytest.fixture
def install(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Install]:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "estate").mkdir()
    (tmp_path / "one" / "estate" / "estate.yaml").write_text(dedent(ESTATE))
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    (tmp_path / "passphrase").chmod(0o600)
    made = Install(tmp_path / "one", capsys)
    yield made
    kill_quietly(made.process)


def test_a_backup_under_load_restored_elsewhere_has_everything_and_pages_on(
    install: Install, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside, file = tmp_path / "outside.jsonl", tmp_path / "to" / "mine.sealed"
    secret = ("--passphrase", f"file:{tmp_path}/passphrase")
    with World() as world:
        hook = world.provider("webhook")
        hook.always = NEVER  # the first page is under way when all is lost
        flags = ("--estate", str(install.folder / "estate"), "--egress-allow", hook.at)
        install.start(
            *flags, MAINSTAY_AUDIT__CHECKPOINTS_TO=f"file:{outside}",
            MAINSTAY_AUDIT__CHECKPOINT_ROWS="5",
        )  # fmt: skip
        install.says("contact", "add", "mara", "webhook", f"{hook.url}/mara")
        key = install.says("key", "create", "prometheus").strip()
        with load(install, key) as found:
            wait_until(lambda: len(found.acknowledged) > 200, within_s=30, what="load")
            first = hook.wait(1, within_s=30)[0]
            began, before = time.monotonic(), set(found.acknowledged)
            # In a process of its own, so that what is slow is the server, and not its clients.
            command = install.command("backup", str(file), "--json", *secret)
            done = subprocess.run(
                command, env=install.environment(), stdout=subprocess.PIPE, check=True
            )
            said = json.loads(done.stdout)
            ended = time.monotonic()
            wait_until(lambda: outside.exists(), within_s=30, what="a checkpoint outside")
            public = install.says("audit", "key").strip()
            install.stop(signal.SIGKILL)
        assert said["encrypted"]
        assert "operator made a backup" in told(install.data, "backup.made")

        (tmp_path / "two").mkdir()
        other = Install(tmp_path / "two", capsys)
        shutil.copy(install.folder / "data.key", other.folder / "data.key")
        out = other.says("restore", str(file), *secret)
        assert f"Restored {said['rows']} rows" in out
        assert before <= stored(other.data)
        proof = ("--checkpoints", str(outside), "--public-key", public)
        checked = other.cli("audit", "verify", *proof, "--json")[1]
        # What was signed after the backup is not in it, and the proof says exactly that.
        faults = json.loads(checked)["faults"]
        assert all("the end was cut off" in fault for fault in faults)

        hook.always = None
        try:
            other.start(*flags)
            hit = wait_until(
                lambda: next((one for one in hook.hits[1:] if one.key == first.key), None),
                within_s=40, what="the page that was under way",
            )  # fmt: skip
            assert hit.json["repeat"]
            assert "restored from mine.sealed" in told(other.data, "backup.restored")
        finally:
            kill_quietly(other.process)
    quiet = found.longest_ms(began - (ended - began), began)
    with capsys.disabled():
        print(
            f"\n{said['rows']} rows backed up and read back in {ended - began:.2f} s under "
            f"{WRITERS} writers ({len(found.acknowledged)} acknowledged); the slowest answer took "
            f"{found.longest_ms(began, ended):.0f} ms meanwhile, {quiet:.0f} ms before"
        )


def test_backups_are_made_by_themselves_and_doctor_knows_how_old_they_are(
    install: Install, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    settings = {
        "MAINSTAY_BACKUP__TO": str(folder), "MAINSTAY_BACKUP__EVERY": "1s",
        "MAINSTAY_BACKUP__KEEP": "2", "MAINSTAY_BACKUP__KEEP_DAYS": "0",
    }  # fmt: skip
    install.start("--estate", str(install.folder / "estate"), **settings)

    def names() -> set[str]:
        return {one.name for one in folder.glob("mainstay-*.zip")} if folder.exists() else set()

    first = wait_until(names, within_s=30, what="a backup")
    wait_until(lambda: names() and not names() & first, within_s=40, what="the first to be pruned")
    assert len(names()) <= 3
    file = min(folder.glob("mainstay-*.zip"))
    assert install.stop() == 0
    assert "is whole" in install.says("restore", str(sorted(folder.glob("*.zip"))[-1]), "--check")
    assert file.parent == folder
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        said = install.cli("doctor", "--allow-root")[1]
    assert "backup: Last backup 0 min ago, read back and found whole" in said
    assert "Nobody outside keeps checkpoints" in said
