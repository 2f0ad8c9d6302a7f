"""Backups that are made by themselves: as the settings want them, and before an upgrade."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from mainstay.foundation.backup.keep import prune
from mainstay.foundation.backup.manifest import Manifest
from mainstay.foundation.backup.read import open_backup
from mainstay.foundation.backup.write import file_name, write_backup
from mainstay.foundation.db import Place, peek, schema_number, schema_of
from mainstay.foundation.secrets import resolve
from mainstay.foundation.settings import Settings

FOLDER = "backups"
"""In the data folder, for those before an upgrade, while `backup.to` names no better place."""
log = logging.getLogger("mainstay.backup")


class Made(msgspec.Struct, frozen=True):
    """A backup that was written, read back and found whole."""

    path: str
    size_bytes: int
    sha256: str
    """Of the file."""
    manifest: Manifest


def make(place: Place, target: Path, *, now: datetime, passphrase: str | None = None) -> Made:
    """Write the database to `target`, then read all of it back. Holds up no writer of it."""
    manifest = peek(place, lambda tx: write_backup(tx, target, now=now, passphrase=passphrase))
    with open_backup(target, passphrase=passphrase) as written:
        written.check()
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Made(str(target), target.stat().st_size, digest, manifest)


def make_and_prune(
    place: Place, folder: Path, *, keep: int, keep_days: int, now: datetime,
    passphrase: str | None = None,
) -> Made:  # fmt: skip
    """The next backup of a folder; older ones go only after the new one was found whole."""
    target = folder / file_name(now, sealed=passphrase is not None)
    made = make(place, target, now=now, passphrase=passphrase)
    prune(folder, keep=keep, keep_days=keep_days, now=now)
    return made


def before_upgrade(
    place: Place, settings: Settings, *, environment: Mapping[str, str], now: datetime
) -> Made | None:
    """A backup of a database that this program is about to migrate; None when it is not.

    Raises when it cannot be made: there would be no way back.
    """
    wanted = settings.backup
    if not wanted.before_upgrade or not place.exists:
        return None
    have = peek(place, schema_of)
    if not 0 < have < schema_number():
        return None
    passphrase = passphrase_of(settings, environment=environment)
    why = f"schema-{have}-before-{schema_number()}"
    folder = wanted.to or settings.data_dir / FOLDER
    target = folder / file_name(now, sealed=passphrase is not None, why=why)
    made = make(place, target, now=now, passphrase=passphrase)
    log.warning(
        "this version brings the schema from %d to %d; the way back is the backup %s",
        have, schema_number(), made.path,
    )  # fmt: skip
    return made


def passphrase_of(settings: Settings, *, environment: Mapping[str, str]) -> str | None:
    """What backups are encrypted by; None when they are not."""
    where = settings.backup.passphrase
    return resolve(where, environment=environment) if where else None
