"""The alert: a condition at a source, open or closed. Values only; `apply` moves them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

SEVERITIES = ("critical", "error", "warning", "info")
"""Worst first; the index is the rank."""


class State(StrEnum):
    """Open, or how it was closed."""

    OPEN = "open"
    RESOLVED = "resolved"
    EXPIRED = "expired"
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class Alert:
    """One row of `alerts_alert`; times in microseconds since 1970."""

    id: str
    source: str
    dedup_key: str
    service: str
    severity: str
    summary: str
    labels: dict[str, str]
    annotations: dict[str, str]
    url: str | None
    started_at: int
    opened_at: int
    last_at: int
    expires_at: int | None
    repeats: int
    source_state: str
    source_acked: bool
    state: State
    closed_at: int | None
    silence: str | None
    incident: str | None
    first_receipt: str
    last_receipt: str
    estate_version: int


What = Literal["opened", "worsened", "repeated", "held", "resolved", "acknowledged", "unknown"]


@dataclass(frozen=True, slots=True)
class Change:
    """What an item did. `repeated` and `held` write no row in the record."""

    what: What
    alert: Alert
    because: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an item comes from and under what it is read."""

    source: str
    receipt: str
    service: str
    estate_version: int
    now: datetime
    waited_us: int = 0
    """How long the signal waited to be settled: its expiry counts from now, not from receipt."""


def rank(severity: str) -> int:
    """0 is the worst."""
    return SEVERITIES.index(severity)


def worse(one: str, other: str) -> bool:
    """Whether `one` is more severe than `other`."""
    return rank(one) < rank(other)
