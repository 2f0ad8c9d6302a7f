"""The key that secrets in the database are sealed under: change it, or give up a lost one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

import click

from mainstay import sealed
from mainstay.cli.desk import Desk, Verbs, at_desk
from mainstay.cli.install import place_here
from mainstay.foundation import backup
from mainstay.foundation.db import Database, open_database
from mainstay.foundation.errors import Invalid
from mainstay.foundation.sealing import Keys
from mainstay.foundation.secrets import check_reference
from mainstay.people import OPERATOR

verbs = Verbs("secrets")
ACTOR = f"person:{OPERATOR.id}"


@verbs.group()
def secrets() -> None:
    """The key that secrets in the database are sealed under."""


@secrets.command()
@click.option(
    "--to",
    metavar="REFERENCE",
    help="Where the new key is: file:/path or env:NAME. One is made if not given.",
)
@at_desk
def rotate(desk: Desk, to: str | None) -> None:
    """Seal every secret anew, under a new key; works beside a running server.

    All of them, or none. Keep the old key for as long as you keep backups made under it.

    \b
    Example: mainstay secrets rotate
    """
    keys = _keys(desk)
    target = None if to is None else Keys(_reference(to), keys.data_dir, desk.environment)
    with _open(desk) as db:
        done = sealed.rotate(db, keys, to=target, actor=ACTOR, now=desk.now())
    _tell(desk, done, where=(target or keys).where)
    if to is not None and to != keys.reference and not desk.json:
        desk.say(f'Now set this in mainstay.toml, on every node:\n[secrets]\nkey = "{to}"')


@secrets.command()
@click.option("--yes", is_flag=True, help="Without it nothing is done.")
@at_desk
def reset(desk: Desk, yes: bool) -> None:
    """The key is lost for good: give up what was sealed under it, and go on under another.

    One-time codes and devices must be set up anew by those who had them; until then a password alone
    lets people in, unless sign_in.totp is required. Heartbeats get new UUIDs; their jobs need not be
    changed, for the old ones still ping them.

    \b
    Example: mainstay secrets reset --yes
    """
    if not yes:
        raise Invalid(
            "This gives up every one-time code and every device that rings. If the key may still be "
            "found, find it; else say it again with --yes."
        )
    keys = _keys(desk)
    with _open(desk) as db:
        done = sealed.reset(db, keys, actor=ACTOR, now=desk.now())
    _tell(desk, done, where=keys.where)


def _keys(desk: Desk) -> Keys:
    return Keys.of(desk.settings().settings, environment=desk.environment)


@contextmanager
def _open(desk: Desk) -> Iterator[Database]:
    os.umask(0o077)
    place, settings = place_here(desk), desk.settings().settings
    backup.before_upgrade(place, settings, environment=desk.environment, now=desk.now())
    with closing(open_database(place)) as db:
        yield db


def _reference(text: str) -> str:
    try:
        return check_reference(text)
    except ValueError as error:
        raise Invalid(f"--to: {error}.") from None


def _tell(desk: Desk, done: sealed.Rotated, *, where: str) -> None:
    told = {"old": done.old, "new": done.new, "secrets": done.secrets, "where": where}
    if desk.dump(told | {"heartbeats": done.heartbeats}):
        return
    desk.say(f"Key {done.new} is in force, in {where}; secrets: {done.secrets}.")
    if done.old is not None:
        desk.say(f"Key {done.old} opens nothing any more but backups made under it.")
    if done.heartbeats:
        desk.say(f"Heartbeats with a new UUID: {done.heartbeats}; the old ones still ping them.")
