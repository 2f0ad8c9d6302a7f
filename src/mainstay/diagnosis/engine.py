"""From material to a diagnosis: every kind of evidence gives hypotheses, one ranking orders them."""

from __future__ import annotations

from mainstay.diagnosis.cause import Diagnosis, Hypothesis, Verdict, ranked
from mainstay.diagnosis.kubernetes import of_cluster
from mainstay.diagnosis.material import Material
from mainstay.diagnosis.series.causes import of_series

HYPOTHESES_MAX = 20


def diagnose(material: Material) -> Diagnosis:
    """The likely causes of one incident, best first; or that there is none to be seen."""
    hypotheses = of_series(material)
    if material.cluster:
        hypotheses += of_cluster(material.cluster)
    found = ranked(hypotheses)[:HYPOTHESES_MAX]
    return Diagnosis(_sentence(found), found, tuple(_looked_at(material)), material.notes)


def _sentence(found: tuple[Hypothesis, ...]) -> str:
    first = next((one for one in found if one.verdict is not Verdict.RULED_OUT), None)
    if first is None:
        return "No cause found: nothing in this material stands out from what is usual."
    return f"{first.verdict.value.capitalize()}: {first.sentence}"


def _looked_at(material: Material) -> list[str]:
    counts = [
        (len(material.series), "series"),
        (len(material.calls), "calls between services"),
        (sum(len(part) for part in material.traces.values()), "spans"),
        (sum(len(part) for part in material.logs.values()), "log lines"),
        (len(material.cluster.manifests) if material.cluster else 0, "Kubernetes objects"),
    ]
    return [f"{count:,} {what}" for count, what in counts if count]
