"""How a check stands after a result: what counts, what flaps, and what must be told. Pure.

A first failure is soft: it is looked at again, soon, and counts once `attempts` looks in a row have
failed. A result that is well counts at once. What changes its mind all the time flaps: its alert
stays open until it has settled (the share of changes among the last looks, as Nagios has it).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from mainstay.checks.result import Result, Standing, State

RECENT = 20
"""Looks whose changes are counted."""
FLAPS_FROM, FLAPS_UNTIL = 0.4, 0.2
"""Shares of changes among them: where flapping begins, and where it has ended."""
FLAPS_LEAST = 8
"""Fewer looks than these flap never."""
_LETTER = {"ok": "o", "warn": "w", "fail": "f"}
Tell = Literal["open", "worse", "close"]


@dataclass(frozen=True, slots=True)
class Folded:
    """The new standing; what is to be told of it by a signal; whether to look again soon."""

    standing: Standing
    tell: Tell | None
    is_soft: bool
    """It failed, and does not count yet."""
    began: bool
    """The first failure after it was well: what it depends on should be looked at too."""


def fold(
    before: Standing, result: Result, *, attempts: int, why_muted: Callable[[], str | None]
) -> Folded:
    """Take `result` into account. `why_muted` is asked only when a failure would be told."""
    is_well = result.verdict == "ok"
    failures = 0 if is_well else before.failures + 1
    recent = (before.recent + _LETTER[result.verdict])[-RECENT:]
    flapping = flaps(recent, before.flapping)
    counts = is_well or failures >= attempts or before.state in (State.WARN, State.FAIL)
    state = State(result.verdict) if counts else before.state
    after = replace(
        before, state=state, since=before.since if state is before.state else result.at,
        sentence=result.sentence, at=result.at, duration_us=result.duration_us,
        verdict=result.verdict, failures=failures, values=result.values, recent=recent,
        flapping=flapping, muted=None,
    )  # fmt: skip
    after, tell = _told(after, why_muted)
    began = not is_well and before.failures == 0
    return Folded(after, tell, is_soft=not counts, began=began)


def unseen(before: Standing, *, now: datetime, why_muted: Callable[[], str | None]) -> Folded:
    """Nothing was heard of it for too long: what was well then is not known to be well now."""
    words = f"not seen since {before.at:%Y-%m-%d %H:%M:%S} UTC" if before.at else "never seen"
    after = replace(
        before, state=State.NOT_SEEN, since=now, sentence=f"{words}; it was {before.state} then",
        muted=None,
    )  # fmt: skip
    after, tell = _told(after, why_muted)
    return Folded(after, tell, is_soft=False, began=False)


def _told(after: Standing, why_muted: Callable[[], str | None]) -> tuple[Standing, Tell | None]:
    """What its alert must say now, if anything."""
    state, told = after.state, after.told
    if state in (State.OK, State.WAITING):
        if told is None or after.flapping:
            return after, None
        return replace(after, told=None), "close"
    if told is not None:
        if state is told or state is State.WARN:
            return after, None
        return replace(after, told=state), "worse"
    muted = why_muted()
    if muted is not None:
        return replace(after, muted=muted), None
    return replace(after, told=state), "open"


def flaps(recent: str, was: bool) -> bool:
    """Whether it changes its mind too often; newer changes count a little more."""
    if len(recent) < FLAPS_LEAST:
        return False
    weights = [0.8 + 0.4 * n / (RECENT - 1) for n in range(RECENT)][-len(recent) + 1 :]
    changes = [
        weight
        for weight, one, other in zip(weights, recent, recent[1:], strict=False)
        if one != other
    ]
    share = sum(changes) / sum(weights)
    return share > FLAPS_UNTIL if was else share >= FLAPS_FROM
