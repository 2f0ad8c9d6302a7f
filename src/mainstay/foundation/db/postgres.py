"""The engine of PostgreSQL: the same contract as SQLite's, for several nodes at once.

Whatever reads and then writes takes one advisory lock for the length of its transaction, so that
such transactions of all nodes are as serial as they are in SQLite; each statement at READ COMMITTED
sees what the one before it has committed. What only appends rows of its own takes no lock and has
its own connection. Unique indexes stand behind both (docs/decisions/0006-postgresql.md).
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

import psycopg

from mainstay.foundation.db.dialect import POSTGRESQL, statements
from mainstay.foundation.db.durable import require_durable
from mainstay.foundation.db.migrations import check, missing, schema_number, schema_of
from mainstay.foundation.db.place import Place
from mainstay.foundation.db.session import ANSWER_S, IDLE_S, PostgresTx, Session, adapters
from mainstay.foundation.db.tx import Tx
from mainstay.foundation.db.writer import Call
from mainstay.foundation.errors import Broken, Conflict, Refused, Stuck

T = TypeVar("T")
READERS = 4
AWAY_S = 1.0
"""After a failed connection nobody waits for another one so soon: refused at once."""
TRIES = 4
"""Of a transaction that the server ended in favour of another."""
SERIAL_LOCK = 0x6D61696E73746179
"""The advisory lock of whatever reads and then writes: "mainstay" in ASCII."""
APPEND_LOCK = SERIAL_LOCK + 1
"""The advisory lock that appends share, so that a migration can keep them out."""
_SCHEMA = "SELECT number FROM foundation_schema"
_BEGIN_SERIAL = f"BEGIN; SELECT pg_advisory_xact_lock({SERIAL_LOCK}); {_SCHEMA}"
_BEGIN_APPEND = f"BEGIN; SELECT pg_advisory_xact_lock_shared({APPEND_LOCK}); {_SCHEMA}"
_BEGIN_MIGRATION = f"BEGIN; SELECT pg_advisory_xact_lock({SERIAL_LOCK}); SELECT pg_advisory_xact_lock({APPEND_LOCK})"
_NUMBER = "foundation_schema (number BIGINT NOT NULL)"
"""One row: what SQLite keeps as `user_version`."""
_BEGIN_PEEK = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_BEGIN_READ = f"{_BEGIN_PEEK}; {_SCHEMA}"
_TIME = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"
_AGAIN = frozenset(("40001", "40P01"))
"""serialization_failure, deadlock_detected: nothing is wrong, and nothing was done."""
_WAITED = "55P03"
"""lock_not_available: another node's transaction lasts too long."""
_END_SILENT = f"""
SELECT count(pg_terminate_backend(l.pid))
FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND a.datname = current_database()
  AND CAST(l.classid AS BIGINT) = {SERIAL_LOCK >> 32}
  AND CAST(l.objid AS BIGINT) = {SERIAL_LOCK & 0xFFFFFFFF}
  AND a.wait_event_type = 'Client' AND a.state_change < clock_timestamp() - interval '{IDLE_S}s'
"""  # noqa: S608 (numbers of our own)
_NO_ROOM = ("53", "58")
"""insufficient_resources, system_error."""
_GONE = ("08", "57P", "25006", "25P03", "55P03")
"""The connection, the server, its right to write, our transaction's time, a lock of another node."""


