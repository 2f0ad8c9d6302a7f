"""Services: what is supported, what it depends on, who owns it; and the table of priorities."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mainstay.estate.collections.text import Id, Paging, Part, Priority, Severity, WallClock

Tier = Literal[1, 2, 3]
Priorities = dict[Literal["tier-1", "tier-2", "tier-3"], dict[Severity, Priority]]

DEFAULT_PRIORITIES: Priorities = {
    "tier-1": {"critical": "P1", "error": "P2", "warning": "P3", "info": "P4"},
    "tier-2": {"critical": "P2", "error": "P3", "warning": "P4", "info": "P4"},
    "tier-3": {"critical": "P3", "error": "P4", "warning": "P4", "info": "P4"},
}


class Service(Part):
    """Something that is up or down for somebody."""

    name: str | None = None
    type: Literal["service", "external", "database", "queue", "batch", "host"] = "service"
    tier: Tier = 3
    owner: Id | None = None
    """A team. None: the fallback policy pages."""
    depends: list[Id] = []
    escalation: Id | None = None
    """None: the escalation named after the owner, else `default`, else `fallback`."""
    paging: Paging | None = None
    business: str | None = None
    """What it is to the business, in its words."""
    about: str | None = None
    degrade: str | None = None
    repo: str | None = None
    engine: str | None = None
    vendor: str | None = None
    contact: str | None = None
    sla: float | None = Field(default=None, ge=0, le=100, strict=True)
    cutoff: WallClock | None = None
    runbook: str | None = None
    links: dict[str, str] = {}
