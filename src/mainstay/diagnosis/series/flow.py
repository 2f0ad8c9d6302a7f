"""Who got slow, or fails, itself – as against waiting for others.

The excess of a node is what its callers got more of than before: seconds waited, or requests
failed, in the window (the rise of its rate, times its requests). What its callees account for is
not its own. So the excess that the symptom shows is followed down the calls, and where it is not
explained any further, there it was made.

Three things that people know: relays and control planes hand faults on; something that was never
called before and only fails is a wrong name that its caller uses; and the place where a fault is
seen is rarely where it is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import median

from mainstay.diagnosis.material import Material, Measure, Points, Series
from mainstay.diagnosis.series.change import rarity, values, wander
from mainstay.diagnosis.series.nodes import is_control_plane, is_relay

CLEAR = 2.0
"""From how many times its usual wander a node counts as changed."""
RARE = 0.01
"""A rise that comes in more than this share of the usual stretches of that length is no sign."""
SHARE_MIN = 0.05
"""Less than this share of the symptom is not worth a sentence."""
SEEN_THERE = 3.0
"""The symptom's own place must hold this many times more than what it calls, to be the cause."""
STEADIEST = {Measure.LATENCY: (0.05, 1e-4), Measure.AVAILABILITY: (0.0, 0.002)}
"""A rate is never taken to be steadier than (this share of it, this much)."""
AVERAGES = ("Average", "avg", "mean", "")


@dataclass(frozen=True, slots=True)
class Excess:
    """What one node had more of than before. `own` is what none of its callees explains."""

    where: str
    was: float
    now: float
    requests: float
    score: float
    total: float
    own: float = 0.0
    unknown_before: bool = False
    ordinary: float = 0.0
    """The share of usual stretches in which it rose as much."""


def excesses(material: Material, measure: Measure, statistic: str = "") -> dict[str, Excess]:
    """The excess of every node that has such a series and was called during the incident."""
    requests = {s.where: s for s in material.series if s.measure is Measure.REQUESTS}
    found: dict[str, Excess] = {}
    for one in material.series:
        if one.measure is measure and _fits(one, statistic) and one.where not in found:
            excess = _excess(one, requests.get(one.where), measure)
            if excess:
                found[one.where] = excess
    callees = callees_of(material.calls)
    return {name: _with_own(one, found, callees) for name, one in sorted(found.items())}


def causes(
    found: Mapping[str, Excess], calls: Iterable[tuple[str, str]], symptom: str
) -> list[tuple[float, Excess]]:
    """(share of the symptom's excess, node), the largest first; only what the symptom can reach."""
    reach = reachable(callees_of(calls), symptom) if symptom else set(found)
    seen = (
        found[symptom].total
        if symptom in found
        else max((one.total for one in found.values()), default=0.0)
    )
    rows = []
    for name, one in found.items():
        if name not in reach or one.unknown_before or is_relay(name) or is_control_plane(name):
            continue
        weight = one.own / SEEN_THERE if name == symptom else one.own
        if one.score > CLEAR and seen > 0 and weight > SHARE_MIN * seen:
            rows.append((min(1.0, weight / seen), weight, one))
    rows.sort(key=lambda row: (-row[1], row[2].where))
    return [(share, one) for share, _, one in rows]


def callees_of(calls: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Whom each one calls, in the order of their names."""
    found: dict[str, list[str]] = {}
    for caller, callee in sorted(calls):
        if caller != callee:
            found.setdefault(caller, []).append(callee)
    return found


def reachable(callees: Mapping[str, list[str]], start: str) -> set[str]:
    """Everything below `start`, itself too."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += callees.get(name, [])
    return seen


def _fits(series: Series, statistic: str) -> bool:
    return series.statistic == statistic if statistic else series.statistic in AVERAGES


def _excess(series: Series, requests: Series | None, measure: Measure) -> Excess | None:
    counts = dict(requests.during) if requests else {}
    known = requests is not None
    during = [(counts.get(at, 0.0) if known else 1.0, v) for at, v in series.during]
    total = sum(count for count, _ in during)
    if not total:
        return None
    now = sum(count * _cost(value, measure) for count, value in during) / total
    usual = [_cost(value, measure) for value in values(series.usual)]
    before = _rate(series.before, requests.before if requests else (), measure)
    was = before if before is not None else (median(usual) if usual else 0.0)
    share, least = STEADIEST.get(measure, (0.05, 1e-4))
    usually = wander(usual) if usual else 0.0
    windows = max(1, len(series.during))
    ordinary = rarity(usual, len(series.before) or windows, windows, now - was)
    return Excess(
        where=series.where,
        was=was,
        now=now,
        requests=total / windows,
        score=0.0 if ordinary > RARE else (now - was) / max(usually, share * was, least),
        total=(now - was) * total / windows,
        unknown_before=before is None and not usual,
        ordinary=ordinary,
    )


def _rate(points: Points, requests: Points, measure: Measure) -> float | None:
    counts = dict(requests)
    pairs = [(counts.get(at, 0.0) if counts else 1.0, value) for at, value in points]
    total = sum(count for count, _ in pairs)
    return sum(count * _cost(v, measure) for count, v in pairs) / total if total else None


def _cost(value: float, measure: Measure) -> float:
    """What a caller pays: seconds, or the share of requests that failed."""
    return 1 - value / 100 if measure is Measure.AVAILABILITY else value


def _with_own(one: Excess, found: Mapping[str, Excess], callees: Mapping[str, list[str]]) -> Excess:
    below = sum(
        max(0.0, found[name].total)
        for name in callees.get(one.where, [])
        if name in found and not is_relay(name) and not found[name].unknown_before
    )
    return replace(one, own=one.total - below)
