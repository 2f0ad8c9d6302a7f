"""The power fails under eight writers: what heard 2xx was on the disk, not on its way there.

kill -9 does not find a missing fsync, because the kernel finishes what a dead process has written.
Here only what was synced is left. The mutant `synchronous=NORMAL` must lose something, or this
proof proves nothing.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from pathlib import Path

import pytest
from clients import WRITERS, Ledger, clients
from disk import Disk
from install import SERVE, UP_WITHIN_S, Install
from verdict import Verdict, judge

from fakes.world import World
from peers import wait_until

ROUNDS = int(os.environ.get("MAINSTAY_PROOF_ROUNDS", "4")) // 2
MUTANT = """
import sqlite3, sys
from mainstay import running as program
from mainstay.foundation.db import sqlite

plain = sqlite._connect

def connect(path, **rest):
    connection = plain(path, **rest)
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection

sqlite._connect = connect
program.main()
"""


@pytest.mark.timeout(120 + 20 * ROUNDS)
def test_what_was_acknowledged_survives_every_loss_of_power(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = power_losses(tmp_path, rounds=ROUNDS)
    with capsys.disabled():
        print(f"\n{ROUNDS} × power loss under {WRITERS} writers: {found}")
    assert found.acknowledged > 10 * ROUNDS
    found.hold()


@pytest.mark.timeout(120)
def test_a_database_that_does_not_wait_for_the_disk_is_found_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mutant = tmp_path / "mutant.py"
    mutant.write_text(MUTANT)
    found = power_losses(tmp_path, rounds=1, command=(sys.executable, str(mutant), "serve"))
    with capsys.disabled():
        print(f"\nsynchronous=NORMAL: {len(found.lost)} of {found.acknowledged} lost")
    assert found.lost


def power_losses(folder: Path, *, rounds: int, command: tuple[str, ...] = SERVE) -> Verdict:
    """Post, lose power, start again; then drain and judge."""
    dice = random.Random(11)
    kills: list[float] = []
    ledger = Ledger(folder / "ledger")
    with World() as world:
        hook = world.provider("webhook")
        install = Install.make(folder, hook)
        disk = Disk.under(install.data)
        install.environment |= disk.environment
        with clients(install, ledger):
            for _ in range(rounds):
                with install.server(command) as server:
                    before = len(ledger.acknowledged)
                    wait_until(
                        lambda before=before: len(ledger.acknowledged) > before + WRITERS,
                        within_s=UP_WITHIN_S, what="acknowledged alerts",
                    )  # fmt: skip
                    threading.Event().wait(dice.uniform(0.05, 0.8))
                    server.kill()
                    kills.append(time.monotonic())
                disk.lose_power()
        install.drain()
        found = judge(install, ledger, hook.hits, kills=kills)
    ledger.close()
    return found
