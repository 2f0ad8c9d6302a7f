"""What differs between a good and a bad window of logs, the most telling first.

A template is *new* or *gone*, comes *more* or *less* often than its rate in the good window lets
expect, has become *slower*, or holds *other* values. How telling a difference is: how unlikely by
chance (the likelihood ratio of the two counts, Dunning 1993), times how bad the words are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import log, sqrt
from typing import Literal

from mainstay.telemetry.logs.events import Event, Level
from mainstay.telemetry.logs.miner import mine
from mainstay.telemetry.logs.tally import RANK, masked_of
from mainstay.telemetry.logs.values import Shift, shifts

Kind = Literal["new", "gone", "more", "fewer", "slower", "changed"]
SAMPLE = 200
"""Events of one template kept for their values, spread evenly over the window."""
KINDS_MAX = 100_000
"""Distinct messages of one window; what comes beyond is only counted."""
CHANCE = 10.8
"""A likelihood ratio beyond this comes by chance once in a thousand templates."""
RATIO_MIN = 2.0
"""A rate must at least double or halve to be told."""
GONE_MIN = 3.0
"""A template is gone if so many were to be expected, and none came."""
_WEIGHT: dict[Level, float] = {"": 1.0, "debug": 0.7, "info": 1.0, "warning": 1.4, "error": 2.0, "critical": 2.5}  # fmt: skip
_KIND_WEIGHT: dict[Kind, float] = {"new": 1.5, "gone": 1.0, "more": 1.0, "fewer": 0.8, "slower": 1.0, "changed": 1.0}  # fmt: skip
_SOUNDS_BAD = re.compile(
    r"\b(?:error|fail\w*|exception|denied|refused|time[d-]? ?out|unreachable|cannot|panic|abort\w*|"
    r"out of memory|oom|killed|no space|corrupt\w*|unavailable|exhausted|expired|rejected)\b|Exception",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One template that differs. `good` and `bad` are counts; `expected`: what `bad` would be if
    nothing had changed. `because` is a sentence; `example` an event, of the bad window if any."""

    kind: Kind
    text: str
    level: Level
    good: int
    bad: int
    expected: float
    score: float
    because: str
    example: Event
    shift: Shift | None = None


@dataclass(slots=True)
class _Seen:
    """One kind of message in one window: how often, how bad, and a sample."""

    count: int = 0
    level: Level = ""
    stride: int = 1
    sample: list[Event] = field(default_factory=list)

    def add(self, event: Event) -> None:
        if self.count % self.stride == 0:
            self.sample.append(event)
            if len(self.sample) > SAMPLE:
                self.sample, self.stride = self.sample[::2], self.stride * 2
        self.count += 1
        if RANK[event.level] > RANK[self.level]:
            self.level = event.level

    def merge(self, other: _Seen) -> None:
        self.count += other.count
        self.level = max(self.level, other.level, key=RANK.__getitem__)
        self.sample = [*self.sample, *other.sample]


@dataclass(slots=True)
class _Window:
    kinds: dict[str, _Seen] = field(default_factory=dict)
    total: int = 0
    first_us: int | None = None
    last_us: int | None = None

    def read(self, found: Iterable[Event]) -> _Window:
        for event in found:
            self.total += 1
            if event.at_us is not None:
                self.first_us = min(self.first_us or event.at_us, event.at_us)
                self.last_us = max(self.last_us or event.at_us, event.at_us)
            masked = masked_of(event)
            seen = self.kinds.get(masked)
            if seen is None:
                if len(self.kinds) >= KINDS_MAX:
                    continue
                seen = self.kinds[masked] = _Seen()
            seen.add(event)
        return self

    @property
    def span_s(self) -> float:
        return (
            0.0
            if self.first_us is None or self.last_us is None
            else (self.last_us - self.first_us) / 1e6
        )

    def by_template(self, text_of: dict[str, str]) -> dict[str, _Seen]:
        merged: dict[str, _Seen] = {}
        for masked, seen in self.kinds.items():
            merged.setdefault(text_of[masked], _Seen()).merge(seen)
        return merged


def diff(
    good: Iterable[Event], bad: Iterable[Event], *, per: float | None = None
) -> list[Difference]:
    """The templates that differ, the most telling first; ties by text.

    `per`: how much of the bad window there is for one of the good (its length ÷ the good one's);
    by default from the stamps, or without them from the number of events.
    """
    before, after = _Window().read(good), _Window().read(bad)
    text_of = mine(dict.fromkeys([*before.kinds, *after.kinds]))
    ratio = per if per is not None else _exposure(before, after)
    seen_good, seen_bad = before.by_template(text_of), after.by_template(text_of)
    found: list[Difference] = []
    for text in dict.fromkeys([*seen_good, *seen_bad]):
        found += _differences(
            text, seen_good.get(text, _Seen()), seen_bad.get(text, _Seen()), ratio
        )
    return sorted(found, key=lambda one: (-one.score, one.text, one.kind))


def _exposure(before: _Window, after: _Window) -> float:
    if before.span_s >= 1 and after.span_s >= 1:
        return after.span_s / before.span_s
    return max(after.total, 1) / max(before.total, 1)


def _differences(text: str, good: _Seen, bad: _Seen, ratio: float) -> list[Difference]:
    level = max(good.level, bad.level, key=RANK.__getitem__)
    example = (bad.sample or good.sample)[0]
    weight = _WEIGHT[level]
    if RANK[level] < RANK["error"] and _SOUNDS_BAD.search(text):
        weight = _WEIGHT["error"]
    found = []

    def tell(kind: Kind, score: float, because: str, shift: Shift | None = None) -> None:
        worth = round(score * weight * _KIND_WEIGHT[kind], 4)
        found.append(Difference(kind, text, level, good.count, bad.count, round(good.count * ratio, 2),
                                worth, because, example, shift))  # fmt: skip

    kind = _kind(good.count, bad.count, ratio)
    if kind is not None:
        tell(kind, sqrt(max(0.0, _surprise(good.count, bad.count, ratio))), _sentence(kind, good.count, bad.count, ratio))  # fmt: skip
    if good.count and bad.count:
        for shift in shifts(text, good.sample, bad.sample):
            words = f"{shift.place}: {shift.before} before, {shift.after} now"
            tell("slower" if shift.slower else "changed", shift.score, words, shift)
    return found


def _kind(good: int, bad: int, ratio: float) -> Kind | None:
    """In which way the counts differ, if they do beyond chance."""
    expected = good * ratio
    if not good:
        return "new"
    if not bad:
        return "gone" if expected >= GONE_MIN else None
    if _surprise(good, bad, ratio) < CHANCE:
        return None
    if bad >= expected * RATIO_MIN:
        return "more"
    return "fewer" if bad * RATIO_MIN <= expected else None


def _surprise(good: int, bad: int, ratio: float) -> float:
    """The likelihood ratio G² of two counts, where `bad` should be `good` × `ratio`."""
    both = good + bad
    expected_bad, expected_good = both * ratio / (1 + ratio), both / (1 + ratio)
    parts = [n * log(n / e) for n, e in ((bad, expected_bad), (good, expected_good)) if n and e > 0]
    return 2 * sum(parts)


def _sentence(kind: Kind, good: int, bad: int, ratio: float) -> str:
    expected = good * ratio
    match kind:
        case "new":
            return f"never in the good window, {bad}× in the bad one"
        case "gone":
            return f"about {expected:.0f}× expected, none came"
        case _:
            times = max(bad, expected) / max(min(bad, expected), 1e-9)
            return f"{bad}× where about {expected:.0f}× were expected ({times:.1f}× {kind})"
