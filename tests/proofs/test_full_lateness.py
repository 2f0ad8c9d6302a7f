"""How late pages are at the worst (P2), on a machine that has nothing else to do. Under four minutes.

    MAINSTAY_PROOF_ROUNDS=1 .venv/bin/pytest tests/proofs/test_full_lateness.py

Due → arrived at the receiver: p99 within 5 s while all is well, within 15 s of a restart, within 30 s
where a node or the database failed over. Each line is printed before it is judged.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from clients import Ledger, clients
from install import DRAINED_WITHIN_S, Install
from lateness import FAILED_OVER_S, check, lateness
from pair import Pair
from standing import Standing, away, fail_over
from trial import killed, trial

from clusters import Cluster
from databases import CHOSEN
from fakes.world import World
from peers import wait_until

STEADY_S = 25.0
RESTARTS = 5
DOWN_S = 3.0
"""Longer than a step: pages come due while nobody is there."""
NODES_KILLED = 3
FAIL_OVERS = 3
PAUSE_S = 0.4
"""After each yes, of each of eight writers: a load, not a storm."""
Say = Callable[[str], None]


@pytest.mark.both
@pytest.mark.timeout(300)
def test_pages_come_in_time_while_all_is_well_and_after_a_restart(tmp_path: Path, say: Say) -> None:
    dice, ledger = random.Random(7), Ledger(tmp_path / "ledger")
    with World() as world:
        hook = world.provider("webhook")
        install = Install.make(tmp_path, hook)
        with clients(install, ledger, pause_s=PAUSE_S):
            for _ in range(RESTARTS):
                with install.server():
                    _passes(STEADY_S / RESTARTS + dice.uniform(0, 1))
                _passes(DOWN_S)
            with install.server():
                _passes(STEADY_S / RESTARTS)
        with install.server():
            wait_until(install.is_drained, within_s=DRAINED_WITHIN_S, what="an empty desk")
        found = lateness(install, hook.hits)
    ledger.close()
    say(f"{CHOSEN.engine}, {RESTARTS} × kill -9: {found}")
    assert found.restarted, "no page came due while the server was down"
    check(found)


@pytest.mark.timeout(300)
def test_pages_come_in_time_when_a_node_fails_over(tmp_path: Path, say: Say) -> None:
    with World() as world, Cluster.made() as cluster:
        hook = world.provider("webhook")
        pair = Pair.make(tmp_path, cluster, "late", hook, lease_s=10)
        found = trial(tmp_path, pair, hook, [killed] * NODES_KILLED, breath_s=1)
    say(f"two nodes, {NODES_KILLED} × kill -9 of the one that settles: {found}")
    found.hold()
    found.in_time()


@pytest.mark.timeout(300)
def test_pages_come_in_time_when_the_database_fails_over(tmp_path: Path, say: Say) -> None:
    def story(standing: Standing) -> None:
        for _ in range(FAIL_OVERS):
            fail_over(standing, synchronous=True)

    found, standing = away(tmp_path, story, pause_s=PAUSE_S)
    late = standing.late
    assert late is not None
    say(f"{FAIL_OVERS} × fail-over of the database: {found}; {late}")
    found.hold()
    check(late)
    assert late.failed_over, "no page was due while the database was away"
    assert max(late.failed_over) <= FAILED_OVER_S, late


def _passes(span_s: float) -> None:
    until = time.monotonic() + span_s
    wait_until(lambda: time.monotonic() > until, within_s=span_s + 30, what="time")
