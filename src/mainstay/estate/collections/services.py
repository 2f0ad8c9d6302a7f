"""Services: what is supported, what it depends on, who owns it; and the table of priorities."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mainstay.estate.collections.text import Id, Paging, Part, Priority, Severity, WallClock
from mainstay.estate.collections.watch import Search

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
    """As people call it. None: its id."""
    type: Literal["service", "external", "database", "queue", "batch", "host"] = "service"
    """What kind of thing it is; for people to read."""
    tier: Tier = 3
    """1: the business stops without it; 3: it can wait. Decides the priority, see `priorities`."""
    owner: Id | None = None
    """A team. None: the fallback policy pages."""
    depends: list[Id] = []
    """Services that it needs to work; alerts of both, close in time, make one incident."""
    escalation: Id | None = None
    """None: the escalation named after the owner, else `default`, else `fallback`."""
    paging: Paging | None = None
    """None: as its owner's."""
    business: str | None = None
    """What it is to the business, in its words; pages say it."""
    about: str | None = None
    """What it is; pages say it where `business` is not given."""
    degrade: str | None = None
    """How it can be run in part, when it cannot be run whole."""
    repo: str | None = None
    """Where its code is."""
    engine: str | None = None
    """What it runs on: `postgres`, `kafka`."""
    vendor: str | None = None
    """Who runs it, when we do not."""
    hosts: list[Id] = []
    """The machines that it runs on; what is collected there is about it."""
    find: list[Search] = []
    """Where it leaves traces of what it handles: `mainstay find`."""
    contact: str | None = None
    """How to reach them."""
    sla: float | None = Field(default=None, ge=0, le=100, strict=True)
    """What they promise, in percent of time."""
    cutoff: WallClock | None = None
    """After this time of day it takes nothing more."""
    runbook: str | None = None
    """The name of its runbook."""
    links: dict[str, str] = {}
    """What to look at: {dashboard: https://…}."""
