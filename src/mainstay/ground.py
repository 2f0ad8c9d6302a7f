"""What the corridor stands on, handed to each of its verbs; the same for a whole process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from mainstay import paging, signals
from mainstay.checks import Sheets
from mainstay.estate import SELF, Source, View, Views
from mainstay.foundation.clock import to_us
from mainstay.foundation.errors import Corrupt
from mainstay.foundation.failpoint import Passing, never
from mainstay.foundation.ids import Ids
from mainstay.foundation.sealing import Ring
from mainstay.incidents import Rules
from mainstay.signals import Arrived

SELF_SOURCE = Source(format="pagerduty", expire_after=timedelta(hours=1))
"""How what Mainstay says about itself is read: it comes in by the corridor like any other."""
HEARTBEATS = "heartbeats"
"""The source's name of what heartbeats tell."""
HEARTBEAT_SOURCE = Source(format="pagerduty")
"""How that is read; it stays open until the heartbeat is heard of again."""
REPORT_SOURCE = Source(format="report")
"""How a report is read that came by our own API instead of a declared source."""
CHECK_SOURCE = Source(format="report")
"""How what our own checks say is read."""
CHECKS = "checks"
"""The source's name of our own checks."""
REPORTS = "report"
"""The source's name of such reports."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Ids, the estate's versions, the limits, who this node is; `token()` is fresh random text."""

    ids: Ids
    views: Views
    limits: paging.Limits
    node: str
    token: Callable[[], str]
    check_address: Callable[[str, str], str]
    """(kind, address) → the address in its normal form, or Invalid; the channels know."""
    ring: Ring = field(default_factory=Ring)
    """Opens and seals the secrets in the database."""
    sheets: Sheets = field(default_factory=Sheets)
    """The checks of the estate's versions, compiled."""
    diagnoses: bool = True
    """Whether the cause of a new incident is looked for by itself."""
    passing: Passing = never
    """Called at each named moment; a proof makes it the last one of this process."""


def of_self(ground: Ground, version: int, event: Mapping[str, Any], *, now: datetime) -> Arrived:
    """What Mainstay tells of itself, as a request like any other: an event of PagerDuty's v2."""
    body = msgspec.json.encode({**event, "routing_key": "*" * 32})
    arrival = signals.Arrival(receipt := ground.ids.new("rcp", now), to_us(now))
    verdict = signals.door_named("pagerduty").check(body, SELF_SOURCE, arrival)
    return Arrived(receipt, now, SELF, "pagerduty", version, {}, body, verdict)


def source_in(view: View, name: str) -> Source:
    """The source as declared; Corrupt when it is gone, which quarantines what it sent."""
    if name == SELF:
        return SELF_SOURCE
    if name == CHECKS:
        return CHECK_SOURCE
    found = view.estate.sources.get(name)
    if found is not None:
        return found
    if name in (own := {REPORTS: REPORT_SOURCE, HEARTBEATS: HEARTBEAT_SOURCE}):
        return own[name]
    raise Corrupt(f"No source {name!r} in version {view.version} of the estate.")


def rules_of(view: View) -> Rules:
    """What the estate says about incidents."""
    return Rules(view.estate.org.incidents.reopen_within, view.priority_of, view.version)
