"""Keeping: where what this install knows is kept."""

from __future__ import annotations

import click

from mainstay.cli.keeping.moves import migrate


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    for command in (migrate,):
        group.add_command(command)
