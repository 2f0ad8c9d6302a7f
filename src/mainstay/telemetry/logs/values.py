"""The values that stand in a template's places, and how they differ between two windows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import median

from mainstay.telemetry.logs.events import Event
from mainstay.telemetry.logs.masks import MASK

SLOWER_RATIO_MIN = 1.5
"""A median that grew less is not told as slower."""
VALUES_MIN = 5
"""So many values on each side make a comparison."""
FEW = 5
"""A place with at most so many values has a setting or a name in it, not an id."""
TAKEN_OVER = 0.5
"""Share of the bad window that a value never seen before must have."""
_DURATION = re.compile(r"(?:^|[\W_])(?:took|time|elapsed|duration|latency|in|after|ms|millis\w*|seconds?|secs?|s|us|µs)[\W_]*$", re.I)  # fmt: skip
_UNIT_AFTER = re.compile(r"\s?(?:ms|millis\w*|s|secs?|seconds?|us|µs|micros\w*)\b", re.I)
_DURATION_NAME = re.compile(
    r"took|duration|latency|elapsed|response_?time|_ms$|_s$|millis|seconds", re.I
)
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)(ms|s|us|µs|m)?")
_IN_MS = {"us": 0.001, "µs": 0.001, "ms": 1.0, "s": 1_000.0, "m": 60_000.0}
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Shift:
    """How one place's values moved. `before` and `after`: medians, or the values most seen."""

    slower: bool
    place: str
    before: str
    after: str
    score: float


def shifts(text: str, good: Sequence[Event], bad: Sequence[Event]) -> list[Shift]:
    """What differs between samples of one template's events, the strongest first."""
    found = []
    before, after = _by_place(text, good), _by_place(text, bad)
    for place in before.keys() & after.keys():
        shift = _shift(place, before[place], after[place])
        if shift is not None:
            found.append(shift)
    return sorted(found, key=lambda one: (-one.score, one.place))


def values(text: str, message: str) -> list[str] | None:
    """What stands in the places of a template; None if the message is not of it."""
    parts = text.split(MASK)
    message = _BLANKS.sub(" ", message.strip())
    if not message.startswith(parts[0]):
        return None
    at, found = len(parts[0]), []
    for index, part in enumerate(parts[1:], 1):
        last = index == len(parts) - 1
        end = (
            message.rfind(part)
            if last and part
            else len(message)
            if last
            else message.find(part, at)
        )
        if end < at or (last and end + len(part) != len(message)):
            return None
        found.append(message[at:end])
        at = end + len(part)
    return found


def _by_place(text: str, sample: Iterable[Event]) -> Mapping[str, list[str]]:
    """The values by the name of their place: what stands before it, or the field's name."""
    names = list(_names(text))
    found: dict[str, list[str]] = {}
    for event in sample:
        inside = [] if event.shape else values(text, event.message) or []
        named = zip(names, inside, strict=False)
        for name, value in [*named, *event.fields.items()]:
            found.setdefault(name, []).append(value)
    return found


def _names(text: str) -> Iterator[str]:
    """For each place: the words around it; `…ms` marks a duration."""
    parts = text.split(MASK)
    for index, before in enumerate(parts[:-1]):
        after = parts[index + 1]
        unit = " ms" if _UNIT_AFTER.match(after) else ""
        words = before.split()
        yield f"{' '.join(words[-2:])[-40:]} {MASK}{unit}".strip() + (
            f" #{index + 1}" if not words else ""
        )


def _shift(place: str, good: Sequence[str], bad: Sequence[str]) -> Shift | None:
    numbers = [_number(one) for one in good], [_number(one) for one in bad]
    if _is_duration(place, bad) and None not in numbers[0] and None not in numbers[1]:
        return _slower(
            place,
            [n for n in numbers[0] if n is not None],
            [n for n in numbers[1] if n is not None],
        )
    return _changed(place, good, bad)


def _is_duration(place: str, sample: Sequence[str]) -> bool:
    if place.endswith(" ms") or any(
        one[-1:] in "sm" and _NUMBER.fullmatch(one) for one in sample[:3]
    ):
        return True
    name = place.removesuffix(MASK).strip()
    return (
        _DURATION.search(name) is not None
        if MASK in place
        else _DURATION_NAME.search(name) is not None
    )


def _number(text: str) -> float | None:
    found = _NUMBER.fullmatch(text)
    return float(found[1]) * _IN_MS.get(found[2], 1.0) if found else None


def _slower(place: str, good: Sequence[float], bad: Sequence[float]) -> Shift | None:
    if min(len(good), len(bad)) < VALUES_MIN:
        return None
    before, after = median(good), median(bad)
    high = sorted(good)[int(len(good) * 0.9)]
    beyond = sum(one > high for one in bad) / len(bad)
    ratio = (after + 1e-9) / (before + 1e-9)
    if after <= before or ratio < SLOWER_RATIO_MIN or beyond < TAKEN_OVER:
        return None
    score = sqrt(len(bad)) * min(log(ratio), 3.0)
    return Shift(True, place, f"{before:g}", f"{after:g}", score)


def _changed(place: str, good: Sequence[str], bad: Sequence[str]) -> Shift | None:
    """A place that held few values holds another one now."""
    before, after = Counter(good), Counter(bad)
    stated = place.removesuffix(MASK).rstrip()[-1:] in "=:" and len(good) == len(bad) == 1
    if not stated and (min(len(good), len(bad)) < VALUES_MIN or len(before) > FEW):
        return None
    new = [(count, value) for value, count in after.items() if value not in before]
    if not new or max(new)[0] < TAKEN_OVER * len(bad):
        return None
    count, value = max(new)
    return Shift(
        False, place, before.most_common(1)[0][0], value, sqrt(count) * (0.3 if stated else 1.0)
    )
