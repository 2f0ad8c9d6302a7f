"""What is watched: checks, and the calendars that they go by."""

from __future__ import annotations

import click

from mainstay.cli.watch.calendars import calendar
from mainstay.cli.watch.checks import checks

__all__ = ["register"]


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    group.add_command(checks)
    group.add_command(calendar)
