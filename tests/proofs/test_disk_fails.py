"""fsync fails, or the disk is full, at the n-th call: nothing is acknowledged that is not saved.

What is refused is refused in the protocol's words, reading goes on, and when the disk works again
so do we, without a restart. At the end the power fails, and what heard 2xx is on the disk. An
fsync that failed has forgotten what it did not save, as on Linux: trying again would be a lie.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clients import Ledger, alert
from disk import Disk
from install import Install
from verdict import judge

from fakes.world import World
from peers import wait_until

FULL = "MAINSTAY_PROOF_ROUNDS" in os.environ
CALLS = range(1, 201) if FULL else (1, 2, 3, 5, 9, 14, 30)
REFUSALS = (503, 507)
AGAIN_WITHIN_S = 20.0


class Sender:
    """Posts one alert after the other and keeps the ledger."""

    def __init__(self, install: Install, ledger: Ledger) -> None:
        self.install, self.ledger = install, ledger
        self.number = 0
        self.refused: list[str] = []

    def post(self) -> int:
        """The status of one alert more."""
        name = f"n{self.number}"
        self.number += 1
        status, body = self.install.call(
            "POST", "/api/v2/alerts", alert(name, self.number), secret=self.install.key
        )
        if status == 200:
            self.ledger.took(name)
        else:
            assert status in REFUSALS, (status, body)
            assert b"code" in body, body
            self.refused.append(name)
        return status

    def until(self, fault: Callable[[], bool]) -> None:
        """Post until the fault has happened."""
        deadline = time.monotonic() + 60
        while not fault():
            self.post()
            assert time.monotonic() < deadline, "the fault never came"

    def reads(self) -> bool:
        """Whether people can see how things stand."""
        install = self.install
        paths = ("/mainstay/v1/incidents", "/mainstay/v1/alerts")
        return all(install.call("GET", path, secret=install.token)[0] == 200 for path in paths)


@contextmanager
def _bench(folder: Path) -> Iterator[tuple[Install, Disk, Sender]]:
    """A server on a disk that fails when told to; at the end the power fails too, and we judge."""
    ledger = Ledger(folder / "ledger")
    with World() as world:
        hook = world.provider("webhook")
        install = Install.make(folder, hook)
        disk = Disk.under(install.data)
        install.environment |= disk.environment
        with install.server():
            yield install, disk, Sender(install, ledger)
        kills = [time.monotonic()]
        disk.lose_power()
        install.drain()
        found = judge(install, ledger, hook.hits, kills=kills)
    ledger.close()
    assert not found.lost, found
    assert not found.never_attempted, found
    assert not found.unpaged, found
    assert not found.doubled, found


@pytest.mark.timeout(900)
def test_a_sync_that_fails_acknowledges_nothing_and_the_next_one_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with _bench(tmp_path) as (_install, disk, sender):
        for n in CALLS:
            before = disk["failed_syncs"]
            disk["fail_sync_in"] = n
            sender.until(lambda before=before: disk["failed_syncs"] > before)
            assert sender.reads()
            wait_until(
                lambda: sender.post() == 200, within_s=AGAIN_WITHIN_S, what=f"work again after {n}"
            )
        with capsys.disabled():
            print(
                f"\nfsync fails at the n-th call, n in {CALLS}: {sender.number:,} alerts sent, "
                f"{len(sender.ledger.acknowledged):,} acknowledged, {len(sender.refused):,} refused"
            )


@pytest.mark.timeout(900)
def test_a_disk_that_is_full_refuses_and_works_again_when_there_is_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with _bench(tmp_path) as (_install, disk, sender):
        for n in CALLS:
            refused = len(sender.refused)
            disk["full_in"] = n
            sender.until(lambda refused=refused: len(sender.refused) > refused)
            assert sender.reads()
            assert sender.post() in REFUSALS
            disk["full"] = 0
            wait_until(
                lambda: sender.post() == 200, within_s=AGAIN_WITHIN_S, what=f"work again after {n}"
            )
        with capsys.disabled():
            print(
                f"\ndisk full from the n-th write, n in {CALLS}: {sender.number:,} alerts sent, "
                f"{len(sender.ledger.acknowledged):,} acknowledged, {len(sender.refused):,} refused"
            )


def test_killed_right_after_a_failed_sync_what_comes_later_is_on_the_disk(tmp_path: Path) -> None:
    """The next process finds in the log what never reached the disk, and must not build on it."""
    with _bench(tmp_path) as (install, disk, sender):
        sender.until(lambda: len(sender.ledger.acknowledged) >= 5)
        disk["syncs_fail"] = 1
        sender.until(lambda: len(sender.refused) >= 3)
        install.starts[-1].kill()
        disk["syncs_fail"] = 0
        with install.server():
            sender.until(lambda: len(sender.ledger.acknowledged) >= 15)


@pytest.mark.timeout(300)
def test_a_start_on_a_disk_that_fails_says_so_in_one_sentence(tmp_path: Path) -> None:
    starts = range(1, 41) if FULL else (2,)
    with World() as world:
        install = Install.make(tmp_path, world.provider("webhook"))
        disk = Disk.under(install.data)
        install.environment |= disk.environment
        with install.server():
            pass  # leaves a log behind
        for n in starts:
            disk["fail_sync_in"] = n
            if not _starts(install):
                words = install.last_words()
                assert "Traceback" not in words
                assert "disk I/O error" in words or "Input/output error" in words
            if disk["fail_sync_in"] > 0:
                break  # a whole start syncs less often than that
        disk["fail_sync_in"] = 0
        assert _starts(install)


def _starts(install: Install) -> bool:
    """Whether it answers; False when it ends by itself."""
    (install.folder / "server.log").write_text("")
    with install.server(wait=False) as server:
        return wait_until(
            lambda: "ended" if server.process.poll() is not None else _lives(install),
            within_s=30, what="a server, or its end",
        ) == "lives"  # fmt: skip


def _lives(install: Install) -> str:
    return "lives" if install.call("GET", "/livez")[0] == 200 else ""
