"""Killed with -9 again and again under eight writers: what heard 2xx is there, and is paged for.

At random, and at every fail-point: `MAINSTAY_PROOF_ROUNDS=200` runs the full count. The last test
breaks the server on purpose: a proof that cannot fail proves nothing.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clients import WRITERS, Ledger, clients
from install import SERVE, UP_WITHIN_S, Install, Server
from lateness import lateness
from verdict import Verdict, judge, told

from clusters import Cluster
from databases import CHOSEN
from fakes.world import World
from mainstay.foundation.failpoint import Moment
from peers import wait_until

ROUNDS = int(os.environ.get("MAINSTAY_PROOF_ROUNDS", "3"))
FULL = "MAINSTAY_PROOF_ROUNDS" in os.environ
BY_HTTP = (Moment.ACCEPT_READ, Moment.ACCEPT_COMMITTED, Moment.SEND_CONNECTED, Moment.ACT_COMMITTED)
"""What only a real server passes; tests/properties kills at all the others, in-process."""
DIES_WITHIN_S = 60.0
DRAINED_WITHIN_S = 90.0 + 3 * ROUNDS
"""Each life leaves more behind than it settles: the writers are many, and it is short."""
EARLY_ANSWER = """
import asyncio, sys
from mainstay import running as program
from mainstay.api.doors import Intake

durable = Intake.keep

async def keep(self, arrived):
    "Answers before the commit: the lie that the proof must find."
    async def later():
        await asyncio.sleep(0.1)
        await durable(self, arrived)
    self.__dict__.setdefault("later", set()).add(asyncio.create_task(later()))

Intake.keep = keep
program.main()
"""


@pytest.mark.both
@pytest.mark.timeout(120 + 25 * ROUNDS)
def test_killed_again_and_again_nothing_acknowledged_is_lost_and_every_page_is_attempted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = kill_loop(tmp_path, deaths=[None] * ROUNDS, say=capsys)
    assert found.acknowledged > 10 * ROUNDS
    found.hold()


@(pytest.mark.both if FULL else pytest.mark.timeout(600))
@pytest.mark.timeout(600)
def test_killed_at_every_fail_point_nothing_is_lost_either(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = kill_loop(tmp_path, deaths=list(Moment if FULL else BY_HTTP), say=capsys)
    found.hold()


def test_a_server_that_answers_before_it_has_committed_is_found_out(tmp_path: Path) -> None:
    liar = tmp_path / "liar.py"
    liar.write_text(EARLY_ANSWER)
    found = kill_loop(tmp_path, deaths=[None] * 2, command=(sys.executable, str(liar), "serve"))
    assert found.lost, str(found)


# -- the loop --------------------------------------------------------------------------------------


def kill_loop(
    folder: Path, *, deaths: list[Moment | None], command: tuple[str, ...] = SERVE,
    say: pytest.CaptureFixture[str] | None = None,
) -> Verdict:  # fmt: skip
    """Post, die, start again, once for each death (None: at random); then drain and judge."""
    dice = random.Random(7)  # the kills fall where they fall, every run alike
    kills: list[float] = []
    ledger = Ledger(folder / "ledger")
    with World() as world, _database() as database:
        hook = world.provider("webhook")
        install = Install.make(folder, hook, database=database)
        with clients(install, ledger):
            for death in deaths:
                order = {"MAINSTAY_FAILPOINT": f"{death}:kill"} if death else {}
                with install.server(command, environment=order, wait=death is None) as server:
                    if death is None:
                        _live_a_while(ledger, dice.uniform(0.05, 0.8))
                        server.kill()
                    else:
                        _await_death(server, death)
                    kills.append(time.monotonic())
        with install.server():
            wait_until(install.is_drained, within_s=DRAINED_WITHIN_S, what="an empty desk")
            _let_it_tell(install, hook)
        # What a dead process sent may be read by the receiver a little after its death.
        deaths_and_births = sorted([*kills, *install.born])
        found = judge(install, ledger, hook.hits, kills=deaths_and_births)
        if say is not None:
            kind = "kill -9" if deaths[0] is None else "kill at a fail-point"
            late = lateness(install, hook.hits)
            with say.disabled():
                print(f"\n{CHOSEN.engine}: {len(deaths)} × {kind} under {WRITERS} writers: {found}")
                print(late)
    ledger.close()
    return found


@contextmanager
def _database() -> Iterator[str | None]:
    """For many rounds a server that clears up after itself, as in production; else the tests' own."""
    if CHOSEN.engine == "sqlite" or not FULL:
        yield None
        return
    with Cluster.made(autovacuum="on", autovacuum_naptime="5s") as cluster:
        yield cluster.create("killed")


def _live_a_while(ledger: Ledger, more_s: float) -> None:
    before = len(ledger.acknowledged)
    wait_until(
        lambda: len(ledger.acknowledged) > before + WRITERS,
        within_s=UP_WITHIN_S, what="acknowledged alerts",
    )  # fmt: skip
    threading.Event().wait(more_s)


def _await_death(server: Server, at: Moment) -> None:
    """The process passes the moment by itself, and is gone."""
    gone = wait_until(
        lambda: server.process.poll() is not None, within_s=DIES_WITHIN_S, what=f"to pass {at}"
    )
    assert gone
    assert server.process.returncode == -9, f"at {at}: {server.process.returncode}"


def _let_it_tell(install: Install, hook: object) -> None:
    """As long as the webhook is told more, it may still be told all."""
    stored = {id for (id,) in install.rows("SELECT id FROM alerts_alert WHERE closed_at IS NULL")}
    try:
        wait_until(lambda: stored <= told(hook.hits), within_s=10, what="every alert told")  # type: ignore[attr-defined]
    except AssertionError:
        return  # the verdict says which
