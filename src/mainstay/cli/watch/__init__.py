"""What is watched: checks, heartbeats, calendars; and what other systems watch, read into the estate."""

from __future__ import annotations

import click

from mainstay.cli.watch.calendars import calendar
from mainstay.cli.watch.checks import checks
from mainstay.cli.watch.heartbeats import heartbeats
from mainstay.cli.watch.importing import import_

__all__ = ["register"]


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    for command in (checks, heartbeats, calendar, import_):
        group.add_command(command)
