"""What `now` is while somebody sets the clock, and what is planned then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from fakes.machine import Machine
from mainstay import jumps, presence
from mainstay.acts.commands import Acknowledge
from mainstay.foundation.clock import from_us
from walk import MONDAY, Walk, fire


@pytest.fixture
def machine() -> Machine:
    return Machine(MONDAY)


@pytest.fixture
def walk(machine: Machine) -> Iterator[Walk]:
    made = Walk()
    made.app = replace(made.app, clock=machine.clock)
    for provider in made.providers.values():
        provider.clock = machine.clock  # type: ignore[assignment]
    made.clock = machine.clock  # type: ignore[assignment]
    yield made
    made.end()


def step(walk: Walk) -> None:
    """What the delivery loop does."""
    jumps.follow(walk.app)
    walk.settle()


def second_steps(walk: Walk) -> int:
    """Pages of the policy's second step that went out for alpha."""
    [incident] = [one for one in walk.incidents() if one.service == "alpha"]
    pages = walk.pages(incident.number)
    return len([one for one in pages if one.step == 1 and one.state == "sent"])


@pytest.mark.parametrize("hours", [1, -2, 24 * 400])
def test_now_goes_on_counting_until_the_jump_is_followed(machine: Machine, hours: float) -> None:
    machine.set(hours=hours)
    machine.passes(seconds=3)
    assert machine.clock.now() == MONDAY + timedelta(seconds=3)
    assert machine.clock.jumped() == timedelta(hours=hours)
    machine.clock.follow(machine.clock.jumped())
    assert machine.clock.now() == MONDAY + timedelta(hours=hours, seconds=3)
    assert not machine.clock.jumped()


def test_drift_and_a_leap_second_that_is_smeared_are_followed_at_once(machine: Machine) -> None:
    for _ in range(1000):
        machine.passes(seconds=1)
        machine.set(microseconds=-12)
        assert machine.clock.now() == from_us(machine.wall_us)
    assert not machine.clock.jumped()


@pytest.mark.parametrize("jump", [{"hours": -2}, {"hours": 1}, {"days": 400}, {"days": -400}])
def test_the_next_step_waits_no_longer_than_it_was_planned_to(
    walk: Walk, machine: Machine, jump: dict[str, float]
) -> None:
    walk.fires("alpha")
    machine.set(**jump)
    for _ in range(21):
        machine.passes(seconds=30)
        step(walk)
    assert second_steps(walk) == 1
    keys = [one.page.idempotency_key for one in walk.journal]
    assert len(keys) == len(set(keys)), "a page came twice"


def test_what_was_planned_during_a_jump_forward_does_not_wait_for_that_time(
    walk: Walk, machine: Machine
) -> None:
    machine.set(hours=3)
    step(walk)
    walk.fires("alpha")
    machine.set(hours=-3)
    step(walk)
    for _ in range(10):
        machine.passes(minutes=1)
        step(walk)
    assert second_steps(walk) == 1


def test_set_back_while_we_were_down_is_noticed_at_the_start(walk: Walk, machine: Machine) -> None:
    walk.fires("alpha")
    presence.alive(walk.app, machine.clock.now())
    machine.set(hours=-5)
    clock = machine.booted()
    walk.app = replace(walk.app, clock=clock)
    presence.sign_on(walk.app, clock.now())
    for _ in range(10):
        machine.passes(minutes=1)
        walk.settle()
    assert second_steps(walk) == 1
    assert "set back by 5:00:00" in walk.told("clock.jumped")[0]


def test_a_page_on_its_way_while_the_clock_is_set_forward_is_not_sent_again(
    walk: Walk, machine: Machine
) -> None:
    walk.sends([fire("alpha")])
    [page] = walk.begin()
    machine.set(hours=1)
    jumps.follow(walk.app)
    assert [
        one for one in walk.begin() if one.page.idempotency_key == page.page.idempotency_key
    ] == []  # type: ignore[union-attr]


def test_an_alert_does_not_expire_because_the_clock_was_set(walk: Walk, machine: Machine) -> None:
    plain = {name: word for name, word in fire("alpha").items() if name != "endsAt"}
    walk.sends([plain])
    walk.settle()
    machine.set(hours=1)
    step(walk)
    assert [alert.service for alert in walk.alerts() if alert.service == "alpha"]
    machine.passes(minutes=6)
    step(walk)
    assert not [alert.service for alert in walk.alerts() if alert.service == "alpha"]


def test_an_acknowledgement_lasts_as_long_as_before(walk: Walk, machine: Machine) -> None:
    walk.fires("alpha")
    walk.act(Acknowledge("INC-1"))
    machine.set(hours=-2)
    step(walk)
    machine.passes(minutes=58)
    step(walk)
    assert walk.incident().acked_by == "root"
    machine.passes(minutes=3)
    step(walk)
    assert walk.incident().acked_by is None


def test_the_limiter_does_not_wait_for_a_time_that_was_set_back(
    walk: Walk, machine: Machine
) -> None:
    walk.fires("gamma", severity="warning")
    machine.set(hours=-2)
    step(walk)
    machine.passes(minutes=2)
    walk.fires("delta", severity="warning")
    assert [one.page.incident for one in walk.journal][-1] == walk.incidents()[-1].name


def test_mainstay_tells_that_the_clock_was_set(walk: Walk, machine: Machine) -> None:
    machine.set(hours=-2)
    step(walk)
    assert [one.service for one in walk.incidents()] == ["mainstay"]
    assert "set back by 2:00:00" in walk.incident().title
