"""What follows a step, against a naive model: a list of all firings, written out by hand."""

from __future__ import annotations

from datetime import timedelta

import hypothesis.strategies as st
from hypothesis import given

from mainstay.estate import Escalation, Step
from mainstay.estate.collections.escalations import Repeat
from mainstay.paging import policy
from mainstay.paging.policy import Position

MINUTE = timedelta(minutes=1)


@st.composite
def policies(draw: st.DrawFn) -> Escalation:
    """Steps whose repeats end before the next step begins."""
    steps, at = [], 0
    for _ in range(draw(st.integers(1, 4))):
        at += draw(st.integers(0, 5))
        times = draw(st.integers(0, 3))
        every = draw(st.integers(1, 5))
        repeat = Repeat(times=times, every=every * MINUTE) if times else None
        steps.append(Step(after=at * MINUTE, notify=["person:ana"], repeat=repeat))
        at += times * every
    whole = draw(st.integers(0, 2))
    rounds = Repeat(times=whole, every=draw(st.integers(1, 9)) * MINUTE) if whole else None
    return Escalation(steps=steps, repeat=rounds)


def naive(one: Escalation) -> list[tuple[timedelta, Position]]:
    """Every firing with its time from the start, in the words of the estate."""
    out: list[tuple[timedelta, Position]] = []
    start = timedelta(0)
    for loop in range(1 + (one.repeat.times if one.repeat else 0)):
        if loop:
            assert one.repeat is not None
            start = out[-1][0] + one.repeat.every - one.steps[0].after
        for number, step in enumerate(one.steps):
            out.append((start + step.after, Position(number, 0, loop)))
            for again in range(1, 1 + (step.repeat.times if step.repeat else 0)):
                assert step.repeat is not None
                at = start + step.after + step.repeat.every * again
                out.append((at, Position(number, again, loop)))
    return out


@given(policies())
def test_every_firing_comes_at_the_time_that_the_estate_says(one: Escalation) -> None:
    at = timedelta(0)
    found = []
    follows = policy.first(one)
    while follows.position is not None:
        at += follows.wait
        found.append((at, follows.position))
        follows = policy.following(one, follows.position)
    assert found == naive(one)
    assert follows.wait > timedelta(0), "the last step gets time to answer before the fallback"


@given(policies())
def test_a_step_that_reaches_nobody_is_followed_at_once_and_ends(one: Escalation) -> None:
    follows, steps = policy.after_nobody(one, Position()), 0
    while follows.position is not None:
        assert follows.wait == timedelta(0)
        steps += 1
        follows = policy.after_nobody(one, follows.position)
    assert steps == len(one.steps) - 1


def test_repeats_that_run_into_the_next_step_do_not_hold_it_back_for_ever() -> None:
    steps = [
        Step(after=0 * MINUTE, notify=["person:a"], repeat=Repeat(times=3, every=5 * MINUTE)),
        Step(after=10 * MINUTE, notify=["person:b"]),
    ]
    follows = policy.following(Escalation(steps=steps), Position(0, 3))
    assert follows.position == Position(1, 0, 0)
    assert follows.wait == timedelta(0)
