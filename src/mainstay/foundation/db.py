"""The database: one writer with group commit, many readers, SQL as text with `:name`.

The transaction contract
------------------------
`await db.write(fn)` (or `db.run(fn)` from a thread) queues `fn(tx)`. The writer takes what is
waiting, runs each call in a SAVEPOINT, commits once (one fsync for all), and only then resolves
the futures: whoever got an answer got a durable one. After an error only that call fails and
leaves nothing; when the commit itself fails, every call of the batch fails. `fn` must be quick,
must not wait for anything outside, and may be run again by its caller.

Reads (`db.read(fn)`) take their own connection and see the last commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import re
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from importlib import resources
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, TypeVar

from mainstay.foundation.errors import Broken, Corrupt, Refused, Stuck

T = TypeVar("T")
BATCH_MAX = 512
"""Calls in one commit: bounds how long the first of a batch waits for the last."""
WAITING_MAX = 20_000
"""Queued calls; beyond it `write` says Stuck, and the doors answer 503 with Retry-After."""
READERS = 4
_NO_ROOM = frozenset(
    (
        sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
    )
)  # fmt: skip
"""What the disk or another process does to us, not what we asked for: it may pass."""
_MIGRATION = re.compile(r"(\d{4})_\w+\.sql")


class Row(Protocol):
    """A row, by column name."""

    def __getitem__(self, key: str, /) -> Any: ...
    def keys(self) -> list[str]: ...


class Tx:
    """One transaction, or one consistent read. Parameters are bound, never spliced."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self, sql: str, **params: Any) -> list[Row]:
        """Every row."""
        return self._connection.execute(sql, params).fetchall()

    def one(self, sql: str, **params: Any) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._connection.execute(sql, params).fetchone()
        return row

    def value(self, sql: str, **params: Any) -> Any:
        """The first column of the first row, or None."""
        row = self._connection.execute(sql, params).fetchone()
        return None if row is None else row[0]

    def run(self, sql: str, **params: Any) -> int:
        """Rows changed."""
        return self._connection.execute(sql, params).rowcount

    def many(self, sql: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """The same statement for every row."""
        self._connection.executemany(sql, rows)


class _Call:
    """One queued write and where its answer goes."""

    __slots__ = ("error", "fn", "future", "loop", "value")

    def __init__(
        self,
        fn: Callable[[Tx], Any],
        future: Future[Any] | asyncio.Future[Any],
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        self.fn = fn
        self.future: Any = future
        self.loop = loop
        self.value: Any = None
        self.error: BaseException | None = None

    def resolve(self) -> None:
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(self.error)


class Database:
    """SQLite: WAL, `synchronous=FULL`, one writer. Until `start` is called, writes run inline."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._writer = _connect(path)
        self._waiting: deque[_Call] = deque()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closing = False
        self.on_commit: Callable[[float, int], None] = _unseen
        """Told of each commit, in its thread: seconds, and how many writes were in it."""
        self._readers: queue.LifoQueue[sqlite3.Connection | None] = queue.LifoQueue()
        for _ in range(READERS):
            self._readers.put(None)

    # -- life ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the writer thread, so that many callers share a commit."""
        self._thread = threading.Thread(target=self._serve, name="writer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what is queued, then close every connection."""
        if self._thread is not None:
            self._closing = True
            self._wake.set()
            self._thread.join()
            with self._lock:  # what came while the thread was ending
                self._thread = None
                self._work_off()
        for _ in range(READERS):
            reader = self._readers.get()
            if reader is not None:
                reader.close()
        self._writer.close()

    # -- writing -------------------------------------------------------------------------------

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a transaction; returns after its commit is durable."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._submit(_Call(fn, future, loop))
        return await future

    def run(self, fn: Callable[[Tx], T]) -> T:
        """As `write`, for a thread that may wait. Inline when the writer is not started."""
        future: Future[T] = Future()
        self._submit(_Call(fn, future, None))
        return future.result()

    @property
    def waiting(self) -> int:
        """Writes queued now."""
        return len(self._waiting)

    def _submit(self, call: _Call) -> None:
        with self._lock:
            if self._thread is not None:
                if len(self._waiting) >= WAITING_MAX:
                    raise Stuck("The database cannot keep up; try again shortly.", retry_after_s=1)
                self._waiting.append(call)
                self._wake.set()
                return
            self._commit([call])
        call.resolve()

    def _serve(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            self._work_off()
            if self._closing:
                return

    def _work_off(self) -> None:
        """Commit all that waits, at most `BATCH_MAX` calls at a time."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MAX))]
            self._commit(batch)
            _resolve(batch)

    def _commit(self, batch: list[_Call]) -> None:
        """One transaction for all of `batch`; errors land in their call."""
        connection = self._writer
        tx = Tx(connection)
        begun = perf_counter()
        try:
            connection.execute("BEGIN IMMEDIATE")
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
        else:
            self.on_commit(perf_counter() - begun, len(batch))

    @staticmethod
    def _run_one(tx: Tx, call: _Call) -> None:
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

    # -- reading -------------------------------------------------------------------------------

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


# -- opening and migrating -----------------------------------------------------------------------


def open_database(path: Path) -> Database:
    """The database at `path`, created and migrated where needed.

    Refuses a database that a newer Mainstay has migrated: an old program must not mis-work on it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = not path.exists()
    database = Database(path)
    if fresh:
        path.chmod(0o600)
    try:
        migrate(database._writer)
    except BaseException as error:
        database.close()
        if isinstance(error, sqlite3.DatabaseError):
            raise _opening_error(path, error) from error
        raise
    return database


def read_once(path: Path, question: Callable[[Tx], T]) -> T:
    """Ask the database on a connection of its own, made for this question, that cannot write."""
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
        with contextlib.closing(connection):
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = 1")
            connection.execute("BEGIN")
            return question(Tx(connection))
    except sqlite3.Error as error:
        raise Stuck(f"{path} cannot be read: {error}.") from error


def migrations() -> list[tuple[int, str]]:
    """The numbered SQL texts that ship with this program, in order."""
    folder = resources.files("mainstay.foundation") / "schema"
    found = [
        (int(match[1]), entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if (match := _MIGRATION.fullmatch(entry.name))
    ]
    return sorted(found)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to this program's version; each migration is one transaction."""
    have = connection.execute("PRAGMA user_version").fetchone()[0]
    known = migrations()
    if have > known[-1][0]:
        raise Refused(
            f"This database has schema {have}, newer than this program's {known[-1][0]}. "
            "Start the newer Mainstay, or restore a backup made before the upgrade."
        )
    for number, text in known:
        if number > have:
            _migrate_to(connection, number, text)


def _migrate_to(connection: sqlite3.Connection, number: int, text: str) -> None:
    """One migration; nothing is done when another process was quicker."""
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("PRAGMA user_version").fetchone()[0] < number:
        for statement in statements(text):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
    connection.execute("COMMIT")


def stored_schema(tx: Tx) -> int:
    """The schema that the database has."""
    return int(tx.value("PRAGMA user_version"))


def schema_number() -> int:
    """The schema that this program brings a database to."""
    return migrations()[-1][0]


def statements(text: str) -> list[str]:
    """The statements of a migration, in SQLite's words (`{identity}`, `{bytes}`)."""
    text = re.sub(r"--[^\n]*", "", text)
    text = text.replace("{identity}", "INTEGER PRIMARY KEY AUTOINCREMENT").replace(
        "{bytes}", "BLOB"
    )
    return [statement.strip() for statement in text.split(";") if statement.strip()]


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


def _unseen(seconds: float, writes: int) -> None:
    """Nobody looks."""


def _resolve(batch: list[_Call]) -> None:
    """Hand the answers over; one wake-up per event loop, however many calls."""
    loops: dict[asyncio.AbstractEventLoop, list[_Call]] = {}
    for call in batch:
        if call.loop is None:
            call.resolve()
        else:
            loops.setdefault(call.loop, []).append(call)
    for loop, calls in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve_all, calls)


def _resolve_all(calls: list[_Call]) -> None:
    for call in calls:
        call.resolve()
