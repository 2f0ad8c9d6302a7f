"""The estate's collections, one file each; `Estate` is the whole, as compiled and stored."""

from __future__ import annotations

from pydantic import field_validator

from mainstay.estate.collections.calendars import Calendar, Holidays
from mainstay.estate.collections.escalations import Escalation, Repeat, Step
from mainstay.estate.collections.org import Incidents, Org
from mainstay.estate.collections.people import Person, Team
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
from mainstay.estate.collections.sources import (
    Format,
    JsonMap,
    SeverityMap,
    Source,
)
from mainstay.estate.collections.text import Id, Part, Target

__all__ = [
    "DEFAULT_PRIORITIES",
    "Calendar",
    "Escalation",
    "Estate",
    "Format",
    "Handover",
    "Holidays",
    "Incidents",
    "JsonMap",
    "Layer",
    "Only",
    "Org",
    "Person",
    "Priorities",
    "Repeat",
    "Rotate",
    "Route",
    "Schedule",
    "Service",
    "SeverityMap",
    "Source",
    "Step",
    "Target",
    "Team",
    "Turn",
    "handover",
]


class Estate(Part):
    """Everything that is declared. References are ids; `estate.read` has checked every one."""

    org: Org
    calendars: dict[Id, Calendar] = {}
    teams: dict[Id, Team] = {}
    people: dict[Id, Person] = {}
    sources: dict[Id, Source] = {}
    routes: list[Route] = []
    schedules: dict[Id, Schedule] = {}
    priorities: Priorities = DEFAULT_PRIORITIES
    escalations: dict[Id, Escalation] = {}
    services: dict[Id, Service] = {}

    @field_validator("priorities")
    @classmethod
    def _over_the_defaults(cls, given: Priorities) -> Priorities:
        """What a table leaves out is as in the default one."""
        return {tier: default | given.get(tier, {}) for tier, default in DEFAULT_PRIORITIES.items()}
