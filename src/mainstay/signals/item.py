"""What a request says, once read: items, and the items that were refused beside good ones.

An item is the same thing whatever system sent it. A reader makes it from the stored bytes and
nothing else that could change (body, source, arrival), so that reading twice gives the same items.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

from mainstay.estate import Severity, Source

Kind = Literal["fire", "resolve", "acknowledge", "change"]

BAD_TOLD_MAX = 100
"""Refused items that an answer and the stored row name: each may be told in ten times its size."""
SUMMARY_CHARS_MAX = 1024
"""PagerDuty's limit; longer ones are cut, and the whole text stays in the raw body."""

KNOWN_SEVERITIES: dict[str, Severity] = {
    "critical": "critical",
    "crit": "critical",
    "page": "critical",
    "fatal": "critical",
    "emergency": "critical",
    "emerg": "critical",
    "alert": "critical",
    "disaster": "critical",
    "p1": "critical",
    "sev1": "critical",
    "error": "error",
    "err": "error",
    "major": "error",
    "high": "error",
    "failure": "error",
    "p2": "error",
    "sev2": "error",
    "warning": "warning",
    "warn": "warning",
    "minor": "warning",
    "average": "warning",
    "medium": "warning",
    "ticket": "warning",
    "p3": "warning",
    "sev3": "warning",
    "info": "info",
    "information": "info",
    "informational": "info",
    "notice": "info",
    "low": "info",
    "debug": "info",
    "none": "info",
    "ok": "info",
    "success": "info",
    "p4": "info",
    "p5": "info",
    "sev4": "info",
}
"""Words that monitoring systems use for how bad it is, in ours."""


_SORTED = msgspec.json.Encoder(order="sorted").encode


class Arrival(msgspec.Struct, frozen=True):
    """When a request came (microseconds since 1970, our clock), and its receipt."""

    receipt: str
    at_us: int


class Item(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that a sender told us. A Struct and not a dataclass: a storm makes 30,000 a second.

    `n` counts from 0 within the request; the item's own id is `<receipt>.<n>`. Times are
    microseconds since 1970. `ends_at_us` is when it expires unless repeated; None: never.
    """

    n: int
    kind: Kind
    dedup_key: str
    summary: str
    severity: Severity
    labels: dict[str, str]
    annotations: dict[str, str]
    url: str | None
    started_at_us: int
    ends_at_us: int | None
    service_hint: str | None
    facts: dict[str, Any]


class Bad(msgspec.Struct, frozen=True, gc=False):
    """An item that was refused; `pointer` (RFC 6901) says where in the body, the sentence why."""

    n: int
    pointer: str
    sentence: str


class Verdict(msgspec.Struct, frozen=True):
    """What a door must know before it answers: how many items are good, and which are not."""

    good_n: int
    bad: tuple[Bad, ...] = ()
    dedup_key: str | None = None
    """Of the one item, where the protocol's answer tells it."""


class Reading(msgspec.Struct, frozen=True):
    """What one request holds, in the sender's order."""

    items: tuple[Item, ...]
    bad: tuple[Bad, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What `Door.check` says of the same body."""
        return Verdict(len(self.items), self.bad)


def severity_of(word: str | None, source: Source) -> Severity:
    """Ours for the sender's word: the source's own table, then the known words, then its default."""
    if not word:
        return source.severity
    found = source.severities.get(word) or source.severities.get(word.lower())
    return found or KNOWN_SEVERITIES.get(word.strip().lower(), source.severity)


def identity(labels: dict[str, str], drop: list[str]) -> str:
    """The dedup key of a label set: 32 hex characters (BLAKE2b-128) of it as sorted JSON.

    Labels named in `drop` do not count, unless nothing else is left. 128 bits because two alerts
    under one key would hide one of them; Alertmanager's own 64-bit fingerprint can be made to
    collide.
    """
    if drop and not labels.keys().isdisjoint(drop):
        labels = {name: labels[name] for name in labels if name not in drop} or labels
    return hashlib.blake2b(_SORTED(labels), digest_size=16).hexdigest()


def one_line(text: str) -> str:
    """The first line that says something, cut to what a summary may hold."""
    if len(text) <= SUMMARY_CHARS_MAX and text.isprintable():
        return text.strip()
    line = next((line for line in text.splitlines() if line.strip()), "").strip()
    return line if len(line) <= SUMMARY_CHARS_MAX else line[: SUMMARY_CHARS_MAX - 1] + "…"


def web_url(text: str | None) -> str | None:
    """The address if a person may click on it (http or https), else None."""
    if text and text.startswith(("http://", "https://")):
        return text
    return None


def expiry(source: Source, arrival: Arrival) -> int | None:
    """When an alert of this source closes as not seen, where the protocol itself names no end."""
    if source.expire_after is None:
        return None
    return arrival.at_us + round(source.expire_after.total_seconds() * 1_000_000)
