"""How a check of Kubernetes objects puts what it found."""

from __future__ import annotations

from mainstay.diagnosis.cause import CauseClass, Evidence, Hypothesis

STATED = 0.95
"""Kubernetes itself says so, in an event or a state."""
CONTRADICTED = 0.9
"""Two declarations contradict each other."""
INFERRED = 0.7
"""What was declared and what was seen point the same way."""


def cause(
    where: str,
    kind: str,
    sentence: str,
    evidence: str,
    *,
    score: float,
    source: str = "",
    confirm: str = "",
    cause_class: CauseClass = CauseClass.CONFIGURATION,
) -> Hypothesis:
    """A hypothesis with one piece of evidence, which is how nearly all of these are."""
    return Hypothesis(
        where, kind, sentence, cause_class, score, (Evidence(evidence, source),), confirm=confirm
    )
