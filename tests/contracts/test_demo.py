"""Does `make run` show a newcomer an alert, an incident and a page, even when they kill it?"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mainstay import estate
from mainstay.demo import faults, stage
from mainstay.demo.phones import Phones
from mainstay.demo.play import HOME
from mainstay.demo.production import BACKUP, Jobs, Production
from mainstay.demo.wire import Wire
from mainstay.foundation.errors import Conflict, Invalid, Unreachable
from peers import wait_until

pytestmark = pytest.mark.timeout(180)
STARTS_WITHIN_S = 60
STOPS_WITHIN_S = 30
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


@dataclass
class Demo:
    """A demo that runs in a folder of its own."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def says(self) -> str:
        return (self.folder / "terminal.txt").read_text(encoding="utf-8")

    @property
    def pages(self) -> list[dict[str, Any]]:
        """What rang, without the updates for programs."""
        journal = self.folder / "run/pages.jsonl"
        lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
        return [page for page in map(json.loads, lines) if page["event"] == "page"]

    @property
    def server(self) -> int | None:
        """The server's process, 0 while there is none."""
        pid = (self.folder / "run/mainstay.pid").read_text(encoding="ascii").strip()
        return int(pid) if pid else None

    def shows(self, *words: str) -> None:
        """Wait until the terminal says these words."""

        def seen() -> bool:
            assert self.process.poll() is None, f"the demo ended:\n{self.says}"
            return all(word in self.says for word in words)

        wait_until(seen, within_s=STARTS_WITHIN_S, what=f"{words} in the terminal")

    def ask(self, *words: str) -> str:
        """What `run/mainstay …` prints."""
        command = [str(self.folder / "run/mainstay"), *words]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.folder, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOPS_WITHIN_S)


def start(folder: Path, *options: str) -> Demo:
    terminal = (folder / "terminal.txt").open("wb")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TZ": "UTC", "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "mainstay", "demo", *options]
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=terminal,
        stderr=terminal, start_new_session=True,
    )  # fmt: skip
    terminal.close()
    return Demo(folder, process)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = start(tmp_path)
    yield running
    running.stop()


def test_a_newcomer_sees_an_alert_an_incident_and_a_page_and_the_next_one_after_a_kill(
    demo: Demo,
) -> None:
    demo.shows("Replica pg-02 is 38 s behind", "INC-1 opened for pay-db", "'s phone  rings: INC-1")
    demo.shows("pay-db-backup ran, 812 MB")
    assert "pay-db-backup" in demo.ask("heartbeats", "list")
    assert "kill -9 $(cat run/mainstay.pid)" in demo.says
    assert "egress.allow" in demo.says
    assert stat.S_IMODE((demo.folder / "run").stat().st_mode) == 0o700
    before, server = len(demo.pages), demo.server
    assert before
    assert server

    os.kill(server, signal.SIGKILL)
    demo.shows("server       was killed; starting it again", "its record is whole")
    demo.shows("INC-2 opened for sepa-gw", "rings: INC-2")
    assert len(demo.pages) > before
    assert demo.server != server
    assert "The record is whole" in demo.ask("audit", "verify")

    again = demo.server
    assert demo.stop() == 0
    assert "Stopped." in demo.says
    assert again
    with pytest.raises(ProcessLookupError):
        os.kill(again, 0)


def test_what_is_acknowledged_gets_mended_and_the_next_start_goes_on(demo: Demo) -> None:
    demo.shows("rings: INC-1")
    assert "acknowledged INC-1" in demo.ask("ack", "INC-1")
    demo.shows("you          operator acknowledged INC-1", "somebody looks at pay-db")
    demo.shows("Replica pg-02 has caught up", "INC-1 resolved")
    assert demo.stop() == 0

    second = start(demo.folder, "--seconds", "12")
    second.shows("found from an earlier start", "rings: INC-1")
    assert second.process.wait(STOPS_WITHIN_S + 20) == 0


def test_a_second_demo_in_the_same_folder_is_refused_in_one_sentence(demo: Demo) -> None:
    demo.shows("server       listens")
    second = subprocess.run(
        [sys.executable, "-m", "mainstay", "demo"], cwd=demo.folder, capture_output=True,
        text=True, check=False, timeout=60,
    )  # fmt: skip
    assert second.returncode == 2
    assert f"A Mainstay (pid {demo.server}) already runs on" in second.stderr
    assert "Traceback" not in second.stderr


