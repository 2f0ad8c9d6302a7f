"""From material to a diagnosis: every kind of evidence gives hypotheses, one ranking orders them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mainstay.diagnosis.cause import Diagnosis, Hypothesis, Verdict, ranked
from mainstay.diagnosis.commits.blame import of_release
from mainstay.diagnosis.conditions import is_of_alert, of_conditions
from mainstay.diagnosis.facts.judge import of_facts
from mainstay.diagnosis.kubernetes import of_cluster
from mainstay.diagnosis.lines import of_lines
from mainstay.diagnosis.material import Material, Phase, Symptom
from mainstay.diagnosis.series.causes import of_series
from mainstay.diagnosis.traces.gaps import of_gaps
from mainstay.diagnosis.traces.steps import of_steps

HYPOTHESES_MAX = 20
CHANGE = "commit"
USED_UP = ("cpu-growth", "memory-growth", "disk-growth", "slow-itself", "fails-itself")
HURTS = ("overload",)
TRACE_SHARE = 0.5


def diagnose(material: Material) -> Diagnosis:
    """The likely causes of one incident, best first; or that there is none to be seen."""
    hypotheses = [*of_series(material), *of_gaps(material), *of_steps(material)]
    if material.release:
        hypotheses += of_release(material.release)
    if material.cluster:
        hypotheses += of_cluster(material.cluster)
    troubled = {one.where for one in hypotheses if one.verdict is Verdict.LIKELY}
    mechanisms = of_facts(material, troubled)
    hypotheses = [*_explained(hypotheses, mechanisms), *mechanisms]
    if not any(one.verdict is Verdict.LIKELY for one in hypotheses):
        hypotheses += of_lines(material)
    hypotheses += of_conditions(material)
    found = ranked(hypotheses)[:HYPOTHESES_MAX]
    enough = _is_enough(material)
    sentence = _sentence(found, material.symptom, enough)
    return Diagnosis(sentence, found, tuple(_looked_at(material)), material.notes, enough)


def _explained(
    hypotheses: Sequence[Hypothesis], mechanisms: Sequence[Hypothesis]
) -> list[Hypothesis]:
    """A likely change comes before the resource that it used up, and a mechanism that was seen
    before what only hurts: these are its traces."""
    known = any(one.verdict is Verdict.LIKELY for one in mechanisms)
    changed = any(one.kind == CHANGE and one.verdict is Verdict.LIKELY for one in hypotheses)
    traces = (*USED_UP, *HURTS) if known else USED_UP if changed else ()
    return [
        replace(one, score=one.score * TRACE_SHARE) if one.kind in traces else one
        for one in hypotheses
    ]


def _is_enough(material: Material) -> bool:
    """Whether so much was seen of where it hurts that "nothing stands out" means something."""
    if material.symptom is None:
        return bool(list(_looked_at(material)))
    if material.cluster or material.release or any(material.traces.values()):
        return True
    where = material.symptom.where
    lines = material.logs.get(Phase.DURING, ())
    return (
        any(one.where == where and one.during for one in material.series)
        or any(one.where == where for one in lines)
        or any(one.where == where and not is_of_alert(one) for one in material.facts)
    )


def _sentence(found: tuple[Hypothesis, ...], symptom: Symptom | None, enough: bool) -> str:
    first = next((one for one in found if one.verdict is not Verdict.RULED_OUT), None)
    if first is None and not enough:
        of = f" of {symptom.where}" if symptom else ""
        return f"Not enough evidence: nothing{of} could be looked at."
    if first is None:
        return "No cause found: nothing in this material stands out from what is usual."
    return f"{first.verdict.value.capitalize()}: {first.sentence}"


def _looked_at(material: Material) -> list[str]:
    counts = [
        (len(material.series), "series"),
        (len(material.calls), "calls between services"),
        (sum(len(part) for part in material.traces.values()), "spans"),
        (sum(len(part) for part in material.logs.values()), "log lines"),
        (len(material.facts), "observations"),
        (len(material.release.commits) if material.release else 0, "commits"),
        (len(material.cluster.manifests) if material.cluster else 0, "Kubernetes objects"),
    ]
    return [f"{count:,} {what}" for count, what in counts if count]
