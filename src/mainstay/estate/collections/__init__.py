"""The estate's collections, one file each; `Estate` is the whole, as compiled and stored."""

from __future__ import annotations

from pydantic import field_validator

from mainstay.estate.collections.calendars import Calendar, Holidays
from mainstay.estate.collections.escalations import Escalation, Repeat, Step
from mainstay.estate.collections.org import Incidents, Org
from mainstay.estate.collections.people import Leave, Person, Team
from mainstay.estate.collections.routes import Route
from mainstay.estate.collections.schedules import (
    Handover,
    Layer,
    Only,
    Rotate,
    Schedule,
    Turn,
    handover,
)
from mainstay.estate.collections.services import DEFAULT_PRIORITIES, Priorities, Service
from mainstay.estate.collections.shift import (
    Answer,
    Checklist,
    HandingOver,
    Item,
    Shift,
    Signoff,
)
from mainstay.estate.collections.sources import (
    Format,
    JsonMap,
    SeverityMap,
    Source,
)
from mainstay.estate.collections.text import Id, Part, Target
from mainstay.estate.collections.watch import (
    TIMEOUT_MAX,
    Blank,
    Check,
    Host,
    Http,
    HttpStep,
    Journey,
    Line,
    Metric,
    Process,
    Queries,
    RabbitMq,
    Redis,
    Search,
    Telemetry,
)

__all__ = [
    "DEFAULT_PRIORITIES",
    "TIMEOUT_MAX",
    "Answer",
    "Blank",
    "Calendar",
    "Check",
    "Checklist",
    "Escalation",
    "Estate",
    "Format",
    "HandingOver",
    "Handover",
    "Holidays",
    "Host",
    "Http",
    "HttpStep",
    "Incidents",
    "Item",
    "Journey",
    "JsonMap",
    "Layer",
    "Leave",
    "Line",
    "Metric",
    "Only",
    "Org",
    "Person",
    "Priorities",
    "Process",
    "Queries",
    "RabbitMq",
    "Redis",
    "Repeat",
    "Rotate",
    "Route",
    "Schedule",
    "Search",
    "Service",
    "SeverityMap",
    "Shift",
    "Signoff",
    "Source",
    "Step",
    "Target",
    "Team",
    "Telemetry",
    "Turn",
    "handover",
]


class Estate(Part):
    """Everything that is declared. References are ids; `estate.read` has checked every one."""

    org: Org
    """The organisation, and the defaults of the whole estate."""
    calendars: dict[Id, Calendar] = {}
    """Business days, by name."""
    teams: dict[Id, Team] = {}
    """Who owns services together."""
    people: dict[Id, Person] = {}
    """Who can be paged."""
    sources: dict[Id, Source] = {}
    """Who may send signals, and how to read them."""
    routes: list[Route] = []
    """Which service a signal is about."""
    schedules: dict[Id, Schedule] = {}
    """Who is on call when."""
    priorities: Priorities = DEFAULT_PRIORITIES
    """The priority of an incident: tier of its service by severity of its worst alert."""
    escalations: dict[Id, Escalation] = {}
    """Whom to page, in which order, after how long."""
    services: dict[Id, Service] = {}
    """What is supported."""
    checklists: dict[Id, Checklist] = {}
    """What a team looks at by a time of the business day, and signs for."""
    hosts: dict[Id, Host] = {}
    """The machines that checks look at."""
    checks: dict[Id, Check] = {}
    """What must be so, and how it is measured."""
    journeys: dict[Id, Journey] = {}
    """The services that an item goes through, in order."""
    telemetry: dict[Id, Telemetry] = {}
    """Where metrics and logs are that stay where they are, and what is scraped."""
    blanks: dict[Id, Blank] = {}
    """What is blanked in kept telemetry, beside card numbers, tokens and e-mail addresses."""

    @field_validator("priorities")
    @classmethod
    def _over_the_defaults(cls, given: Priorities) -> Priorities:
        """What a table leaves out is as in the default one."""
        return {tier: default | given.get(tier, {}) for tier, default in DEFAULT_PRIORITIES.items()}
