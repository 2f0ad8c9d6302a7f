"""The database's clock is set while two nodes work on it: is the plan moved, and moved once?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from mainstay import jumps, loops, nodes, presence
from mainstay.foundation import due, record
from mainstay.foundation.clock import SharedClock, to_us
from mainstay.paging import SEND_DUE, STEP_DUE
from mainstay.runtime import Runtime
from walk import MONDAY, Walk, fire

pytestmark = pytest.mark.both

HOUR = 3600


class Server:
    """The database's clock; both nodes run on machines that count alike."""

    def __init__(self) -> None:
        self.us = to_us(MONDAY)
        self.count_us = 0

    def passes(self, **span: float) -> None:
        by_us = timedelta(**span) // timedelta(microseconds=1)
        self.us += by_us
        self.count_us += by_us

    def set(self, seconds: float) -> None:
        self.us += int(seconds * 1_000_000)

    def clock(self) -> SharedClock:
        return SharedClock(lambda: self.us, count_us=lambda: self.count_us)


class Pair:
    """Two nodes on one database, each with a clock of its own that asks it."""

    def __init__(self, walk: Walk, server: Server) -> None:
        self.walk, self.server = walk, server
        self.one, self.two = (
            replace(walk.app, clock=server.clock(), ground=replace(walk.app.ground, node=name))
            for name in ("one", "two")
        )
        for node in (self.one, self.two):
            node.db.run(lambda tx, node=node: jumps.time_in(tx, node))  # type: ignore[misc]
        self.turn(self.one)

    def turn(self, node: Runtime) -> None:
        """A node settles: everything of the walk goes through it."""
        self.walk.app, self.walk.clock = node, node.clock
        for provider in self.walk.providers.values():
            provider.clock = node.clock

    def notice(self, node: Runtime) -> None:
        """It asks for the time until it believes what it hears."""
        node.clock.sample()
        node.clock.sample()

    def steps(self) -> dict[str, due.Plan]:
        return self.one.db.read(lambda tx: due.plans(tx, STEP_DUE))


@pytest.fixture
def pair() -> Iterator[Pair]:
    walk = Walk()
    whole = walk.app
    made = Pair(walk, Server())
    yield made
    walk.app = whole
    walk.end()


def test_set_back_the_step_waits_no_longer_and_comes_once(pair: Pair) -> None:
    walk, server = pair.walk, pair.server
    walk.fires("alpha")
    [(key, before)] = pair.steps().items()
    server.set(-2 * HOUR)
    for node in (pair.one, pair.two):
        pair.notice(node)
    assert jumps.follow(pair.two)
    assert not jumps.follow(pair.one), "the plan was moved by both"
    assert pair.steps()[key].due_at == before.due_at - 2 * HOUR * 1_000_000
    server.passes(seconds=(before.due_at - to_us(MONDAY)) / 1e6)
    walk.settle()
    pair.turn(pair.two)
    walk.settle()
    [incident] = [one for one in walk.incidents() if one.service == "alpha"]
    assert len(walk.pages(incident.number)) == 2, "the page at once, and its repeat"
    told = walk.told("clock.jumped")
    assert len(told) == 1
    assert "set back by 2:00:00" in told[0]


@pytest.mark.parametrize("hours", [-2, 1])
def test_a_node_that_has_not_noticed_yet_finds_the_time_with_the_plan(
    pair: Pair, hours: float
) -> None:
    """Else it would call everything due, the leases of the other node too."""
    walk, server = pair.walk, pair.server
    walk.sends([fire("alpha")])
    [ready] = walk.begin()
    server.set(hours * HOUR)
    pair.notice(pair.one)
    assert jumps.follow(pair.one)
    walk.app.db.run(lambda tx: loops._begin_sends(tx, pair.two, frozenset()))
    held = walk.app.db.read(lambda tx: due.plans(tx, SEND_DUE))
    assert held[ready.due.key].owner == "one", "a page on its way was taken over"
    assert abs(pair.two.clock.now() - pair.one.clock.now()) < timedelta(seconds=1)


def test_a_node_that_starts_after_the_clock_was_set_moves_the_plan_for_all(pair: Pair) -> None:
    walk, server = pair.walk, pair.server
    walk.fires("alpha")
    presence.alive(pair.one, pair.one.clock.now())
    [(key, before)] = pair.steps().items()
    server.set(-2 * HOUR)
    third = replace(pair.one, clock=server.clock())
    presence.sign_on(third, third.clock.now())
    pair.notice(pair.one)
    assert not jumps.follow(pair.one)
    moved = before.due_at - pair.steps()[key].due_at
    assert abs(moved - 2 * HOUR * 1_000_000) < 1_000_000


def test_the_settle_lease_and_the_signs_of_life_move_too(pair: Pair) -> None:
    one, two = pair.one, pair.two
    presence.alive(one, one.clock.now())
    pair.server.set(-2 * HOUR)
    pair.notice(one)
    assert jumps.follow(one)
    pair.server.passes(seconds=one.settings.lease_s + 1)
    assert two.db.run(lambda tx: presence.hold(tx, two, jumps.time_in(tx, two))) is not None
    seen = two.db.read(lambda tx: nodes.known(tx, now=two.clock.now()))
    assert all(node.seen_at <= two.clock.now() for node in seen)


def test_a_jump_that_could_not_be_committed_is_followed_later(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.walk.fires("alpha")
    before = pair.steps()
    pair.server.set(-2 * HOUR)
    pair.notice(pair.one)

    def fails(*_: object, **__: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr(record, "write", fails)
        with pytest.raises(OSError, match="the disk is gone"):
            jumps.follow(pair.one)
    assert pair.steps() == before
    pair.notice(pair.one)
    assert jumps.follow(pair.one)
    assert pair.steps() != before
