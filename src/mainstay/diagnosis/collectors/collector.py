"""What a collector is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mainstay.diagnosis.material import Material


@dataclass(frozen=True, slots=True)
class Question:
    """About which services, and which stretches of time, all aware and in UTC.

    `services`: the symptom's first, then what it depends on, near before far. Usual is
    `usual_from` to `since`, the incident `since` to `until`.
    """

    services: tuple[str, ...]
    usual_from: datetime
    since: datetime
    until: datetime


class Collector(Protocol):
    """One source of evidence. It reads and changes nothing."""

    @property
    def name(self) -> str:
        """What people call it, as `PostgreSQL pay-db`."""

    def collect(self, question: Question, *, within_s: float) -> Material:
        """What it sees; what it could not read is a note, never an error.

        It ends by itself within `within_s` seconds; who waits longer leaves it.
        """
