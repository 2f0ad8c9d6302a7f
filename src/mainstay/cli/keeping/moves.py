"""`mainstay migrate`: an embedded install moves to PostgreSQL, with its server stopped."""

from __future__ import annotations

import os

import click

from mainstay.cli.desk import Verbs, desk_of
from mainstay.foundation.db import place_of
from mainstay.foundation.moving import move

verbs = Verbs("keeping")


@verbs.command()
@click.option("--to", required=True, metavar="URL", help="postgresql://user@host:port/name")
@click.option(
    "--password", metavar="REFERENCE", help="env:NAME or file:/path, never the password itself."
)
@click.pass_context
def migrate(ctx: click.Context, to: str, password: str | None) -> None:
    """Move this install to PostgreSQL; stop its server first.

    Killed in the middle, run it again: it goes on where it was. Nothing is deleted.

    \b
    Example: mainstay migrate --to postgresql://mainstay@db.example/mainstay
    """
    wanted = {"database": to} | ({"database_password": password} if password else {})
    desk = desk_of(ctx, wanted)
    os.umask(0o077)
    target = place_of(desk.settings().settings, environment=desk.environment)
    moved = move(target, tell=lambda line: None if desk.json else desk.say(line))
    if not desk.dump({
        "rows": moved.rows, "tables": moved.tables, "seals": moved.seals, "head": moved.head,
        "nuls": moved.nuls, "settings": wanted,
    }):  # fmt: skip
        desk.say(f"The record is whole: {moved.seals} seals, head {moved.head}")
        if moved.nuls:
            desk.say(
                f"{moved.nuls} texts held a NUL, which PostgreSQL cannot hold; ␀ stands there."
            )
        desk.say("Now set this in mainstay.toml, and start Mainstay:")
        for name, value in wanted.items():
            desk.say(f'{name} = "{value}"')
