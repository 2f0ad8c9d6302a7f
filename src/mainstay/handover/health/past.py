"""How a service stood over the last days: its incidents, and the windows in which it was muted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mainstay import alerts, incidents
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx

LOOKED_AT = 1_000
"""Incidents, the newest first, among which those of the service are looked for."""
_STOPS = ("critical", "error")


@dataclass(frozen=True, slots=True)
class Down:
    """An incident that stopped it, cut to the span that was asked for."""

    name: str
    number: int
    title: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Availability:
    """`share` (0 to 1) of the span without an incident that stopped it; `muted`: windows, with why."""

    service: str
    start: datetime
    end: datetime
    share: float
    down: tuple[Down, ...]
    muted: tuple[tuple[datetime, datetime, str], ...]

    @property
    def lost(self) -> timedelta:
        """How long it was stopped in all; incidents that overlap count once."""
        return (self.end - self.start) * (1 - self.share)


def availability(tx: Tx, service: str, *, start: datetime, end: datetime) -> Availability:
    """From the service's own incidents, critical or error; a silence is marked, and changes nothing."""
    down = []
    for one in incidents.page(tx, open_only=False, before=None, limit=LOOKED_AT):
        opened = from_us(one.opened_at)
        over = end if one.resolved_at is None else from_us(one.resolved_at)
        if one.service == service and one.severity in _STOPS and over > start and opened < end:
            down.append(
                Down(one.name, one.number, one.title, max(opened, start), min(over, end))
            )  # fmt: skip
    down.sort(key=lambda one: one.start)
    lost = _union([(one.start, one.end) for one in down])
    muted = [
        (max(from_us(one.starts_at), start), min(_ended(one), end), one.reason)
        for one in alerts.silences(tx, ended_since_us=to_us(start))
        if any(m.name == "service" and m.op == "=" and m.value == service for m in one.matchers)
        and from_us(one.starts_at) < end
    ]  # fmt: skip
    share = 1 - lost / (end - start)
    return Availability(service, start, end, share, tuple(down), tuple(muted))


def _ended(one: alerts.Silence) -> datetime:
    return from_us(one.ended_at if one.ended_at is not None else one.ends_at)


def _union(spans: list[tuple[datetime, datetime]]) -> timedelta:
    """How long spans last together; in order of their beginnings."""
    whole, until = timedelta(0), None
    for start, end in spans:
        begin = start if until is None or start > until else until
        if end > begin:
            whole += end - begin
            until = end
    return whole
