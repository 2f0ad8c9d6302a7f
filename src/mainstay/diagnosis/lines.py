"""Plain log lines as evidence: errors that were not there before, and what kind of trouble they name.

Used where nothing else explains the incident: an error message says that something hurts, and only
by its words what.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mainstay.diagnosis.cause import CauseClass, Evidence, Hypothesis
from mainstay.diagnosis.material import Material, Phase
from mainstay.diagnosis.traces.span import Line
from mainstay.telemetry.logs import Difference, Event, Level, diff

BAD_LEVELS: tuple[Level, ...] = ("warning", "error", "critical")
LEVELS: dict[str, Level] = {
    "DEBUG": "debug", "INFO": "info", "WARN": "warning", "WARNING": "warning", "ERR": "error",
    "ERROR": "error", "SEVERE": "error", "FATAL": "critical", "CRITICAL": "critical",
}  # fmt: skip
SCORE = 0.6
EACH_LESS = 0.08
HYPOTHESES_MAX = 5
_CLASSES = (
    (CauseClass.CONFIGURATION, re.compile(
        r"certificate|x509|access denied|authentication failed|unauthori[sz]ed|permission denied"
        r"|unknown (?:host|property|option)|no such file|missing (?:key|setting|variable)"
        r"|password", re.I)),
    (CauseClass.SYSTEM, re.compile(
        r"out of memory|OOM|no space left|disk|too many open files|I/O error|read.only file"
        r"|killed", re.I)),
    (CauseClass.NETWORK, re.compile(
        r"time[ds]?.?out|refused|unreachable|reset by peer|no route|no connection|name resolution"
        r"|UnknownHost|broken pipe", re.I)),
    (CauseClass.CAPACITY, re.compile(
        r"pool|exhaust|too many|overload|queue (?:is )?full|throttl|rate limit|429", re.I)),
    (CauseClass.DATA, re.compile(
        r"validation|malformed|out of range|duplicate|constraint|invalid (?:record|row|value)",
        re.I)),
)  # fmt: skip


def of_lines(material: Material) -> list[Hypothesis]:
    """A hypothesis for each new or more frequent error, the most telling first."""
    return [
        _hypothesis(one, SCORE - EACH_LESS * place, material)
        for place, one in enumerate(worse(material)[:HYPOTHESES_MAX])
    ]


def worse(material: Material) -> list[Difference]:
    """Errors that were not there before, or fewer, the most telling first."""
    good = material.logs.get(Phase.USUAL) or material.logs.get(Phase.BEFORE, ())
    bad = material.logs.get(Phase.DURING, ())
    if not good or not bad:
        return []
    return [one for one in diff(_events(good), _events(bad)) if _is_worse(one)]


def class_of(text: str, otherwise: CauseClass) -> CauseClass:
    """What kind of trouble these words name."""
    return next((one for one, words in _CLASSES if words.search(text)), otherwise)


def _is_worse(one: Difference) -> bool:
    return one.kind in ("new", "more") and one.level in BAD_LEVELS


def _events(lines: Iterable[Line]) -> Iterator[Event]:
    for one in lines:
        yield Event(
            one.text,
            at_us=int(one.at_s * 1e6),
            level=LEVELS.get(one.severity, ""),
            source=one.where,
        )


def _hypothesis(one: Difference, score: float, material: Material) -> Hypothesis:
    where = one.example.source or "the log"
    cause_class = class_of(one.text, CauseClass.SOFTWARE)
    return Hypothesis(
        where,
        "new-errors",
        f"{where} says what it did not say before: {one.text[:160]}",
        cause_class,
        score,
        (Evidence(one.because, f"logs of {where}"),),
        confirm="Look at the first of these lines, and at what happened just before it.",
        since=material.since,
        detail=one.text[:200],
    )
