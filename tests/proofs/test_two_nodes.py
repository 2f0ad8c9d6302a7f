"""Two nodes on one PostgreSQL: killed, paused and cut off, does anything get lost, or done twice?

Each fault hits the node that settles, while it sends pages too and eight writers go on at both.
`MAINSTAY_PROOF_ROUNDS=40` runs ten rounds of each, with the lease that ships, and pauses of 40 s.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from pair import Pair
from trial import Fault, cut_off, killed, paused, trial

from clusters import SUPERUSER, Cluster
from databases import server
from fakes.cut import Cut, Namespace, Wire, shore
from fakes.world import Provider, World

FULL = "MAINSTAY_PROOF_ROUNDS" in os.environ
ROUNDS = max(1, int(os.environ.get("MAINSTAY_PROOF_ROUNDS", "4")) // 4)
LEASE_S = 10.0 if FULL else 2.0
BREATH_S = 3.0 if FULL else 0.2
"""How long a writer waits after a yes, so that there is a fresh service for each alert."""
DEATHS = (("killed",), ("paused",)) if FULL else (("killed", "paused"),)
CUTS = ("from everything", "from its database alone") if FULL else ("from everything",)
AWAY_S = 40.0 if FULL else 8.0
"""Longer than the lease, and than the database waits for a transaction that says nothing."""


@pytest.mark.timeout(300 + 180 * ROUNDS)
@pytest.mark.parametrize("kinds", DEATHS, ids=" and ".join)
def test_the_settling_node_killed_and_paused_beyond_its_lease(
    kinds: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ways: dict[str, Fault] = {"killed": killed, "paused": paused(AWAY_S)}
    with World() as world:
        hook = world.provider("webhook")
        pair = Pair.make(tmp_path, server(), "_".join(kinds), hook, lease_s=LEASE_S)
        faults = [ways[kind] for kind in kinds] * ROUNDS
        run(tmp_path, pair, hook, faults, f"{ROUNDS} × {' and '.join(kinds)}", say=capsys)


@pytest.mark.timeout(300 + 180 * ROUNDS)
@pytest.mark.parametrize("cut", CUTS)
def test_the_settling_node_cut_off(
    cut: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its network is a namespace whose link goes down; where there is none, its database is."""
    because = Namespace.why_not() or ""
    if cut == "from everything" and not because:
        cut_from_everything(tmp_path, capsys)
    else:
        cut_from_the_database(tmp_path, capsys, because=because)


def cut_from_everything(folder: Path, say: pytest.CaptureFixture[str]) -> None:
    """From the database, from people and from those who send."""
    with ExitStack() as running:
        here = running.enter_context(shore())
        spaces = [running.enter_context(Namespace.made(number)) for number in (0, 1)]
        cluster = running.enter_context(_open_to_all(here))
        hook = running.enter_context(World()).provider("webhook", host=here)
        pair = Pair.make(folder, cluster, "cut", hook, lease_s=LEASE_S)
        for node, space in zip(pair.nodes, spaces, strict=True):
            node.enter, node.host = space.enter, space.inside
            node.environment = node.environment | {
                "MAINSTAY_DATABASE": f"postgresql://{SUPERUSER}@{here}:{cluster.port}/cut",
                "MAINSTAY_BEHIND_PROXY": space.host,
            }
        cuts: list[list[Cut]] = [[space] for space in spaces]
        faults = [cut_off(cuts, AWAY_S)] * ROUNDS
        run(folder, pair, hook, faults, f"{ROUNDS} × cut off from everything", say=say)


def cut_from_the_database(folder: Path, say: pytest.CaptureFixture[str], *, because: str) -> None:
    """It still reaches people, and senders reach it."""
    with ExitStack() as running:
        cluster = running.enter_context(_open_to_all("127.0.0.1"))
        wires = [running.enter_context(Wire("127.0.0.1", cluster.port)) for _ in range(2)]
        hook = running.enter_context(World()).provider("webhook")
        pair = Pair.make(folder, cluster, "cut", hook, lease_s=LEASE_S)
        for node, wire in zip(pair.nodes, wires, strict=True):
            url = f"postgresql://{SUPERUSER}@127.0.0.1:{wire.port}/cut"
            node.environment = node.environment | {"MAINSTAY_DATABASE": url}
        cuts: list[list[Cut]] = [[wire] for wire in wires]
        what = f"{ROUNDS} × cut off from the database" + (f" ({because})" if because else "")
        faults = [cut_off(cuts, AWAY_S)] * ROUNDS
        run(folder, pair, hook, faults, what, say=say)


@contextmanager
def _open_to_all(address: str) -> Iterator[Cluster]:
    """A server that asks nobody who reaches it for a password."""
    with Cluster.made(listen_addresses=f"127.0.0.1,{address}") as cluster:
        (cluster.data / "pg_hba.conf").write_text(
            "local all all trust\nhost all all 0.0.0.0/0 trust\n"
        )
        cluster.run("SELECT pg_reload_conf()")
        yield cluster


def run(
    folder: Path, pair: Pair, hook: Provider, faults: list[Fault], what: str,
    *, say: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """One trial, printed and judged; pages are in time too, in the full count."""
    found = trial(folder, pair, hook, faults, breath_s=BREATH_S)
    with say.disabled():
        print(f"\n{what} (away for {AWAY_S:.0f} s), lease {LEASE_S:.0f} s: {found}")
    found.hold()
    if FULL:
        found.in_time()