# -- the parts -------------------------------------------------------------------------------------


def test_a_taken_port_gives_way_to_the_next(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken: int = other.getsockname()[1]
        assert stage.free_port(taken) > taken


def test_a_folder_that_is_not_the_demos_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(Conflict, match="not a demo's"):
        stage.set_up(tmp_path, fresh=True)
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_fresh_empties_the_demos_own_folder(tmp_path: Path) -> None:
    first = stage.set_up(tmp_path / "run", fresh=False)
    (first.folder / "mainstay.db").write_text("old")
    assert stage.set_up(first.folder, fresh=False).reused
    assert not stage.set_up(first.folder, fresh=True).reused
    assert not (first.folder / "mainstay.db").exists()


def test_a_broken_estate_is_told_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "ESTATE", Path("tests/corpus/bad_estates/25-dangling/estate"))
    with pytest.raises(Invalid, match=r"more\.yaml:\d+:\d+: E\d+"):
        stage.set_up(tmp_path / "run", fresh=False)
    assert not (tmp_path / "run").exists()


def test_a_phone_takes_no_page_that_mainstay_did_not_sign(tmp_path: Path) -> None:
    phones = Phones(0, secret="right", journal=tmp_path / "pages.jsonl", now=lambda: NOW)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", phones.port, timeout=10)
        connection.request("POST", "/ana", b"{}", {"Mainstay-Signature": "t=1,v1=00"})
        assert connection.getresponse().status == 401
        connection.close()
    finally:
        phones.close()
    assert phones.heard() == []
    assert not (tmp_path / "pages.jsonl").exists()


def test_production_tries_again_until_somebody_takes_its_alert(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[str] = []
    up = False

    def post(self: Wire, path: str, body: object) -> dict[str, Any]:
        if not up:
            raise Unreachable("nobody there")
        taken.append(path)
        return {}

    monkeypatch.setattr(Wire, "post", post)
    said: list[str] = []
    keys = dict.fromkeys(("prometheus", "pagerduty-agents", "mainframe"), "k" * 32)
    production = Production(1, keys, say=said.append, now=NOW)
    for second in range(5):
        production.step(NOW + timedelta(seconds=second))
    assert taken == []
    assert [words for words in said if "cannot reach Mainstay" in words] == [
        "cannot reach Mainstay, and will try until it can"
    ]
    up = True
    production.step(NOW + timedelta(seconds=6))
    assert taken == ["/v2/change/enqueue", "/api/v2/alerts"]


def test_the_jobs_of_a_night_ping_in_time_and_again_when_nobody_took_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pings: list[tuple[str, str, str]] = []
    up, now = True, datetime(2026, 11, 23, 22, 0, tzinfo=ZoneInfo("Europe/Zurich"))

    def ping(self: Wire, path: str, words: str = "") -> None:
        if not up:
            raise Unreachable("nobody there")
        pings.append((f"{now:%d %H:%M}", path, words))

    monkeypatch.setattr(Wire, "ping", ping)
    at = "/ping/key/pay-db-backup"
    jobs = Jobs(1, "key", now=now)
    assert jobs.step(now) == "pay-db-backup ran, 812 MB (the job itself pings)"
    while now < datetime(2026, 11, 24, 2, 0, tzinfo=now.tzinfo):
        up = not (now.hour == 1 and now.minute < 20)
        jobs.step(now.astimezone(UTC))
        now += timedelta(seconds=30)
    assert pings == [
        ("23 22:00", at, "size=812000000\n"),
        ("24 01:20", f"{at}/start", ""),
        ("24 01:20", at, "size=813400000\n"),
    ]


def test_every_heartbeat_of_the_estate_has_its_job() -> None:
    declared = estate.read(Path("examples/alpenpay"))
    beats = {name: one.schedule for name, one in declared.checks.items() if one.heartbeat}
    assert beats == {BACKUP.name: BACKUP.cron}
    assert declared.org.timezone == str(HOME)


def test_production_heals_by_itself_and_the_next_act_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Wire, "post", lambda self, path, body: {})
    said: list[str] = []
    production = Production(1, dict.fromkeys(faults.TELLERS, "k"), say=said.append, now=NOW)
    for second in range(600):
        production.step(NOW + timedelta(seconds=second))
    for fault in (faults.LAG, faults.FILE_LATE, faults.SCORING):
        assert any(fault.summary in words for words in said), fault
        assert any(fault.over in words for words in said), fault
