"""What follows a step of an escalation policy: pure, so that it can be tried against a naive model.

`after` of a step counts from the start, so the wait between two steps is the difference of their
`after`; a step that fires late moves the rest by as much: nobody is woken together with the lead
because we were down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mainstay.estate import Escalation

LAST_WAIT = timedelta(minutes=10)
"""How long the last step of a policy has before the fallback, when the policy gives no measure."""


@dataclass(frozen=True, slots=True)
class Position:
    """A firing: the step (0-based), its n-th repeat, and how often the whole policy went round."""

    step: int = 0
    again: int = 0
    loop: int = 0
    turn: int | None = None
    """Round robin: whose turn this step has drawn; its repeats keep to them."""


@dataclass(frozen=True, slots=True)
class Next:
    """What follows: a position (None: the policy is dry) after a wait."""

    position: Position | None
    wait: timedelta


def first(policy: Escalation) -> Next:
    """The first firing."""
    return Next(Position(), policy.steps[0].after)


def following(policy: Escalation, at: Position) -> Next:
    """What follows the firing `at`."""
    step = policy.steps[at.step]
    repeat = step.repeat
    if repeat is not None and at.again < repeat.times:
        return Next(Position(at.step, at.again + 1, at.loop, at.turn), repeat.every)
    if at.step + 1 < len(policy.steps):
        spent = repeat.every * at.again if repeat is not None else timedelta(0)
        gap = policy.steps[at.step + 1].after - step.after - spent
        return Next(Position(at.step + 1, 0, at.loop), max(gap, timedelta(0)))
    if policy.repeat is not None and at.loop < policy.repeat.times:
        return Next(Position(0, 0, at.loop + 1), policy.repeat.every)
    return Next(None, _last_wait(policy))


def after_nobody(policy: Escalation, at: Position) -> Next:
    """What follows a firing that could reach nobody: the next step, at once; repeats are no use."""
    if at.step + 1 < len(policy.steps):
        return Next(Position(at.step + 1, 0, at.loop), timedelta(0))
    return Next(None, timedelta(0))


def _last_wait(policy: Escalation) -> timedelta:
    last = policy.steps[-1]
    if last.repeat is not None:
        return last.repeat.every
    if len(policy.steps) > 1 and last.after > policy.steps[-2].after:
        return last.after - policy.steps[-2].after
    return LAST_WAIT
