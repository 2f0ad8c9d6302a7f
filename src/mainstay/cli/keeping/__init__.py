"""Keeping: proof of the record, backups, and where what this install knows is kept."""

from __future__ import annotations

import click

from mainstay.cli.keeping.audit import audit
from mainstay.cli.keeping.backups import make, restore
from mainstay.cli.keeping.moves import migrate
from mainstay.cli.keeping.secret_keys import secrets


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    for command in (make, restore, audit, migrate, secrets):
        group.add_command(command)
