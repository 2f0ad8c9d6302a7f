"""What is wrong, for people: the sentence says what, since when, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from mainstay.foundation.clock import from_us
from mainstay.incidents import Incident


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation. `key` is the same at every look for as long as it lasts."""

    key: str
    title: str
    """A few words for a subject line: `INC-12 will not page`."""
    sentence: str
    is_ours: bool = False
    """About this node alone: no other watchdog sees it."""


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells times and incidents the way the organisation does."""

    now: datetime
    zone: tzinfo

    def at(self, us: int) -> str:
        """`03:12 CET`, with the day when it is not today's."""
        local, today = from_us(us).astimezone(self.zone), self.now.astimezone(self.zone)
        day = "" if local.date() == today.date() else f"{local:%a} {local.day} {local:%b} "
        return f"{day}{local:%H:%M} {local:%Z}"

    def ago(self, us: int) -> str:
        """`7 min`, `2 h 5 min`, `3 d 4 h`."""
        return span((self.now - from_us(us)).total_seconds())

    def incident(self, one: Incident) -> str:
        """`INC-12 (pay-db: replica lag 40 s) has been open for 7 min`."""
        about = f"{one.name} ({one.service}: {one.title[:120]})"
        return f"{about} has been open for {self.ago(one.opened_at)}"


def span(seconds: float) -> str:
    """At most two units, the smaller one left out where it is nothing."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"
