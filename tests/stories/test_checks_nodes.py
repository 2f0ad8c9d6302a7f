"""Several nodes look at the same checks: is each look one node's, and what if that node is lost?

`second` is another start of the program on the story's database and clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from small_world import ESTATE, World

from mainstay import checks, signals
from mainstay.checks import Ask, Measured, State
from mainstay.estate import Views
from mainstay.foundation.db import Tx
from mainstay.runtime import Runtime
from mainstay.watching import checking
from mainstay.watching.checking import Look

pytestmark = pytest.mark.both

CHECKS = """
checks:
  alpha: {service: checkout, script: [/bin/true], every: 30s, attempts: 1, expect: ["value < 5"]}
  beta: {service: pay-api, script: [/bin/true], every: 30s, attempts: 1, expect: ["value < 5"]}
  gamma: {service: pay-db, script: [/bin/true], every: 30s, attempts: 1, expect: ["value < 5"]}
"""
LEASE = timedelta(seconds=checking.LEASE_S)


class Dial:
    """A probe whose value is set by the story."""

    def __init__(self) -> None:
        self.value = 1.0
        self.asked: list[str] = []

    async def measure(self, ask: Ask) -> Measured:
        self.asked.append(ask.name)
        return Measured({"value": self.value})


@pytest.fixture
def dial() -> Dial:
    return Dial()


@pytest.fixture
def shared(tmp_path: Path, dial: Dial, engine: str) -> Iterator[World]:
    made = World(tmp_path, ESTATE)
    made.app = replace(made.app, probes={**made.app.probes, "script": dial})
    made.apply(ESTATE + CHECKS)
    yield made
    made.app.close()


@pytest.fixture
def second(shared: World) -> Runtime:
    first = shared.app
    return replace(
        first,
        node=replace(first.node, id="second", folder="/elsewhere"),
        ground=replace(first.ground, node="second", views=Views()),
    )


def claim(node: Runtime, limit: int = checking.LOOKS_MAX) -> list[Look]:
    now = node.clock.now()
    return node.db.run(lambda tx: checking.claim(tx, node, now=now, limit=limit))


def finish(node: Runtime, looks: list[Look]) -> None:
    seen = [asyncio.run(checking.measure(node, one)) for one in looks]
    node.db.run(lambda tx: checking.take(tx, node, seen, now=node.clock.now()))


def names(looks: list[Look]) -> list[str]:
    return sorted(one.watched.name for one in looks)


def standing(world: World, name: str) -> checks.Standing:
    def ask(tx: Tx) -> checks.Standing:
        sheet = checking.sheet_of(tx, world.app)
        return next(one for one in checks.states(tx, sheet, now=world.clock.now(), ids=(name,)))

    return world.app.db.read(ask)


def test_what_one_node_has_claimed_no_other_looks_at(shared: World, second: Runtime) -> None:
    shared.clock.forward(seconds=60)
    mine, others = claim(shared.app, limit=2), claim(second)
    assert len(mine) == 2
    assert len(others) == 1
    assert names([*mine, *others]) == ["alpha", "beta", "gamma"]
    finish(shared.app, mine)
    finish(second, others)
    assert claim(shared.app) == [], "each was looked at, and is due at its own next time"
    shared.clock.forward(seconds=30)
    assert len(claim(second)) == 3


def test_a_look_whose_node_is_lost_is_done_by_another_when_its_lease_has_ended(
    shared: World, second: Runtime, dial: Dial
) -> None:
    shared.clock.forward(seconds=60)
    assert names(claim(shared.app)) == ["alpha", "beta", "gamma"]  # and is never heard of again
    shared.clock.forward(seconds=LEASE.total_seconds() - 1)
    assert claim(second) == []
    shared.clock.forward(seconds=1)
    taken = claim(second)
    assert names(taken) == ["alpha", "beta", "gamma"]
    finish(second, taken)
    assert sorted(dial.asked) == ["alpha", "beta", "gamma"]
    assert standing(shared, "alpha").state is State.OK


def test_what_a_paused_node_saw_long_ago_undoes_nothing_that_was_seen_since(
    shared: World, second: Runtime, dial: Dial
) -> None:
    """It was well when the paused node looked; it fails now, and stays so."""
    shared.clock.forward(seconds=60)
    old = [asyncio.run(checking.measure(shared.app, one)) for one in claim(shared.app)]
    shared.clock.forward(seconds=LEASE.total_seconds())
    dial.value = 9.0
    finish(second, claim(second))
    assert standing(shared, "alpha").state is State.FAIL
    told = shared.app.db.read(signals.waiting_n)
    shared.app.db.run(lambda tx: checking.take(tx, shared.app, old, now=shared.clock.now()))
    assert standing(shared, "alpha").state is State.FAIL
    assert shared.app.db.read(signals.waiting_n) == told == 3


def test_a_look_counts_though_all_was_planned_anew_while_it_was_under_way(shared: World) -> None:
    """As a new version of the estate does: no lease is left, and no newer look is in."""
    shared.clock.forward(seconds=60)
    looks, now = claim(shared.app), shared.clock.now()
    shared.app.db.run(lambda tx: checks.plan(tx, checking.sheet_of(tx, shared.app), now=now))
    finish(shared.app, looks)
    assert standing(shared, "alpha").state is State.OK
