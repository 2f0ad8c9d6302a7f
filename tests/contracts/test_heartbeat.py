"""Does the outside heartbeat stop when any one of four is dead, and come back when it is not?

Watchdog, worker (a loop), intake, database: each is killed or stopped in a real server, alone.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cli_serving import Install
from watching import ALARM_WITHIN_S, Watched, fresh_install, watched

from clusters import Cluster
from peers import wait_until

SABOTAGE = """
import os, sys, threading, asyncio
from dataclasses import replace
from pathlib import Path
from mainstay import keeper, loops, pulse, running as program, upkeep
from mainstay.api.health import ready
from mainstay.api.doors import Intake

here = Path(sys.argv.pop(1))
pulse.STILL_S, ready.WITHIN_S, keeper.STEP_S = 1.0, 0.5, 6.5
seal, submit = upkeep.seal, Intake._submit

def stuck_seal(app, now):
    "A worker that hangs for as long as there is a file `worker`."
    while (here / "worker").exists():
        threading.Event().wait(0.05)
    return seal(app, now)

async def later(self, batch):
    while (here / "intake").exists():
        await asyncio.sleep(0.05)
    return await submit(self, batch)

def stuck_submit(self, batch):
    "An intake that stores nothing for as long as there is a file `intake`."
    if not (here / "intake").exists():
        return submit(self, batch)
    return asyncio.ensure_future(later(self, batch))

loops.LOOPS = tuple(replace(one, step=stuck_seal) if one.name == "seal" else one for one in loops.LOOPS)
Intake._submit = stuck_submit
program.main()
"""
"""A server that can be hurt in one place while it runs; everything else of it is real."""


@pytest.fixture
def floor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watched]:
    install = hurtable(fresh_install(tmp_path, capsys, monkeypatch), monkeypatch)
    with watched(install) as made:
        made.start()
        yield made


def hurtable(install: Install, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Its server is the one above."""
    program = install.folder / "hurt.py"
    program.write_text(SABOTAGE)
    command = [sys.executable, str(program), str(install.folder)]

    def hurt(*arguments: str) -> list[str]:
        return [*command, *arguments, "--data", str(install.data)]

    monkeypatch.setattr(install, "command", hurt)
    return install


def stops(floor: Watched, signs: int = 3) -> None:
    """The alarm has been told, so the last ping was before it: none comes any more."""
    before = len(floor.beats.hits)
    floor.next_signs(signs)
    assert len(floor.beats.hits) == before, "the heartbeat goes on"


def comes_back(floor: Watched) -> None:
    before = len(floor.beats.hits)
    wait_until(
        lambda: len(floor.beats.hits) > before, within_s=ALARM_WITHIN_S, what="the heartbeat"
    )


def test_it_stops_while_a_worker_hangs(floor: Watched) -> None:
    mark = floor.install.folder / "worker"
    mark.touch()
    floor.alarm("The loop seal has not stepped")
    stops(floor)
    mark.unlink()
    comes_back(floor)
    floor.alarm("The loop seal", event="recovery")


def test_it_stops_while_the_intake_stores_nothing(floor: Watched) -> None:
    mark = floor.install.folder / "intake"
    mark.touch()
    floor.alarm("No signal could be stored")
    stops(floor)
    mark.unlink()
    comes_back(floor)


def test_it_stops_while_the_database_cannot_be_written(floor: Watched) -> None:
    database = sqlite3.connect(floor.install.data / "mainstay.db", isolation_level=None, timeout=20)
    with closing(database) as other:
        other.execute("BEGIN IMMEDIATE")
        floor.alarm("No signal could be stored")
        stops(floor)
        other.execute("ROLLBACK")
    comes_back(floor)


def test_it_stops_while_postgresql_does_not_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install = hurtable(fresh_install(tmp_path, capsys, monkeypatch), monkeypatch)
    with Cluster.made() as server, watched(install, url=server.create("watched")) as floor:
        floor.start()
        server.pause()
        floor.alarm("No signal could be stored")
        floor.alarm("The watchdog cannot read the database")
        stops(floor, signs=2)
        server.resume()
        comes_back(floor)


def test_it_stops_with_the_watchdog_and_a_silent_watchdog_is_replaced(floor: Watched) -> None:
    pid = floor.sign().pid
    os.kill(pid, signal.SIGSTOP)
    before = len(floor.beats.hits)
    at = floor.sign().at
    wait_until(lambda: floor.sign().pid != pid, within_s=60, what="another watchdog")
    assert floor.sign().at > at
    assert len(floor.beats.hits) - before <= 2, "a stopped watchdog pings nobody"
    comes_back(floor)


def test_it_stops_with_the_whole_server(floor: Watched) -> None:
    process = floor.install.process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    floor.alarm("Mainstay's own server does not work")
    stops(floor, signs=1)
    process.send_signal(signal.SIGCONT)
    comes_back(floor)
