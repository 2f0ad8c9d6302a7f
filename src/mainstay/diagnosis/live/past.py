"""Seen before: earlier incidents that are like this one, why they are, and what ended them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from mainstay import incidents
from mainstay.diagnosis import store
from mainstay.diagnosis.cause import POSSIBLE_FROM, Diagnosis, Evidence, Hypothesis, Verdict, ranked
from mainstay.diagnosis.live.case import Case
from mainstay.diagnosis.material import Material, Phase
from mainstay.diagnosis.store import Judged
from mainstay.foundation import record
from mainstay.foundation.clock import from_us
from mainstay.foundation.db import Tx

CONFIRMED, RULED_OUT = "confirmed", "ruled out"
WEIGHTS = {"cause": 4, "alert": 3, "service": 2, "log": 2}
ALIKE_FROM = 5
"""The same alert of the same service is enough; the same service alone is not."""
SHOWN_MAX = 5
LOGS_MAX = 12
CONFIRMED_BEFORE = 0.15
"""What was confirmed in an incident like this one is that much likelier now."""
_WORDS = {
    "cause": "same cause",
    "alert": "same alert",
    "service": "same service",
    "log": "same log line",
}


@dataclass(frozen=True, slots=True)
class Before:
    """An earlier incident that is like this one. `because`: what it shares; `fixed`: what ended it."""

    incident: str
    name: str
    title: str
    opened_at: str
    because: str
    cause: str = ""
    place: str = ""
    kind: str = ""
    confirmed_by: str = ""
    fixed: str = ""
    services: tuple[str, ...] = ()

    def as_facts(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def traits_of(case: Case, material: Material, found: Diagnosis) -> Iterator[tuple[str, str]]:
    """By what an incident can be found again: services, alert names, causes, bad lines."""
    yield from (("service", one) for one in case.services)
    yield from (("alert", one) for one in case.alerts)
    likely = [one for one in found.hypotheses if one.verdict is Verdict.LIKELY]
    yield from (("cause", trait_of(one.where, one.kind)) for one in likely[:3])
    bad = [one for one in material.logs.get(Phase.DURING, ()) if one.severity in _BAD]
    kinds = dict.fromkeys(_VALUE.sub("<*>", one.text)[:160] for one in bad[:500])
    yield from (("log", one) for one in list(kinds)[:LOGS_MAX])


_VALUE = re.compile(r"\b(?:0x)?[0-9a-fA-F-]*\d[0-9a-fA-F-]*\b")
_BAD = frozenset({"WARN", "WARNING", "ERROR", "SEVERE", "FATAL", "CRITICAL"})


def trait_of(place: str, kind: str) -> str:
    """A cause, whenever it comes."""
    return f"{kind} at {place}"


def seen_before(tx: Tx, incident: str, *, now: datetime) -> list[Before]:
    """The most alike first, then the newest; each says why."""
    scored = []
    for one in store.alike(tx, incident, before=now):
        score = sum(WEIGHTS[kind] for kind, _ in _counted(one.shared))
        row = incidents.get(tx, one.incident) if score >= ALIKE_FROM else None
        if row is not None:
            scored.append((-score, -row.opened_at, row, one.shared))
    scored.sort(key=lambda each: each[:2])
    return [_before(tx, row, shared) for _, _, row, shared in scored[:SHOWN_MAX]]


def _counted(shared: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """A kind of trait counts once, log lines up to three times: many alerts make nothing more alike."""
    left = {"cause": 1, "alert": 1, "service": 1, "log": 3}
    for kind, value in shared:
        if left[kind]:
            left[kind] -= 1
            yield kind, value


def _before(tx: Tx, row: incidents.Incident, shared: Sequence[tuple[str, str]]) -> Before:
    judged = [one for one in store.verdicts(tx, row.id) if one.verdict == CONFIRMED]
    confirmed = judged[0] if judged else None
    said = [f"{_WORDS[kind]} ({value[:60]})" for kind, value in _counted(shared)]
    if confirmed is not None:
        said.append(f"cause confirmed by {confirmed.person} on {_day(confirmed.at)}")
    return Before(
        row.id, row.name, row.title, from_us(row.opened_at).isoformat(), ", ".join(said),
        cause=confirmed.sentence if confirmed else "", place=confirmed.place if confirmed else "",
        kind=confirmed.kind if confirmed else "",
        confirmed_by=confirmed.person if confirmed else "", fixed=_fixed(tx, row),
        services=tuple(incidents.services(tx, row.id) or [row.service]),
    )  # fmt: skip


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def _fixed(tx: Tx, row: incidents.Incident) -> str:
    """The note with which somebody resolved it."""
    newest = record.last_of_incident(tx, row.id, ("incident.resolved",))
    _, _, note = (
        str(newest["because"]).partition(f"resolved {row.name}: ") if newest else ("", "", "")
    )
    return note[:500]


def learned(found: Diagnosis, before: Sequence[Before]) -> Diagnosis:
    """What was confirmed in incidents like this one speaks for the same cause now."""
    known = {(one.place, one.kind): one for one in reversed(before) if one.kind}
    hypotheses = [_learned(one, known.get((one.where, one.kind))) for one in found.hypotheses]
    best = ranked(hypotheses)
    first = next((one for one in best if one.verdict is not Verdict.RULED_OUT), None)
    if first is None:
        return replace(found, hypotheses=best)
    words = f"{first.verdict.value.capitalize()}: {first.sentence}"
    return replace(found, hypotheses=best, sentence=words)


def _learned(one: Hypothesis, before: Before | None) -> Hypothesis:
    if before is None or one.score < POSSIBLE_FROM:
        return one
    words = f"It was the cause of {before.name}, confirmed by {before.confirmed_by}."
    evidence = (*one.speaks_for, Evidence(words, f"incident {before.name}"))
    return replace(one, score=min(0.99, one.score + CONFIRMED_BEFORE), speaks_for=evidence)


def judged(found: Diagnosis, verdicts: Sequence[Judged]) -> Diagnosis:
    """The diagnosis with the last word of people: what they confirmed first, what they ruled out last."""
    said = {one.cause: one for one in verdicts}
    if not said:
        return found
    best = ranked([_judged(one, said.get(one.id)) for one in found.hypotheses])
    confirmed = next(
        (one for one in best if one.id in said and said[one.id].verdict == CONFIRMED), None
    )
    if confirmed is not None:
        who = said[confirmed.id].person
        return replace(found, hypotheses=best, sentence=f"Confirmed by {who}: {confirmed.sentence}")
    first = next((one for one in best if one.verdict is not Verdict.RULED_OUT), None)
    words = (
        f"{first.verdict.value.capitalize()}: {first.sentence}"
        if first is not None
        else "No cause is left: each one that was put forward is ruled out."
    )
    return replace(found, hypotheses=best, sentence=words)


def _judged(one: Hypothesis, said: Judged | None) -> Hypothesis:
    if said is None:
        return one
    note = f": {said.note}" if said.note else ""
    word = Evidence(f"{said.verdict.capitalize()} by {said.person}{note}.", "what people say")
    if said.verdict == CONFIRMED:
        return replace(one, score=1.0, speaks_for=(word, *one.speaks_for))
    return replace(one, score=0.0, speaks_against=(word, *one.speaks_against))
