"""The shift's own work: the start of day, the log, the handover."""

from __future__ import annotations

import click

from mainstay.cli.duty import day, health, passing


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    day.register(group)
    passing.register(group)
    health.register(group)
