"""The organisation: one install is one organisation."""

from __future__ import annotations

from datetime import time, timedelta

from mainstay.estate.collections.text import Duration, Paging, Part, Priority, WallClock, Zone


class Incidents(Part):
    """How incidents behave, where the defaults do not suit."""

    join_within: Duration = timedelta(minutes=10)
    """A dependency's alert joins an open incident this long after its last new alert."""
    reopen_within: Duration = timedelta(minutes=15)
    """The same fault within this time after it resolved reopens the incident."""
    acknowledge_for: dict[Priority, Duration] = {
        "P1": timedelta(hours=1),
        "P2": timedelta(hours=1),
    }
    """How long an acknowledgement holds; a priority that is not named: until resolved."""
    update_every: dict[Priority, Duration] = {
        "P1": timedelta(minutes=30),
        "P2": timedelta(hours=1),
    }
    """How often the business hears of an open incident; a priority that is not named: no clock."""
    labels: dict[Priority, str] = {}
    """What people here call a priority: {P1: SEV 1}."""


class Org(Part):
    """Who we are, and the defaults of the whole estate."""

    name: str
    """As people call it."""
    timezone: Zone = "UTC"
    """Of every schedule and person that names none."""
    business_day_starts: WallClock = time(0, 0)
    """What happens before belongs to the business day before. Checks, files and reports go by it."""
    paging: Paging = "live"
    """`shadow` decides and records everything and sends nothing."""
    prometheus: str | None = None
    """Where the Prometheus answers that checks query: `http://prometheus.example:9090`."""
    incidents: Incidents = Incidents()
    """How incidents behave."""