class Postgres:
    """A connection for what reads and writes, one for what appends, some for readers."""

    appends_apart = True

    def __init__(self, place: Place) -> None:
        self.place = place
        self._context = adapters()
        self._away_until = 0.0
        self._serial = _Writer(self._writing, _BEGIN_SERIAL)
        self._appends = _Writer(self._writing, _BEGIN_APPEND)
        self._readers: queue.LifoQueue[Session | None] = queue.LifoQueue()
        for _ in range(READERS):
            self._readers.put(None)

    def close(self) -> None:
        """Close every connection."""
        for _ in range(READERS):
            if (reader := self._readers.get()) is not None:
                reader.close()
        self._serial.hang_up()
        self._appends.hang_up()

    def commit(self, batch: list[Call], *, serial: bool = True) -> None:
        """One transaction for all of `batch`; errors land in their call."""
        (self._serial if serial else self._appends).commit(batch)

    def peek(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on one committed state, whatever schema it has, or none."""
        try:
            with contextlib.closing(self._connect()) as session:
                session.tell(_BEGIN_PEEK)
                return fn(PostgresTx(session))
        except psycopg.Error as error:
            raise told(error) from error

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on one committed state; it must not write."""
        session = self._readers.get()
        try:
            session = self._begun(session)
            found = fn(PostgresTx(session))
            session.tell("ROLLBACK")
        except BaseException as error:
            session = _after(session)
            if isinstance(error, psycopg.Error):
                raise told(error) from error
            raise
        else:
            return found
        finally:
            self._readers.put(session)

    def scrub(self) -> None:
        """Nothing: its old rows and its log are the server's own to clear."""

    def ask_time(self) -> int:
        """The server's time, in microseconds since 1970."""
        return int(self.read(lambda tx: tx.value(_TIME)))

    def migrate(self, *, upto: int | None = None, moving: bool = False) -> None:
        """Bring the schema up to this program's version; each migration is one transaction.

        `moving`: by whoever fills it from elsewhere; for all others it is refused until it is full.
        """
        try:
            with contextlib.closing(self._writing()) as session:
                _migrate(session, upto, moving=moving)
        except psycopg.Error as error:
            raise told(error) from error

    def build(self, fill: Callable[[Tx], object], *, at: int, finish: Callable[[Tx], T]) -> T:
        """In an empty database: schema `at`, what `fill` writes, our schema, what `finish` writes.

        One transaction: whoever is killed in it has left nothing. Conflict if it is not empty. The
        answer is that of `finish`.
        """
        try:
            with contextlib.closing(self._writing()) as session:
                tx = PostgresTx(session)
                session.tell(f"{_BEGIN_MIGRATION}; CREATE TABLE IF NOT EXISTS {_NUMBER}")
                if schema_of(tx):
                    raise Conflict(f"{self.place} holds a Mainstay already. Nothing was done.")
                for number, text in missing(0, upto=at):
                    _change(session, number, text)
                fill(tx)
                for number, text in missing(at):
                    _change(session, number, text)
                found = finish(tx)
                _commit(session)
                return found
        except psycopg.Error as error:
            raise told(error) from error

    # -- connections -------------------------------------------------------------------------------

    def _begun(self, session: Session | None) -> Session:
        """A reader in its transaction; a connection that died meanwhile is replaced."""
        if session is not None:
            with contextlib.suppress(psycopg.OperationalError):
                _begin(session, _BEGIN_READ)
                return session
            session.close()
        session = self._connect()
        try:
            _begin(session, _BEGIN_READ)
        except BaseException:
            session.close()
            raise
        return session

    def _writing(self) -> Session:
        """A connection whose server keeps what it commits."""
        session = self._connect()
        try:
            require_durable(PostgresTx(session), self.place)
        except BaseException:
            session.close()
            raise
        return session

    def _connect(self) -> Session:
        if monotonic() < self._away_until:
            raise Stuck("The database does not answer.", retry_after_s=1)
        try:
            return Session(self.place, self._context, answer_s=ANSWER_S)
        except psycopg.Error as error:
            self._away_until = monotonic() + AWAY_S
            raise told(error) from error


class _Writer:
    """One connection that commits batches."""

    def __init__(self, connect: Callable[[], Session], begin: str) -> None:
        self._connect = connect
        self._begin = begin
        self._session: Session | None = None

    def commit(self, batch: list[Call]) -> None:
        """One transaction; run again when the server ended it in favour of another."""
        for left in reversed(range(TRIES)):
            try:
                self._transaction(batch)
                return
            except BaseException as error:
                self._session = _after(self._session)
                code = getattr(error, "sqlstate", None)
                if left and (code in _AGAIN or (code == _WAITED and self._end_silent())):
                    continue
                failure = told(error)
                for call in batch:
                    call.error = call.error or failure
                return

    def hang_up(self) -> None:
        """Close the connection, if there is one."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _end_silent(self) -> bool:
        """Waited for the serial lock in vain: end whoever holds it and says nothing; was there any?

        The server ends a transaction that is idle by itself, but not one that stands between two
        statements of a pipeline, whose program was paused or cut off.
        """
        try:
            self._session = self._session or self._connect()
            return self._session.number(_END_SILENT) > 0
        except (psycopg.Error, Stuck):
            self._session = _after(self._session)
            return False

    def _transaction(self, batch: list[Call]) -> None:
        session = self._begun()
        tx = PostgresTx(session)
        for call in batch:
            call.value = call.error = None
        if len(batch) == 1:  # nobody beside it to be kept from its failure
            batch[0].value = batch[0].fn(tx)
        else:
            for call in batch:
                _run_one(session, tx, call)
        trouble = session.commit()
        if trouble is not None:
            raise Stuck(f"The database did not keep a transaction: {trouble}.", retry_after_s=1)

    def _begun(self) -> Session:
        """In a transaction; a connection that died meanwhile is replaced, once."""
        if self._session is not None:
            try:
                _begin(self._session, self._begin)
            except psycopg.OperationalError as error:
                if not _is_gone(error) or error.sqlstate == _WAITED:
                    raise
                self.hang_up()
        if self._session is None:
            self._session = self._connect()
            _begin(self._session, self._begin)
        return self._session


def _begin(session: Session, text: str) -> None:
    """Into a transaction, unless a newer program has migrated the database."""
    check(session.begin(text), known=schema_number())


def _run_one(session: Session, tx: Tx, call: Call) -> None:
    session.tell("SAVEPOINT one")
    try:
        call.value = call.fn(tx)
        session.catch_up()
    except BaseException as error:
        session.forget()
        if isinstance(error, psycopg.Error) and (_is_gone(error) or error.sqlstate in _AGAIN):
            raise
        session.tell("ROLLBACK TO one")
        call.error = told(error)
    session.tell("RELEASE one")


def _after(session: Session | None) -> Session | None:
    """The connection fit for the next transaction, or None: better a new one than a doubtful one."""
    if session is None or session.is_clean():
        return session
    session.close()
    return None


def _is_gone(error: psycopg.Error) -> bool:
    """Whether the connection is lost, or soon. Without a code it was the client that gave up."""
    return isinstance(error, psycopg.OperationalError | psycopg.InternalError) and (
        error.sqlstate is None or error.sqlstate.startswith(_GONE)
    )


def told(error: BaseException) -> BaseException:
    """A server that is away or full as Stuck, a statement that is wrong as Broken."""
    if not isinstance(error, psycopg.Error) or isinstance(error, psycopg.IntegrityError):
        return error
    code, words = error.sqlstate or "", " ".join(str(error).split())
    if code.startswith(_NO_ROOM):
        full = code == "53100"
        return Stuck(f"The database cannot write: {words}.", retry_after_s=5, disk_full=full)
    if _is_gone(error) or code in _AGAIN:
        return Stuck(f"The database cannot be reached: {words}.", retry_after_s=1)
    return Broken(f"The database refused a statement: {words}.")


# -- migrating -------------------------------------------------------------------------------------


def _migrate(session: Session, upto: int | None, *, moving: bool) -> None:
    tx = PostgresTx(session)
    if not moving:
        _refuse_half(tx)
    session.tell(f"{_BEGIN_MIGRATION}; CREATE TABLE IF NOT EXISTS {_NUMBER}; COMMIT")
    for number, text in missing(schema_of(tx), upto=upto):
        session.tell(_BEGIN_MIGRATION)
        if schema_of(tx) < number:  # else another node was quicker
            _change(session, number, text)
        _commit(session)


def _change(session: Session, number: int, text: str) -> None:
    """The statements of one migration, in the transaction that is open."""
    for statement in statements(text, POSTGRESQL):
        session.tell(statement)
    tx = PostgresTx(session)
    tx.run("DELETE FROM foundation_schema")
    tx.run("INSERT INTO foundation_schema (number) VALUES (:number)", number=number)


def _commit(session: Session) -> None:
    trouble = session.commit()
    if trouble is not None:
        raise Stuck(f"What was to be written was not kept: {trouble}.")


def _refuse_half(tx: Tx) -> None:
    if tx.value("SELECT to_regclass('foundation_move')") is not None:
        raise Refused(
            "An install is being moved into this database, and not all of it is there yet. Run "
            "the same `mainstay migrate --to` again; it goes on where it was."
        )
