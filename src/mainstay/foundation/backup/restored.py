"""Restores a backup into an empty folder or database: everything is there, or it is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from mainstay.foundation import due, record
from mainstay.foundation.backup.manifest import Manifest, Table
from mainstay.foundation.backup.read import Backup, Values
from mainstay.foundation.backup.write import sync_folder
from mainstay.foundation.clock import from_us, to_text
from mainstay.foundation.db import (
    Database,
    Place,
    Tx,
    build_on_server,
    counted,
    open_database,
    peek,
    schema_number,
    schema_of,
    storable,
    tables,
)
from mainstay.foundation.errors import Conflict, Corrupt, Refused

T = TypeVar("T")
ROWS_AT_ONCE = 2_000
BYTES_AT_ONCE = 8 << 20
"""What is held in memory: rows, and of long ones (a raw signal has up to a megabyte) bytes."""
Run = Callable[[Callable[[Tx], T]], T]
"""Runs a piece of work in a transaction: in one of its own, or in the one that is open."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and what the proof of its record said."""

    manifest: Manifest
    verdict: record.Verdict
    schema: int
    leases: int
    """Claims that were given back: due at once, whoever held them."""
    nuls: int
    """Texts that held NUL, which no database of ours holds: ␀ stands there now."""


def restore(backup: Backup, place: Place, *, now: datetime) -> Restored:
    """Make the database of a backup at `place`: in an empty folder, or on a server in an empty
    database. All of it is there at the end; whoever is killed before has left nothing.
    """
    check_schema(backup.manifest)
    if place.url:
        return _on_server(backup, place, now)
    folder = place.path.parent
    part = place.path.with_name(f".{place.path.name}.part")
    for left in folder.glob(f"{part.name}*"):  # of a restore that was killed
        left.unlink()
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(
            f"{folder} is not empty; a backup is restored into an empty folder. Nothing was done."
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
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
    filling = Filling(backup)

    def fill_all(tx: Tx) -> None:
        filling.fill(lambda work: work(tx))

    schema = backup.manifest.schema
    return build_on_server(
        place, fill_all, at=schema, finish=lambda tx: _finish(tx, filling, now=now)
    )


def _into(place: Place, backup: Backup, now: datetime) -> Restored:
    filling = Filling(backup)
    with closing(open_database(place, upto=backup.manifest.schema)) as db:
        filling.fill(db.run)
    with closing(open_database(place)) as db:  # from the backup's schema to ours
        return db.run(lambda tx: _finish(tx, filling, now=now))


def check_schema(manifest: Manifest) -> None:
    """Refuse what only a newer program can read."""
    if manifest.schema > schema_number():
        raise Refused(
            f"This backup has schema {manifest.schema}, made by Mainstay {manifest.version}; this "
            f"program knows schemas up to {schema_number()}. Restore it with that version or newer."
        )


def fill(db: Database, backup: Backup) -> None:
    """Every row of the backup into a database that has its schema and no rows."""
    Filling(backup).fill(db.run)


class Filling:
    """A backup on its way into a database; `nuls`: texts that cannot be there as they were."""

    def __init__(self, backup: Backup) -> None:
        self.backup = backup
        self.nuls = 0

    def fill(self, run: Run[Any]) -> None:
        """Every row, into tables that have the backup's schema and no rows."""
        schema = self.backup.manifest.schema
        known = tables(schema)
        found = {table.name: table for table in self.backup.manifest.tables}
        if set(known) != set(found):
            odd = ", ".join(sorted(set(known) ^ set(found)))
            raise Corrupt(f"The backup's tables are not those of schema {schema}: {odd}.")
        self.nuls = 0
        for name in known:  # in the order in which they refer to each other
            self._fill_table(run, found[name])
        run(lambda tx: _count_on(tx, schema))

    def _fill_table(self, run: Run[Any], table: Table) -> None:
        # The names are those of our own schema, and `read_manifest` lets pass nothing but words.
        into = f"INSERT INTO {table.name}"
        before = run(lambda tx: _rows_in(tx, table))
        for rows in _pieces(self.backup.rows(table.name)):
            kept = [self._storable(row) for row in rows]
            run(lambda tx, kept=kept: tx.insert(into, kept))  # type: ignore[misc]
        count = run(lambda tx: _rows_in(tx, table)) - before
        if count != table.rows:
            raise Corrupt(f"{table.name} has {count} rows; {table.rows} were in the backup.")

    def _storable(self, row: Values) -> Values:
        kept = {name: storable(value) for name, value in row.items()}
        self.nuls += sum(kept[name] is not value for name, value in row.items())
        return kept


def _pieces(rows: Iterator[Values]) -> Iterator[list[Values]]:
    piece: list[Values] = []
    size = 0
    for row in rows:
        piece.append(row)
        size += sum(len(value) for value in row.values() if isinstance(value, str | bytes))
        if len(piece) == ROWS_AT_ONCE or size > BYTES_AT_ONCE:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _rows_in(tx: Tx, table: Table) -> int:
    return int(tx.value(f"SELECT count(*) FROM {table.name}"))  # noqa: S608


def _count_on(tx: Tx, schema: int) -> None:
    """New rows are numbered after the restored ones; SQLite sees to that by itself."""
    if tx.engine == "sqlite":
        return
    for table, column in counted(schema):
        last = f"(SELECT max({column}) FROM {table})"  # noqa: S608
        tx.value(f"SELECT setval(pg_get_serial_sequence(:t, :c), {last})", t=table, c=column)


def _finish(tx: Tx, filling: Filling, *, now: datetime) -> Restored:
    """Prove, give back what was claimed, and write into the record what happened."""
    backup, manifest = filling.backup, filling.backup.manifest
    verdict = record.verify(tx)
    if verdict.broken is not None:
        raise Corrupt(f"The record of the backup is not whole: {verdict.broken}.")
    freed = due.release_all(tx, now=now)
    made_at = to_text(from_us(manifest.made_at_us))
    words = f"restored from {backup.path.name}, which holds the state of {made_at}"
    facts = {"made_at": made_at, "head": manifest.record.head, "rows": manifest.rows}
    version = record.latest_version(tx)
    fact = record.Fact("backup.restored", backup.path.name, words, facts=facts)
    record.write(tx, [fact], now=now, estate_version=version)
    return Restored(manifest, verdict, schema_number(), freed, filling.nuls)
