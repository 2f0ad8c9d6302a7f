"""The registry of doors: a new format is one file and one line here."""

from __future__ import annotations

from mainstay.foundation.errors import Corrupt, Forbidden
from mainstay.signals.formats import (
    alertmanager,
    alertmanager_webhook,
    check,
    json_map,
    pagerduty,
    report,
)
from mainstay.signals.formats.door import Door

DOORS: tuple[Door, ...] = (
    *alertmanager.DOORS,
    *alertmanager_webhook.DOORS,
    *pagerduty.DOORS,
    *json_map.DOORS,
    *report.DOORS,
    *check.DOORS,
)


def door_named(name: str) -> Door:
    """The door by the name that is stored with each request. Corrupt if no such is left."""
    for one in DOORS:
        if one.name == name:
            return one
    raise Corrupt(f"A stored signal came by a door that this program does not have: {name}.")


def choose(candidates: tuple[Door, ...], format: str) -> Door:
    """Of the doors at one path, the one for the format of the key's source.

    Forbidden names the paths that this key does open.
    """
    for one in candidates:
        if one.format == format:
            return one
    if format == "heartbeat":
        raise Forbidden("This key belongs to a source of heartbeats; it opens /ping/KEY/NAME.")
    paths = ", ".join(path for one in DOORS if one.format == format for path in one.paths[:1])
    raise Forbidden(f"This key belongs to a source of format {format}; send to {paths} instead.")
