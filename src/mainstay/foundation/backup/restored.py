"""Restores a backup into an empty folder: everything is there, or nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from mainstay.foundation import due, record
from mainstay.foundation.backup.manifest import Manifest, Table
from mainstay.foundation.backup.read import Backup, Values
from mainstay.foundation.backup.write import sync_folder
from mainstay.foundation.clock import from_us, to_text
from mainstay.foundation.db import Database, Tx, open_database, schema_number, tables
from mainstay.foundation.errors import Conflict, Corrupt, Refused

ROWS_AT_ONCE = 2_000
"""Rows in one transaction."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and what the proof of its record said."""

    manifest: Manifest
    verdict: record.Verdict
    schema: int
    leases: int
    """Claims that were given back: due at once, whoever held them."""


def restore(backup: Backup, data_dir: Path, *, name: str, now: datetime) -> Restored:
    """Make `data_dir/name` of a backup. Refuses a folder that holds anything.

    The database gets its name last: a restore that was killed has left no database.
    """
    check_schema(backup.manifest)
    if data_dir.exists() and any(data_dir.iterdir()):
        raise Conflict(
            f"{data_dir} is not empty; a backup is restored into an empty folder. Nothing was done."
        )
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = data_dir / f".{name}.part"
    with closing(open_database(part, upto=backup.manifest.schema)) as db:
        fill(db, backup)
    with closing(open_database(part)) as db:  # from the backup's schema to ours
        done = finish(db, backup, now=now)
    for left in (part.with_name(f"{part.name}-wal"), part.with_name(f"{part.name}-shm")):
        left.unlink(missing_ok=True)
    part.replace(data_dir / name)
    sync_folder(data_dir)
    return done


def check_schema(manifest: Manifest) -> None:
    """Refuse what only a newer program can read."""
    if manifest.schema > schema_number():
        raise Refused(
            f"This backup has schema {manifest.schema}, made by Mainstay {manifest.version}; this "
            f"program knows schemas up to {schema_number()}. Restore it with that version or newer."
        )


def fill(db: Database, backup: Backup) -> None:
    """Every row of the backup into a database that has its schema and no rows."""
    known = tables(backup.manifest.schema)
    found = {table.name: table for table in backup.manifest.tables}
    if set(known) != set(found):
        odd = ", ".join(sorted(set(known) ^ set(found)))
        raise Corrupt(
            f"The backup's tables are not those of schema {backup.manifest.schema}: {odd}."
        )
    for name in known:  # in the order in which they refer to each other
        _fill_table(db, found[name], backup.rows(name))


def _fill_table(db: Database, table: Table, rows: Iterator[Values]) -> None:
    columns = ", ".join(table.columns)
    places = ", ".join(f":{column}" for column in table.columns)
    # The names are those of our own schema, and `read_manifest` lets pass nothing but words.
    sql = f"INSERT INTO {table.name} ({columns}) VALUES ({places})"  # noqa: S608
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        db.run(lambda tx, batch=batch: tx.many(sql, batch))  # type: ignore[misc]
    count = db.read(lambda tx: tx.value(f"SELECT count(*) FROM {table.name}"))  # noqa: S608
    if count != table.rows:
        raise Corrupt(f"{table.name} has {count} rows; {table.rows} were in the backup.")


def finish(db: Database, backup: Backup, *, now: datetime) -> Restored:
    """Prove, give back what was claimed, and write into the record what happened."""
    manifest = backup.manifest
    verdict = db.read(record.verify)
    if verdict.broken is not None:
        raise Corrupt(f"The record of the backup is not whole: {verdict.broken}.")

    def work(tx: Tx) -> int:
        freed = due.release_all(tx, now=now)
        made_at = to_text(from_us(manifest.made_at_us))
        words = f"restored from {backup.path.name}, which holds the state of {made_at}"
        facts = {"made_at": made_at, "head": manifest.record.head, "rows": manifest.rows}
        version = record.latest_version(tx)
        fact = record.Fact("backup.restored", backup.path.name, words, facts=facts)
        record.write(tx, [fact], now=now, estate_version=version)
        return freed

    return Restored(manifest, verdict, schema_number(), db.run(work))
