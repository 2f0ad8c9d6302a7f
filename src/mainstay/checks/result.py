"""What one look gives, and how a check stands after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

from mainstay.estate import Check, Host
from mainstay.estate.collections import TIMEOUT_MAX

Verdict = Literal["ok", "warn", "fail"]
Value = Any
"""A measured value: a number, a text, a flag, None, or lists and mappings of them."""
EVIDENCE_BYTES_MAX = 16 * 1024
"""Of what was answered, this much is kept with a failure."""
SENTENCE_CHARS_MAX = 500
FACTS_BYTES_MAX = 8 * 1024
"""Measured values beyond this are not kept; they can still be asked of in `expect`."""


class State(StrEnum):
    """How a check stands. A failure counts once so many looks in a row have failed."""

    WAITING = "waiting"
    """It has not been looked at yet."""
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    NOT_SEEN = "not seen"
    """Its newest result is too old to be believed."""

    @property
    def is_healthy(self) -> bool:
        """Only what was seen to be well is."""
        return self is State.OK


@dataclass(frozen=True, slots=True)
class Ask:
    """One look, for a probe: at what, on which host, and until when."""

    name: str
    check: Check
    host_id: str | None
    host: Host | None
    now: datetime
    business_date: date
    last: Mapping[str, Value] = field(default_factory=dict)
    """What the look before kept."""
    prometheus: str | None = None
    """Where the organisation's Prometheus answers."""

    @property
    def timeout_s(self) -> float:
        """How long it may take, all in all."""
        return min(self.check.timeout, TIMEOUT_MAX).total_seconds()


@dataclass(frozen=True, slots=True)
class Measured:
    """What a probe found. `trouble`: in a sentence, why there was no answer to measure."""

    values: Mapping[str, Value]
    evidence: bytes = b""
    trouble: str | None = None
    says: Verdict | None = None
    """The verdict of what judges itself: a plug-in's exit code."""
    words: str | None = None
    """What it says of itself, in place of our own sentence."""


@dataclass(frozen=True, slots=True)
class Result:
    """A judged look. Whatever measures (a heartbeat too) makes one of these and hands it to `take`."""

    name: str
    at: datetime
    duration_us: int
    verdict: Verdict
    sentence: str
    """What was found, for a person: no secret, one line."""
    values: Mapping[str, Value] = field(default_factory=dict)
    evidence: bytes = b""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one check stands, on one host if it has several. `at` None: never looked at."""

    name: str
    check: str
    host: str | None
    service: str
    state: State
    since: datetime
    sentence: str
    at: datetime | None = None
    duration_us: int | None = None
    verdict: Verdict | None = None
    failures: int = 0
    values: Mapping[str, Value] = field(default_factory=dict)
    recent: str = ""
    """The newest verdicts, oldest first: `o`, `w`, `f`."""
    flapping: bool = False
    told: State | None = None
    """What its open alert says; None: it has none."""
    muted: str | None = None
    """Why its failure is told by no alert of its own."""
