"""What a diagnosis says: hypotheses, each with its evidence for and against.

The classes are the words of a support floor. The score orders hypotheses and is for programs only;
people are told likely, possible or ruled out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any


class CauseClass(StrEnum):
    """What kind of thing went wrong."""

    SOFTWARE = "software bug"
    SYSTEM = "system failure"
    NETWORK = "network"
    CONFIGURATION = "configuration"
    DATA = "data"
    CAPACITY = "capacity"
    THIRD_PARTY = "third party"
    PLANNED = "planned work"


class Verdict(StrEnum):
    """How far the evidence carries a hypothesis."""

    LIKELY = "likely"
    POSSIBLE = "possible"
    RULED_OUT = "ruled out"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen, in a sentence, and where it can be seen again."""

    sentence: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One possible cause.

    `kind` is a stable slug for programs ("memory grew", as `memory-growth`); `where` names the
    thing (a service, `node/worker-1`, `namespace/shop`); `score` is 0..1 within one diagnosis.
    """

    where: str
    kind: str
    sentence: str
    cause_class: CauseClass
    score: float
    speaks_for: tuple[Evidence, ...] = ()
    speaks_against: tuple[Evidence, ...] = ()
    confirm: str = ""
    since: datetime | None = None
    detail: str = ""
    """The exact thing, for programs: a commit, a pair of log statements."""

    @property
    def id(self) -> str:
        """Eight hex digits that stay the same when the diagnosis is made again."""
        words = "\0".join((self.where, self.kind, self.detail))
        return blake2b(words.encode(), digest_size=4).hexdigest()

    @property
    def verdict(self) -> Verdict:
        """Likely needs strong evidence and none that contradicts it."""
        if self.score >= LIKELY_FROM:
            return Verdict.LIKELY
        return Verdict.POSSIBLE if self.score >= POSSIBLE_FROM else Verdict.RULED_OUT


LIKELY_FROM = 0.5
POSSIBLE_FROM = 0.1


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Hypotheses, best first; `verdict` in one sentence; `notes` say what could not be read."""

    sentence: str
    hypotheses: tuple[Hypothesis, ...]
    looked_at: tuple[str, ...]
    notes: tuple[str, ...] = ()
    enough: bool = True
    """False: too little was seen of the symptom to say that nothing is wrong."""

    @property
    def found(self) -> bool:
        """Whether a cause is put forward at all."""
        return any(one.verdict is not Verdict.RULED_OUT for one in self.hypotheses)

    def as_facts(self) -> dict[str, object]:
        """For programs: everything, the scores too."""
        return {
            "sentence": self.sentence,
            "found": self.found,
            "enough": self.enough,
            "hypotheses": [_facts(one) for one in self.hypotheses],
            "looked_at": list(self.looked_at),
            "notes": list(self.notes),
        }


def from_facts(told: Mapping[str, Any]) -> Diagnosis:
    """A diagnosis as `as_facts` told of it."""
    return Diagnosis(
        told["sentence"],
        tuple(_hypothesis(one) for one in told["hypotheses"]),
        tuple(told["looked_at"]),
        tuple(told["notes"]),
        bool(told["enough"]),
    )


def ranked(hypotheses: Sequence[Hypothesis]) -> tuple[Hypothesis, ...]:
    """Best first, one for each (where, kind, detail); equals in the order of their names."""
    best: dict[tuple[str, str, str], Hypothesis] = {}
    for one in hypotheses:
        key = (one.where, one.kind, one.detail)
        if key not in best or one.score > best[key].score:
            best[key] = one
    return tuple(sorted(best.values(), key=lambda h: (-h.score, h.where, h.kind, h.detail)))


def _facts(one: Hypothesis) -> dict[str, object]:
    return {
        "id": one.id,
        "where": one.where,
        "kind": one.kind,
        "sentence": one.sentence,
        "class": one.cause_class.value,
        "verdict": one.verdict.value,
        "score": round(one.score, 4),
        "since": one.since.isoformat().replace("+00:00", "Z") if one.since else None,
        "detail": one.detail or None,
        "for": [_seen(each) for each in one.speaks_for],
        "against": [_seen(each) for each in one.speaks_against],
        "confirm": one.confirm,
    }


def _seen(evidence: Evidence) -> dict[str, str]:
    return {"sentence": evidence.sentence, "source": evidence.source}


def _hypothesis(told: Mapping[str, Any]) -> Hypothesis:
    return Hypothesis(
        where=told["where"], kind=told["kind"], sentence=told["sentence"],
        cause_class=CauseClass(told["class"]), score=float(told["score"]),
        speaks_for=tuple(Evidence(**each) for each in told["for"]),
        speaks_against=tuple(Evidence(**each) for each in told["against"]),
        confirm=told["confirm"], detail=told["detail"] or "",
        since=datetime.fromisoformat(told["since"]) if told["since"] else None,
    )  # fmt: skip
