"""The engine of SQLite: WAL, `synchronous=FULL`, one connection that writes."""

from __future__ import annotations

import contextlib
import queue
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from mainstay.foundation.db.migrations import migrations, statements
from mainstay.foundation.db.tx import Tx
from mainstay.foundation.db.writer import Call, Database
from mainstay.foundation.errors import Broken, Corrupt, Refused, Stuck

T = TypeVar("T")
READERS = 4
_NO_ROOM = frozenset(
    (
        sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
    )
)  # fmt: skip
"""What the disk or another process does to us, not what we asked for: it may pass."""


class Sqlite:
    """WAL, `synchronous=FULL`: one connection that writes, some that read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer = _connect(path)
        self._readers: queue.LifoQueue[sqlite3.Connection | None] = queue.LifoQueue()
        for _ in range(READERS):
            self._readers.put(None)

    def close(self) -> None:
        """Close every connection."""
        for _ in range(READERS):
            reader = self._readers.get()
            if reader is not None:
                reader.close()
        self.writer.close()

    def commit(self, batch: list[Call]) -> None:
        """One transaction for all of `batch`; errors land in their call."""
        connection = self.writer
        tx = Tx(connection)
        try:
            connection.execute("BEGIN IMMEDIATE")
            if len(batch) == 1:  # nobody beside it to be kept from its failure
                batch[0].value = batch[0].fn(tx)
            else:
                for call in batch:
                    self._run_one(tx, call)
            connection.execute("COMMIT")
        except BaseException as error:
            failure = _as_stuck(error)
            with contextlib.suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            for call in batch:
                call.error = call.error or failure

    @staticmethod
    def _run_one(tx: Tx, call: Call) -> None:
        connection = tx._connection
        connection.execute("SAVEPOINT one")
        try:
            call.value = call.fn(tx)
        except BaseException as error:
            if not connection.in_transaction:  # SQLite rolled the whole transaction back
                raise
            connection.execute("ROLLBACK TO one")
            call.error = _as_stuck(error)
        connection.execute("RELEASE one")

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on the last committed state; it must not write."""
        with self._reader() as connection:
            try:
                connection.execute("BEGIN")
                return fn(Tx(connection))
            except sqlite3.Error as error:
                raise _as_stuck(error) from error
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        connection = self._readers.get()
        try:
            if connection is None:
                connection = _connect(self.path, read_only=True)
            yield connection
        finally:
            self._readers.put(connection)


def peek_sqlite(path: Path, question: Callable[[Tx], T]) -> T:
    """Ask a file without any way to change it, migrate it, or hold up whoever writes to it."""
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
        with contextlib.closing(connection):
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = 1")
            connection.execute("BEGIN")
            return question(Tx(connection))
    except sqlite3.Error as error:
        raise Stuck(f"{path} cannot be read: {error}.") from error


# -- opening and migrating -----------------------------------------------------------------------


def open_database(path: Path, *, upto: int | None = None) -> Database:
    """The database at `path`, created and migrated where needed: to our schema, or `upto` one.

    Refuses a database that a newer Mainstay has migrated: an old program must not mis-work on it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = not path.exists()
    engine = Sqlite(path)
    if fresh:
        path.chmod(0o600)
    try:
        migrate(engine.writer, upto=upto)
    except BaseException as error:
        engine.close()
        if isinstance(error, sqlite3.DatabaseError):
            raise _opening_error(path, error) from error
        raise
    return Database(engine)


def migrate(connection: sqlite3.Connection, *, upto: int | None = None) -> None:
    """Bring the schema up to this program's version; each migration is one transaction."""
    have = connection.execute("PRAGMA user_version").fetchone()[0]
    known = migrations()
    if have > known[-1][0]:
        raise Refused(
            f"This database has schema {have}, newer than this program's {known[-1][0]}. "
            "Start the newer Mainstay, or restore a backup made before the upgrade."
        )
    for number, text in known:
        if have < number <= (upto or number):
            _migrate_to(connection, number, text)


def _migrate_to(connection: sqlite3.Connection, number: int, text: str) -> None:
    """One migration; nothing is done when another process was quicker."""
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("PRAGMA user_version").fetchone()[0] < number:
        for statement in statements(text):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
    connection.execute("COMMIT")


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=10, cached_statements=256
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL loses acknowledged rows when the power fails (docs/decisions/0001).
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -16384")
        connection.execute(f"PRAGMA query_only = {int(read_only)}")
    except sqlite3.DatabaseError as error:
        raise _opening_error(path, error) from error
    return connection


def _opening_error(path: Path, error: sqlite3.DatabaseError) -> Exception:
    if "not a database" in str(error) or "malformed" in str(error):
        return Corrupt(f"{path} is not a Mainstay database ({error}).")
    return Stuck(f"Cannot open {path}: {error}.")


def _as_stuck(error: BaseException) -> BaseException:
    """Disk and lock trouble as Stuck; anything else as it is."""
    # The low byte of the code is its kind; the rest says more exactly where it went wrong.
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if isinstance(error, sqlite3.OperationalError) and kind in _NO_ROOM:
        full = kind == sqlite3.SQLITE_FULL
        return Stuck(f"The database cannot write: {error}.", retry_after_s=5, disk_full=full)
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.IntegrityError):
        return Broken(f"The database refused a statement: {error}.")
    return error
