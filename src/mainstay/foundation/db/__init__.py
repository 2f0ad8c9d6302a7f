"""The database: one writer with group commit, many readers, SQL as text with `:name`.

The transaction contract
------------------------
`await db.write(fn)` (or `db.run(fn)` from a thread) queues `fn(tx)`. The writer takes what is
waiting, runs each call in a SAVEPOINT, commits once (one fsync for all), and only then resolves
the futures: whoever got an answer got a durable one. After an error only that call fails and
leaves nothing; when the commit itself fails, every call of the batch fails. `fn` must be quick,
must not wait for anything outside, and may be run again: by its caller, or by the engine when the
server ended the transaction in favour of another.

Reads (`db.read(fn)`) take their own connection and see the last commit.

`tx.py` is the face that rooms see, `writer.py` the queue; `sqlite.py` and `postgres.py` are the
engines, `dialect.py` what they say differently, `migrations.py` the schema, `durable.py` what a
server must promise before we write to it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from mainstay.foundation.db.dialect import statements
from mainstay.foundation.db.durable import (
    DURABLE,
    Standing,
    in_force,
    require_durable,
    require_primary,
    standing,
)
from mainstay.foundation.db.migrations import counted, migrations, schema_number, schema_of, tables
from mainstay.foundation.db.place import Place, place_of
from mainstay.foundation.db.sqlite import migrate, open_sqlite, peek_sqlite, sqlite_in_force
from mainstay.foundation.db.tx import Row, Tx, storable
from mainstay.foundation.db.writer import Call, Database
from mainstay.foundation.errors import Invalid

__all__ = [
    "DURABLE",
    "Database",
    "Place",
    "Row",
    "Standing",
    "Tx",
    "build_on_server",
    "counted",
    "in_force",
    "migrate",
    "migrations",
    "open_database",
    "peek",
    "peek_sqlite",
    "place_of",
    "require_durable",
    "require_primary",
    "schema_number",
    "schema_of",
    "sqlite_in_force",
    "standing",
    "statements",
    "storable",
    "tables",
    "write_beside",
]

T = TypeVar("T")


def open_database(
    place: Place | Path, *, upto: int | None = None, moving: bool = False
) -> Database:
    """The database at `place`, created and migrated where needed; a path is SQLite's file.

    `upto`: the schema to stop at, for what an older program has saved. `moving`: also what an
    install is being moved from, or to. Refuses one that a newer Mainstay has migrated, and a server
    that may lose what it commits.
    """
    if isinstance(place, Path) or not place.url:
        path = place if isinstance(place, Path) else place.path
        return Database(open_sqlite(path, upto=upto, moving=moving))
    engine = _postgres(place)
    try:
        engine.migrate(upto=upto, moving=moving)
    except BaseException:
        engine.close()
        raise
    return Database(engine)


def build_on_server(
    place: Place, fill: Callable[[Tx], object], *, at: int, finish: Callable[[Tx], T]
) -> T:
    """An empty database of PostgreSQL gets schema `at`, what `fill` writes, then our schema and
    what `finish` writes; its answer. All of it, or nothing. Conflict when the database is not empty.
    """
    engine = _postgres(place)
    try:
        found: T = engine.build(fill, at=at, finish=finish)
        return found
    finally:
        engine.close()


def peek(place: Place, question: Callable[[Tx], T]) -> T:
    """Ask without any way to change the database, migrate it, or hold up its server."""
    if not place.url:
        return peek_sqlite(place.path, question)
    engine = _postgres(place)
    try:
        found: T = engine.peek(question)
        return found
    finally:
        engine.close()


def write_beside(place: Place, work: Callable[[Tx], T]) -> T:
    """Commit `work` on a server, by a connection of its own, beside all that pages.

    `work` decides by nothing but rows of its own, as an append.
    """
    engine = _postgres(place)
    call = Call(work, Future(), None)
    try:
        engine.commit([call], serial=False)
    finally:
        engine.close()
    if call.error is not None:
        raise call.error
    done: T = call.value
    return done


def _postgres(place: Place) -> Any:
    """The engine whose library is not part of the base install."""
    try:
        module = importlib.import_module("mainstay.foundation.db.postgres")
    except ModuleNotFoundError as error:
        raise Invalid(
            "PostgreSQL needs its client library: pip install 'mainstay[postgres]'."
        ) from error
    return module.Postgres(place)
