"""Hypotheses out of metrics: whose own excess the symptom is, and which resource ran out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from mainstay.diagnosis.cause import CauseClass, Evidence, Hypothesis
from mainstay.diagnosis.material import Material, Measure, Series
from mainstay.diagnosis.series.change import Change, change
from mainstay.diagnosis.series.flow import Excess, callees_of, causes, excesses
from mainstay.diagnosis.series.nodes import is_control_plane, is_relay

RESOURCES = (Measure.CPU, Measure.MEMORY, Measure.DISK)
RESOURCE_CLEAR = 6.0
"""From how many times its usual wander a resource counts as used up."""
RESOURCE_RISE = 1.3
"""… and at least this many times what it was: steady series wander little, and mean little."""
RESOURCE_FULL = 60.0
"""A metric in per cent says itself how much is left: below this, nothing is used up; above, half
of the clearness will do. Where there is one, the same thing in other units says nothing more."""
MEMORY_SHARE = 0.25
"""Memory that grew by this share of what a service here typically holds is the cause of a busy CPU
beside it (it is filled and collected), not the reverse."""
RESOURCE_SCORE = 0.9
"""A resource that ran out has a reason in turn; a change that explains it comes first."""
SYMPTOM_ORDINARY = 0.2
"""A symptom that shows in more than this share of the usual stretches needs no cause."""
SURGE_CLEAR = 2.0
SURGE = 1.5
"""More requests than before by this factor: the load is the cause, not the thing under it."""


def of_series(material: Material) -> list[Hypothesis]:
    """Every hypothesis that metrics give, unranked."""
    return [*_of_flow(material), *_of_resources(material)]


# -- who got slow, or fails, itself ----------------------------------------------------------------


def _of_flow(material: Material) -> list[Hypothesis]:
    symptom = material.symptom
    found: list[Hypothesis] = []
    if not material.calls:
        return found
    asked = symptom.measure if symptom and symptom.measure else None
    for measure in (asked,) if asked else (Measure.AVAILABILITY, Measure.LATENCY):
        excess = excesses(material, measure)
        start = symptom.where if symptom else ""
        if start in excess and excess[start].ordinary > SYMPTOM_ORDINARY:
            continue
        callers = callees_of((callee, caller) for caller, callee in material.calls)
        found += [
            _own(one, share, measure, material, callers.get(one.where, []))
            for share, one in causes(excess, material.calls, start)
        ]
    return found


def _own(
    one: Excess, share: float, measure: Measure, material: Material, callers: Sequence[str]
) -> Hypothesis:
    slow = measure is Measure.LATENCY
    surge = _surge(material, one.where)
    verb = "got slow" if slow else "fails"
    sentence = f"{one.where} {verb} itself; it is not waiting for anything that it calls."
    kind = "slow-itself" if slow else "fails-itself"
    cause_class = CauseClass.SOFTWARE
    if surge and slow:
        sentence = f"{one.where} gets {surge:.1f} times the requests that it had, and got slow."
        kind, cause_class = "overload", CauseClass.CAPACITY
    seen = [Evidence(_moved(one, slow), f"{measure.value} of {one.where}")]
    seen.append(
        Evidence(f"That is {share:.0%} of what its callers see." if callers
                 else f"That is {share:.0%} of the whole symptom.")
    )  # fmt: skip
    against: tuple[Evidence, ...] = ()
    if one.own < 0.5 * one.total:
        against = (Evidence(f"Much of it comes from what {one.where} calls."),)
    look = "the slow requests" if slow else "the failing requests"
    return Hypothesis(
        one.where, kind, sentence, cause_class, share, tuple(seen), against,
        f"Look at {look} of {one.where} in its own logs; compare one with one from before.",
        material.since,
    )  # fmt: skip


def _moved(one: Excess, slow: bool) -> str:
    if slow:
        return f"Its time went from {_time(one.was)} to {_time(one.now)} a request."
    return f"It failed {one.was:.1%} of its requests before, and {one.now:.1%} now."


def _time(value_s: float) -> str:
    return f"{value_s * 1000:.1f} ms" if value_s < 1 else f"{value_s:.2f} s"


def _surge(material: Material, where: str) -> float:
    for one in material.series:
        if one.where == where and one.measure is Measure.REQUESTS:
            moved = change(one)
            if moved and moved.ratio >= SURGE and moved.score > SURGE_CLEAR:
                return min(moved.ratio, 99.0)
    return 0.0


# -- which resource ran out ------------------------------------------------------------------------


def _of_resources(material: Material) -> list[Hypothesis]:
    percent = {(one.where, one.measure) for one in material.series if "%" in one.name}
    moved: dict[tuple[str, Measure], tuple[Series, Change]] = {}
    for one in material.series:
        told_in_percent = (one.where, one.measure) in percent and "%" not in one.name
        how = None if told_in_percent or one.measure not in RESOURCES else change(one)
        known = moved.get((one.where, one.measure))
        if how and _used_up(one, how) and (not known or how.score > known[1].score):
            moved[one.where, one.measure] = (one, how)
    if not moved:
        return []
    top = max(change.score for _, change in moved.values())
    filled = _filled(material, moved)
    found = []
    for (where, measure), (series, how) in sorted(moved.items()):
        if is_relay(where) or is_control_plane(where):
            continue
        strength = how.score / top
        if where in filled and (where, Measure.CPU) in moved:
            both = [moved[where, each][1].score for each in (Measure.CPU, Measure.MEMORY)]
            strength = max(both) / top * (1.0 if measure is Measure.MEMORY else 0.5)
        found.append(_resource(series, how, measure, strength, material))
    return found


def _filled(
    material: Material, moved: Mapping[tuple[str, Measure], tuple[Series, Change]]
) -> set[str]:
    """The services whose memory grew by an amount that matters here."""
    levels = [
        known.was
        for one in material.series
        if one.measure is Measure.MEMORY and (known := change(one))
    ]
    matters = MEMORY_SHARE * median(levels) if levels else 0.0
    return {
        where
        for (where, measure), (_, how) in moved.items()
        if measure is Measure.MEMORY and how.now - how.was >= matters
    }


def _used_up(series: Series, moved: Change) -> bool:
    if moved.ratio < RESOURCE_RISE:
        return False
    if "%" in series.name:
        return moved.now >= RESOURCE_FULL and moved.score >= RESOURCE_CLEAR / 2
    return moved.score >= RESOURCE_CLEAR


def _resource(
    series: Series, how: Change, measure: Measure, strength: float, material: Material
) -> Hypothesis:
    where = series.where
    words = {
        Measure.CPU: (f"{where} uses far more CPU than usual.", "cpu-growth"),
        Measure.MEMORY: (f"{where} uses far more memory than usual.", "memory-growth"),
        Measure.DISK: (f"{where} uses far more disk than usual.", "disk-growth"),
    }[measure]
    return Hypothesis(
        where,
        words[1],
        words[0],
        CauseClass.SYSTEM,
        RESOURCE_SCORE * min(1.0, strength),
        (
            Evidence(
                f"{series.name} went from {how.was:.3g} to {how.now:.3g}: "
                f"{min(how.score, 999):.0f} times its usual wander.",
                f"{series.name} of {where}",
            ),
        ),
        confirm=f"Look at the processes of {where} by {measure.value}.",
        since=material.since,
    )
