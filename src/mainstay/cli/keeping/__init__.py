"""Keeping: proof of the record, backups, and what becomes of them."""

from __future__ import annotations

import click

from mainstay.cli.keeping.audit import audit
from mainstay.cli.keeping.backups import make, restore


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    for command in (make, restore, audit):
        group.add_command(command)
