"""Restores a backup into an empty folder or database: everything is there, or it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from mainstay.foundation import due, record
from mainstay.foundation.backup.manifest import Manifest, Table
from mainstay.foundation.backup.read import Backup, Values
from mainstay.foundation.backup.write import sync_folder
from mainstay.foundation.clock import from_us, to_text
from mainstay.foundation.db import (
    Database,
    Place,
    Tx,
    counted,
    open_database,
    peek,
    schema_number,
    schema_of,
    tables,
)
from mainstay.foundation.errors import Conflict, Corrupt, Refused

UNDER_WAY = "restore.under_way"
"""A mark in a database that is being filled."""
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


def restore(backup: Backup, place: Place, *, now: datetime) -> Restored:
    """Make the database of a backup at `place`: in an empty folder, or on a server in an empty
    database. Everything is there at the end; what was killed in the middle is refused by `serve`.
    """
    check_schema(backup.manifest)
    if place.url:
        return _on_server(backup, place, now)
    folder = place.path.parent
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(
            f"{folder} is not empty; a backup is restored into an empty folder. Nothing was done."
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = place.path.with_name(f".{place.path.name}.part")
    done = _into(Place(part), backup, now)
    for left in (part.with_name(f"{part.name}-wal"), part.with_name(f"{part.name}-shm")):
        left.unlink(missing_ok=True)
    part.replace(place.path)  # last: who was killed has left no database
    sync_folder(folder)
    return done


def _on_server(backup: Backup, place: Place, now: datetime) -> Restored:
    if peek(place, schema_of):
        raise Conflict(
            f"{place} holds a Mainstay already; a backup is restored into an empty database. "
            "Nothing was done."
        )
    return _into(place, backup, now)


def _into(place: Place, backup: Backup, now: datetime) -> Restored:
    with closing(open_database(place, upto=backup.manifest.schema)) as db:
        db.run(lambda tx: record.mark(tx, UNDER_WAY, 1))
        fill(db, backup)
    with closing(open_database(place)) as db:  # from the backup's schema to ours
        return finish(db, backup, now=now)


def check_whole(tx: Tx) -> None:
    """Refuse a database in which a restore was killed."""
    if record.marked(tx, UNDER_WAY):
        raise Refused(
            "A backup was being restored into this database, and that did not come to its end. "
            "Empty the database, and restore again."
        )


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
    db.run(lambda tx: _count_on(tx, backup.manifest.schema))


def _count_on(tx: Tx, schema: int) -> None:
    """New rows are numbered after the restored ones; SQLite sees to that by itself."""
    if tx.engine == "sqlite":
        return
    for table, column in counted(schema):
        last = f"(SELECT max({column}) FROM {table})"  # noqa: S608
        tx.value(f"SELECT setval(pg_get_serial_sequence(:t, :c), {last})", t=table, c=column)


def _fill_table(db: Database, table: Table, rows: Iterator[Values]) -> None:
    # The names are those of our own schema, and `read_manifest` lets pass nothing but words.
    into = f"INSERT INTO {table.name}"
    before = _rows_in(db, table)
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        db.run(lambda tx, batch=batch: tx.insert(into, batch))  # type: ignore[misc]
    count = _rows_in(db, table) - before
    if count != table.rows:
        raise Corrupt(f"{table.name} has {count} rows; {table.rows} were in the backup.")


def _rows_in(db: Database, table: Table) -> int:
    return int(db.read(lambda tx: tx.value(f"SELECT count(*) FROM {table.name}")))  # noqa: S608


def finish(db: Database, backup: Backup, *, now: datetime) -> Restored:
    """Prove, give back what was claimed, and write into the record what happened."""
    manifest = backup.manifest
    verdict = db.read(record.verify)
    if verdict.broken is not None:
        raise Corrupt(f"The record of the backup is not whole: {verdict.broken}.")

    def work(tx: Tx) -> int:
        freed = due.release_all(tx, now=now)
        record.unmark(tx, UNDER_WAY)
        made_at = to_text(from_us(manifest.made_at_us))
        words = f"restored from {backup.path.name}, which holds the state of {made_at}"
        facts = {"made_at": made_at, "head": manifest.record.head, "rows": manifest.rows}
        version = record.latest_version(tx)
        fact = record.Fact("backup.restored", backup.path.name, words, facts=facts)
        record.write(tx, [fact], now=now, estate_version=version)
        return freed

    return Restored(manifest, verdict, schema_number(), db.run(work))
