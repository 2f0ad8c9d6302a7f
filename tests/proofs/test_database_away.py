"""PostgreSQL stops answering, dies, or fails over, under eight writers (P1, P4).

The server process stays up all the while: it refuses what it cannot keep, and goes on by itself when
there is a database again. Between the two is a wire, as a proxy or a virtual address is, which leads
to the new primary after a fail-over. An asynchronous standby must lose something, or the proof of
the synchronous one proves nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from clients import WRITERS, Ledger, alert, clients
from install import Install
from verdict import Verdict, judge

from clusters import PASSWORD, ROLE, Cluster
from fakes.wire import Wire
from fakes.world import Provider, World
from peers import wait_until

FULL = "MAINSTAY_PROOF_ROUNDS" in os.environ
KILLS = 50 if FULL else 2
FAIL_OVERS = 20 if FULL else 1
PAUSE_S = 60 if FULL else 4
BACK_WITHIN_S = 60.0
REFUSED_WITHIN_S = 30.0
Say = Callable[[str], None]


@dataclass
class Standing:
    """A server on PostgreSQL behind a wire, its clients, and what they know."""

    install: Install
    ledger: Ledger
    wire: Wire
    cluster: Cluster
    events: list[float] = field(default_factory=list)
    """When the database went and came: what was under way then may come twice."""
    backs_s: list[float] = field(default_factory=list)
    """From the database's return to the next acknowledged alert."""

    def work(self, more: int = 3 * WRITERS) -> None:
        """Until so many more alerts are acknowledged."""
        before = len(self.ledger.acknowledged)
        wait_until(
            lambda: len(self.ledger.acknowledged) >= before + more,
            within_s=BACK_WITHIN_S, what=f"{more} alerts acknowledged: {self.ledger.statuses}",
        )  # fmt: skip

    def gone(self) -> None:
        """The database is away from now on."""
        self.events.append(time.monotonic())

    def back(self) -> None:
        """The database is there again: so are we."""
        self.events.append(time.monotonic())
        self.work(1)
        self.backs_s.append(time.monotonic() - self.events[-1])
        self.work()

    def lead_to(self, cluster: Cluster) -> None:
        """From now on `cluster` is the database."""
        self.cluster, self.wire.target = cluster, ("127.0.0.1", cluster.port)
        self.install.database = cluster.url("mainstay", user=ROLE)
        self.wire.cut()


def away(folder: Path, story: Callable[[Standing], None]) -> tuple[Verdict, Standing]:
    """The story under load, then drained and judged."""
    with World() as world:
        hook = world.provider("webhook")
        with _standing(folder, hook) as standing:
            with clients(standing.install, standing.ledger):
                standing.work()
                story(standing)
            wait_until(standing.install.is_drained, within_s=90, what="an empty desk")
            kills = standing.events
            return judge(standing.install, standing.ledger, hook.hits, kills=kills), standing


@contextmanager
def _standing(folder: Path, hook: Provider) -> Iterator[Standing]:
    cluster = Cluster.made()
    cluster.create("mainstay")
    install = Install.make(folder, hook, database=cluster.url("mainstay", user=ROLE))
    ledger = Ledger(folder / "ledger")
    with Wire(("127.0.0.1", cluster.port)) as wire:
        standing = Standing(install, ledger, wire, cluster)
        install.environment |= {
            "MAINSTAY_DATABASE": f"postgresql://{ROLE}@{wire.at}/mainstay",
            "MAINSTAY_DATABASE_PASSWORD": "env:DATABASE_WORD", "DATABASE_WORD": PASSWORD,
        }  # fmt: skip
        try:
            with install.server():
                yield standing
        finally:
            standing.cluster.end()
            ledger.close()


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Print past the capture."""

    def print_it(words: str) -> None:
        with capsys.disabled():
            print(f"\n{words}")

    return print_it


@pytest.mark.timeout(400)
def test_a_database_that_stands_still_is_waited_for_and_what_is_sent_meanwhile_is_refused(
    tmp_path: Path, say: Say
) -> None:
    def story(standing: Standing) -> None:
        install = standing.install
        standing.gone()
        standing.cluster.pause()
        try:
            began = time.monotonic()
            status, _ = install.call(
                "POST", "/api/v2/alerts", alert("still", 1), secret=install.key,
                timeout_s=REFUSED_WITHIN_S,
            )  # fmt: skip
            assert status == 503
            refused_s = time.monotonic() - began
            again = time.monotonic()
            assert (
                install.call("POST", "/api/v2/alerts", alert("still", 1), secret=install.key)[0]
                == 503
            )
            again_s = time.monotonic() - again
            wait_until(lambda: time.monotonic() - began > PAUSE_S, within_s=90, what="the pause")
        finally:
            standing.cluster.resume()
        standing.back()
        say(
            f"PostgreSQL stopped for {PAUSE_S} s: first refusal after {refused_s:.1f} s, the next "
            f"after {again_s:.1f} s"
        )

    found, standing = away(tmp_path, story)
    say(f"{found}; acknowledged again {standing.backs_s[0]:.1f} s after its return")
    found.hold()


@pytest.mark.timeout(120 + 20 * KILLS)
def test_a_database_that_is_killed_loses_nothing_that_was_acknowledged(
    tmp_path: Path, say: Say
) -> None:
    def story(standing: Standing) -> None:
        for _ in range(KILLS):
            standing.gone()
            standing.cluster.kill9()
            standing.cluster.start()
            standing.back()

    found, standing = away(tmp_path, story)
    say(
        f"{KILLS} × kill -9 of PostgreSQL: {found}; acknowledged again after at most "
        f"{max(standing.backs_s):.1f} s"
    )
    found.hold()


@pytest.mark.timeout(120 + 30 * FAIL_OVERS)
def test_a_fail_over_to_a_synchronous_standby_loses_nothing(tmp_path: Path, say: Say) -> None:
    def story(standing: Standing) -> None:
        for _ in range(FAIL_OVERS):
            _fail_over(standing, synchronous=True)

    found, standing = away(tmp_path, story)
    say(
        f"{FAIL_OVERS} × fail-over to a synchronous standby: {found}; acknowledged again after at "
        f"most {max(standing.backs_s):.1f} s"
    )
    found.hold()


@pytest.mark.timeout(240)
def test_a_fail_over_to_an_asynchronous_standby_is_found_out(tmp_path: Path, say: Say) -> None:
    found, _ = away(tmp_path, lambda standing: _fail_over(standing, synchronous=False))
    say(f"asynchronous standby: {len(found.lost)} of {found.acknowledged} lost")
    assert found.lost


def _fail_over(standing: Standing, *, synchronous: bool) -> None:
    """The primary dies; its standby, which may have lagged a little, becomes the primary."""
    primary = standing.cluster
    standby = primary.standby(synchronous=synchronous)
    standing.work()
    if not synchronous:
        standby.pause()
        standing.work()
    standing.gone()
    primary.kill9()
    if not synchronous:
        standby.resume()
    standby.promote()
    standing.lead_to(standby)
    primary.end()
    standing.back()
