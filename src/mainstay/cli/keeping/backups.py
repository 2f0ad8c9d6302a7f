"""Backups by hand: make one, restore one."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import click

from mainstay.cli.desk import Desk, Verbs, at_desk
from mainstay.cli.install import place_here
from mainstay.cli.keeping.passphrase import PASSPHRASE, passphrase_of
from mainstay.cli.show import clean
from mainstay.foundation import backup, record, sealing
from mainstay.foundation.clock import text_of_us
from mainstay.foundation.db import Place, open_database, peek, place_of, schema_number, schema_of
from mainstay.foundation.errors import MainstayError, Refused
from mainstay.foundation.sealing import Keys, Ring
from mainstay.people import OPERATOR

verbs = Verbs("backups")
_FILE = click.Path(path_type=Path)


@verbs.command("backup")
@click.argument("file", required=False, metavar="[FILE]", type=_FILE)
@PASSPHRASE
@at_desk
def make(desk: Desk, file: Path | None, passphrase: str | None) -> None:
    """Back up this install, while it runs: one file, written whole and read back.

    Without FILE it goes into the folder of backup.to, or else into this one, named by the time.

    \b
    Example: mainstay backup /mnt/backups/before-the-move.zip
    """
    os.umask(0o077)
    place, now = place_here(desk), desk.now()
    secret = passphrase_of(desk, passphrase)
    folder = desk.settings().settings.backup.to or Path.cwd()
    name = backup.file_name(now, sealed=secret is not None, why="by-hand")
    made = backup.make(place, file or folder / name, now=now, passphrase=secret)
    noted = _note(desk, place, made)
    facts = made.manifest
    if not desk.dump({
        "file": made.path, "size_bytes": made.size_bytes, "sha256": made.sha256,
        "schema": facts.schema, "rows": facts.rows, "tables": len(facts.tables),
        "record_rows": facts.record.rows, "head": facts.record.head, "encrypted": bool(secret),
        "noted": noted,
    }):  # fmt: skip
        how = "encrypted" if secret else "not encrypted"
        desk.say(f"Wrote {made.path}: {facts.rows} rows of {len(facts.tables)} tables, {how}.")
        desk.say(f"Read back and found whole; {made.size_bytes} bytes, SHA-256 {made.sha256}")
        desk.say(f"The record in it ends with {facts.record.head or 'no seal yet'}")
        if not noted:
            desk.say("The record could not be told of it: the database cannot be written now.")


def _note(desk: Desk, place: Place, made: backup.Made) -> bool:
    """Who took everything, and when. Not into a database that this would migrate."""
    if peek(place, schema_of) != schema_number():
        return False
    words = f"{OPERATOR.id} made a backup: {made.manifest.rows} rows, to {made.path}"
    facts = {"sha256": made.sha256, "rows": made.manifest.rows, "head": made.manifest.record.head}
    actor = f"person:{OPERATOR.id}"
    fact = record.Fact("backup.made", Path(made.path).name, words, actor=actor, facts=facts)
    with closing(open_database(place)) as db:
        version = db.read(record.latest_version)
        db.run(lambda tx: record.write(tx, [fact], now=desk.now(), estate_version=version))
    return True


@verbs.command()
@click.argument("file", metavar="FILE", type=_FILE)
@click.option("--check", is_flag=True, help="Only read all of it and say whether it is whole.")
@click.option(
    "--without-key", is_flag=True, help="Although the key of its secrets is not here, or lost."
)
@PASSPHRASE
@at_desk
def restore(desk: Desk, file: Path, check: bool, without_key: bool, passphrase: str | None) -> None:
    """Make an install of a backup: in an empty data folder (--data DIR), or in an empty database
    of PostgreSQL when the settings name one. It may have been made of either.

    Counts and the chain of the record are proved before the database gets its name. What was due
    when the backup was made is due at once: its next page goes out when the server starts.

    \b
    Example: mainstay restore /mnt/backups/mainstay-20261124T101500Z.zip --data /var/lib/mainstay
    """
    os.umask(0o077)
    with backup.open_backup(file, passphrase=passphrase_of(desk, passphrase)) as found:
        facts = found.manifest
        at = text_of_us(facts.made_at_us)
        answer = {"file": str(file), "at": at, "version": facts.version, "schema": facts.schema,
                  "rows": facts.rows, "head": facts.record.head}  # fmt: skip
        if check:
            verdict = found.check()
            key = backup.key_of(found)
            if not desk.dump({**answer, "ok": True, "unsealed": verdict.unsealed, "key": key}):
                if key is not None:
                    desk.say(f"Its secrets are sealed under key {key}, which is not in it.")
                desk.say(f"{file} is whole: {facts.rows} rows, as of {at}; the record holds.")
            return
        settings = desk.settings().settings
        if not without_key:
            _check_key(desk, found)
        place = place_of(settings, environment=desk.environment)
        done = backup.restore(found, place, now=desk.now())
    if not desk.dump({**answer, "database": str(place), "leases": done.leases,
                      "nuls": done.nuls}):  # fmt: skip
        desk.say(f"Restored {facts.rows} rows into {place}: the state of {at}.")
        if done.nuls:
            desk.say(
                f"{done.nuls} texts held a NUL, which no database of ours holds; ␀ stands there."
            )
        desk.say(f"The record is whole; it ends with {done.verdict.head}")
        desk.say(
            f"Start it with: mainstay serve --data {clean(settings.data_dir)} – it pages at once."
        )


def _check_key(desk: Desk, found: backup.Backup) -> None:
    """Refused unless what is sealed in it can be opened here."""
    keys = Keys.of(desk.settings().settings, environment=desk.environment)
    row = next(found.rows("foundation_sealing"), None)
    try:
        sealing.check(row, Ring(keys))
    except MainstayError as error:
        raise Refused(
            f"The secrets in {found.path} do not open here, and nothing was restored. "
            f"{error.sentence} Or restore it all the same, with --without-key, and then reset them."
        ) from error
