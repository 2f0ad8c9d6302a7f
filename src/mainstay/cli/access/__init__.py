"""Who may come in, and who can be reached: people, contacts, keys, tokens."""

from __future__ import annotations

import click

from mainstay.cli.access.accounts import people, setup_link
from mainstay.cli.access.contacts import contact
from mainstay.cli.access.keys import key, token


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    for command in (people, contact, key, token, setup_link):
        group.add_command(command)
