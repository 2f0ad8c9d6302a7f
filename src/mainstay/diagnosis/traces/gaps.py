"""Time lost between services: what a caller waits beyond what the callee says it took.

A delay in a network shows in no service's own time. It shows as a gap between the caller's span and
the callee's, for every caller of the place that it strikes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from mainstay.diagnosis.cause import CauseClass, Evidence, Hypothesis
from mainstay.diagnosis.material import Material, Phase
from mainstay.diagnosis.series.change import wander
from mainstay.diagnosis.series.nodes import is_relay
from mainstay.diagnosis.traces.span import Call

LOST_MIN_S = 0.05
"""A median gap that grew by less is nobody's incident."""
CLEAR = 4.0
"""… and by this many times what it wandered in the good time."""
SCORE = 0.85

Edge = tuple[str, str]


def gaps(calls: Iterable[Call]) -> dict[Edge, list[float]]:
    """(caller, callee) → seconds between a caller's span and its child's, both services known."""
    calls = list(calls)
    by_id = {(one.trace, one.span): one for one in calls}
    found: dict[Edge, list[float]] = {}
    for one in calls:
        parent = by_id.get((one.trace, one.parent))
        if parent and parent.where != one.where:
            gap = parent.duration_s - one.duration_s
            found.setdefault((parent.where, one.where), []).append(gap)
    return found


def of_gaps(material: Material) -> list[Hypothesis]:
    """Services that every caller waits longer for than they take."""
    good = gaps(material.traces.get(Phase.USUAL) or material.traces.get(Phase.BEFORE, ()))
    bad = gaps(material.traces.get(Phase.DURING, ()))
    lost = {edge: median(bad[edge]) - median(good[edge]) for edge in sorted(bad) if edge in good}
    callees: dict[str, list[Edge]] = {}
    for edge in lost:
        callees.setdefault(edge[1], []).append(edge)
    found = []
    for callee, edges in sorted(callees.items()):
        typical = median(lost[edge] for edge in edges)
        usually = max(wander(good[edge]) for edge in edges)
        if typical >= max(LOST_MIN_S, CLEAR * usually) and not is_relay(callee):
            found.append((typical, callee, edges))
    return _hypotheses(found, lost, material)


def _hypotheses(
    found: Sequence[tuple[float, str, list[Edge]]], lost: Mapping[Edge, float], material: Material
) -> list[Hypothesis]:
    worst = max((typical for typical, _, _ in found), default=0.0)
    return [
        Hypothesis(
            callee,
            "network-delay",
            f"The way to {callee} got slow: its callers wait {typical * 1000:.0f} ms longer than "
            "it takes.",
            CauseClass.NETWORK,
            SCORE * typical / worst,
            tuple(
                Evidence(f"{caller} → {callee}: {lost[caller, callee] * 1000:+.0f} ms in between.",
                         "traces")
                for caller, _ in edges[:3]
            ),
            confirm=f"ping from a caller to {callee}; tc qdisc and ip -s link where it runs",
            since=material.since,
        )
        for typical, callee, edges in found
    ]  # fmt: skip
