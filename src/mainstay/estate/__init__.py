"""The estate: what is supported, as code. Read it, check it, store it, ask it.

Files are read by `read` or `check`; `save` makes them a version, `current` is the one in force.
Questions: `Graph`, `Days`, `Routes`, `policy_of`, `priority_of`, `is_shadow`.
"""

from __future__ import annotations

from mainstay.estate.collections import (
    DEFAULT_PRIORITIES,
    Calendar,
    Escalation,
    Estate,
    Format,
    Handover,
    Holidays,
    Incidents,
    JsonMap,
    Layer,
    Only,
    Org,
    Person,
    Priorities,
    Repeat,
    Rotate,
    Route,
    Schedule,
    Service,
    SeverityMap,
    Source,
    Step,
    Target,
    Team,
    Turn,
    handover,
)
from mainstay.estate.collections.text import (
    ID_PATTERN,
    Priority,
    Severity,
    target,
    wall_clock,
)
from mainstay.estate.days import Days, days, is_business_day, why
from mainstay.estate.graph import Graph
from mainstay.estate.plan import Difference, differences
from mainstay.estate.read import Checked, check, from_values, read
from mainstay.estate.reading.json_path import Condition, JsonPath, condition, json_path, text_of
from mainstay.estate.reading.problems import CODES, BadEstate, Problem, nearest, problem
from mainstay.estate.routing import (
    UNROUTED,
    Pattern,
    Routed,
    Routes,
    is_shadow,
    policy_of,
    priority_of,
)
from mainstay.estate.schema import json_schema
from mainstay.estate.starter import starter
from mainstay.estate.store import Version, current, current_number, digest, get, history, save
from mainstay.estate.view import SELF, View, Views

__all__ = [
    "CODES",
    "DEFAULT_PRIORITIES",
    "ID_PATTERN",
    "SELF",
    "UNROUTED",
    "BadEstate",
    "Calendar",
    "Checked",
    "Condition",
    "Days",
    "Difference",
    "Escalation",
    "Estate",
    "Format",
    "Graph",
    "Handover",
    "Holidays",
    "Incidents",
    "JsonMap",
    "JsonPath",
    "Layer",
    "Only",
    "Org",
    "Pattern",
    "Person",
    "Priorities",
    "Priority",
    "Problem",
    "Repeat",
    "Rotate",
    "Route",
    "Routed",
    "Routes",
    "Schedule",
    "Service",
    "Severity",
    "SeverityMap",
    "Source",
    "Step",
    "Target",
    "Team",
    "Turn",
    "Version",
    "View",
    "Views",
    "check",
    "condition",
    "current",
    "current_number",
    "days",
    "differences",
    "digest",
    "from_values",
    "get",
    "handover",
    "history",
    "is_business_day",
    "is_shadow",
    "json_path",
    "json_schema",
    "nearest",
    "policy_of",
    "priority_of",
    "problem",
    "read",
    "save",
    "starter",
    "target",
    "text_of",
    "wall_clock",
    "why",
]
