"""The engine of SQLite: WAL, `synchronous=FULL`, one connection that writes."""

from __future__ import annotations

import contextlib
import os
import queue
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from mainstay.foundation.db.dialect import statements
from mainstay.foundation.db.migrations import check, missing, schema_number
from mainstay.foundation.db.tx import Tx
from mainstay.foundation.db.writer import Call
from mainstay.foundation.errors import Broken, Corrupt, Refused, Stuck

T = TypeVar("T")
READERS = 4
LOG_BYTES = 64 * 1024 * 1024
"""What the write-ahead log may keep of the disk when nobody reads an old state any more."""
MOVED = 0x4D4F5644
"""The application id of a file whose content lives elsewhere now."""
_LEVELS = ("off", "normal", "full", "extra")
"""SQLite's numbers of `synchronous`."""
_NO_ROOM = frozenset(
    (
        sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
    )
)  # fmt: skip
"""What the disk or another process does to us, not what we asked for: it may pass."""


class Sqlite:
    """WAL, `synchronous=FULL`: one connection that writes, some that read."""

    ask_time = None
    """This machine's time is its own."""
    appends_apart = False

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

    def commit(self, batch: list[Call], *, serial: bool = True) -> None:
        """One transaction for all of `batch`, always serial; errors land in their call."""
        connection = self.writer
        tx = Tx(connection)
        try:
            connection.execute("BEGIN IMMEDIATE")
            _check(connection)
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
                _check(connection)
                return fn(Tx(connection))
            except sqlite3.Error as error:
                raise _as_stuck(error) from error
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def scrub(self) -> None:
        """The pages are written over with the log, and the log is emptied. Only where nobody reads an
        old state: at the start."""
        self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextlib.contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        connection = self._readers.get()
        try:
            if connection is None:
                connection = _connect(self.path, read_only=True)
            yield connection
        finally:
            self._readers.put(connection)


def _check(connection: sqlite3.Connection) -> None:
    check(connection.execute("PRAGMA user_version").fetchone()[0], known=schema_number())


# -- opening and migrating -----------------------------------------------------------------------


def open_sqlite(path: Path, *, upto: int | None = None, moving: bool = False) -> Sqlite:
    """The database in the file `path`, created and migrated where needed.

    `moving`: also one that lives elsewhere now.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = not path.exists()
    _save_log(path)
    engine = Sqlite(path)
    if not moving and engine.writer.execute("PRAGMA application_id").fetchone()[0] == MOVED:
        engine.close()
        raise Refused(
            f"{path} was moved to PostgreSQL, which has gone on since: set `database` to its URL. "
            f"If that is not so: sqlite3 {path} 'PRAGMA application_id = 0'"
        )
    if fresh:
        path.chmod(0o600)
    try:
        migrate(engine.writer, upto=upto)
    except BaseException as error:
        engine.close()
        if isinstance(error, sqlite3.DatabaseError):
            raise _opening_error(path, error) from error
        raise
    return engine


def peek_sqlite(path: Path, question: Callable[[Tx], T]) -> T:
    """Ask the file and change nothing, not even its mode."""
    try:
        with contextlib.closing(_looking(path)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = 1")
            connection.execute("BEGIN")
            return question(Tx(connection))
    except sqlite3.Error as error:
        raise Stuck(f"{path} cannot be read: {error}.") from error


def _looking(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)


def _save_log(path: Path) -> None:
    """Write again what an earlier process has left in the log, before anything is built on it.

    It may have died when a sync had failed. Linux then counts as clean what never reached the disk:
    we would read it, append to it, sync what we appended, and a loss of power would take both. A
    running process is safe, for it writes the frames of a failed commit over again. Who is not
    alone with the database leaves it as it is.
    """
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or log.stat().st_size == 0:
        return
    alone = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        alone.execute("PRAGMA locking_mode = EXCLUSIVE")
        alone.execute("SELECT count(*) FROM sqlite_master")
        with log.open("r+b", buffering=0) as file:
            frames = file.read()
            file.seek(0)
            file.write(frames)
            os.fsync(file.fileno())
    except OSError as error:
        raise Stuck(f"Cannot save {log}: {error.strerror}.") from error
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise _opening_error(path, error) from error
    except sqlite3.DatabaseError as error:
        raise _opening_error(path, error) from error
    finally:
        alone.close()


def migrate(connection: sqlite3.Connection, *, upto: int | None = None) -> None:
    """Bring the schema up to this program's version; each migration is one transaction."""
    have = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, text in missing(have, upto=upto):
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
        _set_up(connection, read_only=read_only)
    except sqlite3.DatabaseError as error:
        raise _opening_error(path, error) from error
    return connection


def _set_up(connection: sqlite3.Connection, *, read_only: bool) -> None:
    # NORMAL loses acknowledged rows when the power fails (docs/decisions/0001).
    connection.execute("PRAGMA synchronous = FULL")
    # A backup holds the log up while it reads; afterwards it must not stay that large.
    connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
    # What is deleted or written over is gone from the pages; most builds do so, some do not.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute(f"PRAGMA query_only = {int(read_only)}")


def sqlite_in_force(path: Path) -> dict[str, str]:
    """How the file is kept, and how far a connection set up as ours are waits for the disk.

    Changes nothing: not the mode of a file that somebody has taken out of WAL either.
    """
    with contextlib.closing(_looking(path)) as connection:
        journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
        _set_up(connection, read_only=True)
        level = connection.execute("PRAGMA synchronous").fetchone()[0]
    return {"journal_mode": str(journal), "synchronous": _LEVELS[level]}


def _opening_error(path: Path, error: sqlite3.DatabaseError) -> Exception:
    if "not a database" in str(error) or "malformed" in str(error):
        return Corrupt(f"{path} is not a Mainstay database ({error}).")
    return Stuck(f"Cannot open {path}: {error}.")


def _as_stuck(error: BaseException) -> BaseException:
    """Disk and lock trouble as Stuck; anything else as it is."""
    # The low byte of the code is its kind; the rest says more exactly where it went wrong.
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if isinstance(error, sqlite3.OperationalError) and kind in _NO_ROOM:
        full = error.sqlite_errorcode in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
        return Stuck(f"The database cannot write: {error}.", retry_after_s=5, disk_full=full)
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.IntegrityError):
        return Broken(f"The database refused a statement: {error}.")
    return error
