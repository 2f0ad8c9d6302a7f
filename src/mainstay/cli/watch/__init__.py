"""What is watched: heartbeats; and what other systems watch, read into the estate."""

from __future__ import annotations

import click

from mainstay.cli.watch.heartbeats import heartbeats


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    group.add_command(heartbeats)
