"""Where requests stop: two steps that used to follow each other, and do not any more.

A step is a log statement or a call to another service, in the order in which one span did them. A
function that returns too early or throws leaves a mark: the statement before it is still there, the
one after it is gone. Those who call it take other ways too, so the deepest such break counts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import log

from mainstay.diagnosis.cause import CauseClass, Evidence, Hypothesis
from mainstay.diagnosis.material import Material, Phase
from mainstay.diagnosis.traces.span import Call, Line

OFTEN = 0.8
"""The share of cases in which the second step followed the first, for it to be expected."""
RARELY = 0.35
"""… and the share below which it is missed."""
SEEN_MIN = 2
"""Both stretches must have seen the first step at least so often."""
SCORE = 0.8
CALLER_SHARE = 0.4
"""What a break counts whose service calls another with a break as clear."""
END, ERROR = "end", "an error"
HEAD_CHARS = 60
"""A line's severity stands in its beginning."""
_ERROR = re.compile(r"\b(?:ERROR|FATAL|SEVERE|CRITICAL)\b")
_LOCATION = re.compile(r"\b([A-Za-z_][\w.$]*#\d+)\b")
_IDS = re.compile(r"\b(?:TraceID|SpanID|trace_id|span_id)[:=]\s*\S+", re.I)
_VARIABLE = re.compile(
    r"\b[0-9a-f]{8,}\b|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\d+(?:[.:]\d+)*|\"[^\"]*\"|'[^']*'|\[[^\]]*\]"
)
WORDS_MAX = 8


@dataclass(frozen=True, slots=True)
class Break:
    """`first` was followed by `then`: so often of so many times before, and now."""

    where: str
    first: str
    then: str
    followed_before: int
    seen_before: int
    followed_now: int
    seen_now: int

    @property
    def weight(self) -> float:
        """How much the log-likelihood of what is seen now falls, if nothing had changed."""
        expected = min(0.99, max(0.01, self.followed_before / self.seen_before))
        missed = self.seen_now - self.followed_now
        return missed * log((1 - 0.01) / (1 - expected)) if missed else 0.0


def statement(text: str) -> str:
    """What identifies a log statement: its place in the code, or its words without the variables."""
    if _ERROR.search(text[:HEAD_CHARS]):
        return ERROR
    place = _LOCATION.search(text)
    if place:
        return place[1]
    words = _VARIABLE.sub(" ", _IDS.sub(" ", text)).split()
    return " ".join(words[:WORDS_MAX]).rstrip(" :=,.")


def steps(calls: Iterable[Call], lines: Iterable[Line]) -> Iterator[tuple[str, list[str]]]:
    """(service, steps in order) of every span."""
    where: dict[tuple[str, str], str] = {}
    done: dict[tuple[str, str], list[tuple[float, int, str]]] = {}
    calls = list(calls)
    for one in calls:
        where[one.trace, one.span] = one.where
        done.setdefault((one.trace, one.span), []).append(
            (one.start_s, -2, f"{one.operation} start")
        )
    for order, line in enumerate(reversed(list(lines))):
        key = (line.trace, line.span)
        if line.trace and line.span:
            where.setdefault(key, line.where)
            done.setdefault(key, []).append((line.at_s, order, statement(line.text)))
    for one in calls:
        parent = (one.trace, one.parent)
        if where.get(parent, one.where) != one.where:
            done[parent].append((one.start_s, -1, f"call {one.where}"))
    for key in sorted(done):
        rows = sorted(done[key], key=lambda step: (step[1] != -2, *step))
        yield where[key], [name for _, _, name in rows]


def breaks(material: Material) -> list[Break]:
    """Every pair of steps that used to follow each other and does not any more."""
    before = _pairs(material, Phase.USUAL if Phase.USUAL in material.traces else Phase.BEFORE)
    now = _pairs(material, Phase.DURING)
    if not before or not now:
        return []
    seen_before, seen_now = _firsts(before), _firsts(now)
    found = []
    for (where, first, then), followed in sorted(before.items()):
        total, current = seen_before[where, first], seen_now[where, first]
        if then in (END, ERROR):  # it goes on now, or fails no more: it does not stop
            continue
        if total < SEEN_MIN or current < SEEN_MIN or followed < OFTEN * total:
            continue
        still = now[where, first, then]
        if still <= RARELY * current:
            found.append(Break(where, first, then, followed, total, still, current))
    return found


def of_steps(material: Material) -> list[Hypothesis]:
    """A hypothesis for each break, the deepest and clearest first."""
    found = [one for one in breaks(material) if not one.then.startswith("call ")] or breaks(
        material
    )
    if not found:
        return []
    callers = _callers(material)
    broken = {one.where for one in found}
    weighed = [
        (one.weight * (CALLER_SHARE if _calls_any(one.where, broken, callers) else 1.0), one)
        for one in found
    ]
    top = max(weight for weight, _ in weighed)
    return [_hypothesis(one, SCORE * weight / top, material) for weight, one in weighed if top]


def _calls_any(where: str, broken: set[str], callees: Mapping[str, set[str]]) -> bool:
    """Whether anything below `where` is broken too."""
    seen, waiting = {where}, [where]
    while waiting:
        for below in sorted(callees.get(waiting.pop(), ())):
            if below in broken and below != where:
                return True
            if below not in seen:
                seen.add(below)
                waiting.append(below)
    return False


def _callers(material: Material) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for part in material.traces.values():
        by_id = {(one.trace, one.span): one.where for one in part}
        for one in part:
            parent = by_id.get((one.trace, one.parent))
            if parent and parent != one.where:
                found.setdefault(parent, set()).add(one.where)
    return found


def _pairs(material: Material, phase: Phase) -> Counter[tuple[str, str, str]]:
    found: Counter[tuple[str, str, str]] = Counter()
    calls = material.traces.get(phase, ())
    lines = [one for one in material.logs.get(phase, ()) if one.trace]
    for where, names in steps(calls, lines):
        for first, then in zip(names, [*names[1:], END], strict=True):
            found[where, first, then] += 1
    return found


def _firsts(pairs: Counter[tuple[str, str, str]]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for (where, first, _), count in pairs.items():
        found[where, first] += count
    return found


def _hypothesis(one: Break, score: float, material: Material) -> Hypothesis:
    return Hypothesis(
        one.where,
        "stops-between-steps",
        f"{one.where} stops between two steps: after “{one.first}” no “{one.then}” comes any more.",
        CauseClass.SOFTWARE,
        score,
        (
            Evidence(
                f"Before, it followed {one.followed_before} of {one.seen_before} times; now "
                f"{one.followed_now} of {one.seen_now}.",
                f"logs and traces of {one.where}",
            ),
        ),
        confirm=f"Read {one.where} between these two statements; is there a new return or throw?",
        since=material.since,
        detail=f"{one.first} → {one.then}",
    )
