"""Two nodes on one PostgreSQL: killed, paused and cut off, does anything get lost, or done twice?

`MAINSTAY_PROOF_ROUNDS` runs the full count: a node is paused for 40 s, with the lease that ships.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pair import Pair
from trial import Fault, Found, killed, paused, trial

from databases import server
from fakes.world import World

FULL = "MAINSTAY_PROOF_ROUNDS" in os.environ
ROUNDS = max(1, int(os.environ.get("MAINSTAY_PROOF_ROUNDS", "1")) // 4)
LEASE_S = 10.0 if FULL else 2.0
PAUSED_S = 40.0 if FULL else 8.0
"""Longer than the lease, and than a database waits for a transaction that says nothing."""


def test_the_settling_node_killed_with_9(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, "killed", killed, say=capsys)


def test_the_settling_node_paused_beyond_its_lease_and_woken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, "paused", paused(PAUSED_S), say=capsys)


def run(folder: Path, name: str, fault: Fault, *, say: pytest.CaptureFixture[str]) -> Found:
    """One trial, printed and judged."""
    with World() as world:
        hook = world.provider("webhook")
        pair = Pair.make(folder, server(), f"pair_{name}", hook, lease_s=LEASE_S)
        found = trial(folder, pair, hook, fault, rounds=ROUNDS)
    with say.disabled():
        print(f"\n{ROUNDS} × the settling node {name}, lease {LEASE_S:.0f} s: {found}")
    found.hold()
    if FULL:
        found.in_time()
    return found
