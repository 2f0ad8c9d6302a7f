"""Who is paged, and when, is what a naive model of a hundred lines says, whatever happens meanwhile.

The other machine (test_escalation_model.py) has many incidents and asks that nobody is forgotten;
this one has one and asks for the very pages.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fakes.machine import Machine
from mainstay import estate, jumps, presence
from mainstay.acts import commands
from mainstay.foundation.errors import Unreachable
from mainstay.oncall import Wanted
from oracles.escalation import SHIFT, Naive
from walk import ESTATE, MONDAY, Walk, fire, over

WEDNESDAY = MONDAY + timedelta(days=2)
"""So that no clock is set back over the handover of Monday."""
ORDER = "order: [mara, ben]"


class Escalation(RuleBasedStateMachine):
    """The rules happen to a whole Mainstay and to the model alike."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = Machine(WEDNESDAY)
        self.walk = Walk(kinds=("webhook",), clock=self.machine.clock)
        self.naive = Naive(WEDNESDAY)
        self.rotations = 0

    def teardown(self) -> None:
        self.walk.end()

    # -- the world ---------------------------------------------------------------------------------

    @rule(copies=st.integers(1, 3))
    def it_fires(self, copies: int) -> None:
        for _ in range(copies):
            self.walk.sends([fire("alpha")])
        self.naive.fires()
        self.step()

    @rule()
    def it_is_over(self) -> None:
        self.walk.sends([over("alpha", "A", "critical", self.walk.clock.now())])
        self.naive.is_over()
        self.step()

    @rule()
    @precondition(lambda self: self.naive.is_open)
    def somebody_takes_it(self) -> None:
        self.act(commands.Acknowledge(self.name()))
        self.naive.taken()
        self.step()

    @rule()
    @precondition(lambda self: self.naive.taken_until is not None)
    def somebody_gives_it_back(self) -> None:
        self.act(commands.Unacknowledge(self.name()))
        self.naive.given_back()
        self.step()

    @rule(person=st.sampled_from(["mara", "ben"]))
    def somebody_takes_the_shift(self, person: str) -> None:
        now = self.walk.clock.now()
        self.act(
            commands.AddOverrides((Wanted("payops-oncall", person, now, now + SHIFT, "swap"),))
        )
        self.naive.shift_of(person)

    @rule()
    @precondition(lambda self: self.rotations < 4)
    def the_rotation_is_edited(self) -> None:
        first, second = self.naive.order
        self.rotations += 1
        text = ESTATE.replace(ORDER, f"order: [{second}, {first}]")
        folder = self.walk.folder / f"estate{self.rotations}"
        folder.mkdir()
        (folder / "estate.yaml").write_text(text)
        self.act(commands.Apply(estate.read(folder)))
        self.naive.rotation(second, first)

    @rule(minutes=st.sampled_from([1, 4, 5, 11, 59, 60]))
    def time_passes(self, minutes: int) -> None:
        for _ in range(minutes):
            self.machine.passes(minutes=1)
            self.naive.passes(timedelta(minutes=1))
            self.step()

    @rule(hours=st.sampled_from([1, -2]))
    def the_clock_is_set(self, hours: int) -> None:
        self.machine.set(hours=hours)
        self.naive.clock_is_set(timedelta(hours=hours))
        self.step()

    # -- what goes wrong ---------------------------------------------------------------------------

    @rule()
    def the_provider_fails_for_a_moment(self) -> None:
        """The first try is what counts; the next one, seconds later, is the same page."""
        self.walk.providers["webhook"].fault = Unreachable("no route")
        self.machine.passes(minutes=1)
        self.naive.passes(timedelta(minutes=1))
        self.step()
        self.walk.providers["webhook"].fault = None
        self.time_passes(1)

    @rule()
    def it_is_killed(self) -> None:
        self.opens_again()

    @rule()
    def it_is_killed_while_pages_are_on_their_way(self) -> None:
        self.machine.passes(minutes=1)
        self.naive.passes(timedelta(minutes=1))
        self.walk.begin()
        self.opens_again()

    @rule(node=st.sampled_from(["one", "two"]))
    def another_node_goes_on(self, node: str) -> None:
        """It may settle once the lease of the one before is over."""
        self.walk.node = node
        self.opens_again()
        self.time_passes(1)

    @rule(hours=st.sampled_from([-2]))
    def the_clock_is_set_back_while_it_is_down(self, hours: int) -> None:
        presence.alive(self.walk.app, self.walk.clock.now())
        self.machine.set(hours=hours)
        self.naive.clock_is_set(timedelta(hours=hours))
        self.opens_again()

    # -- how ---------------------------------------------------------------------------------------

    def opens_again(self) -> None:
        self.walk.clock = self.machine.booted()
        for provider in self.walk.providers.values():
            provider.clock = self.walk.clock
        self.walk.restart()
        self.step()

    def step(self) -> None:
        """What the delivery loop does."""
        jumps.follow(self.walk.app)
        self.walk.settle()

    def act(self, command: Any) -> None:
        self.walk.act(command)

    def name(self) -> str:
        [found] = [one for one in self.walk.incidents() if one.is_open and one.service == "alpha"]
        return found.name

    @invariant()
    def the_pages_are_those_of_the_model(self) -> None:
        first: dict[str, tuple[Any, str]] = {}
        for one in self.walk.journal:
            about = one.page.facts["incident"]["service"] == "alpha"
            if one.page.facts["event"] == "page" and about:
                first.setdefault(one.page.idempotency_key, (one.at, one.page.person))
        assert list(first.values()) == self.naive.pages


TestEscalation = Escalation.TestCase
TestEscalation.settings = settings(
    max_examples=int(os.environ.get("MAINSTAY_EXAMPLES", "25")), stateful_step_count=25,
    deadline=None, derandomize="MAINSTAY_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
TestEscalation.pytestmark = [pytest.mark.timeout(300)]  # type: ignore[attr-defined]
