"""One connection to PostgreSQL: what it is told at its start, how it speaks, when it gives up.

psycopg's C library is called with `$1` placeholders of our own making, so that no text is parsed
twice. A server that says nothing for `answer_s` counts as gone, however long its connection lives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from secrets import token_hex
from time import monotonic
from typing import Any

import psycopg
from psycopg import adapt, conninfo
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8Dumper

from mainstay.foundation.db.dialect import numbered
from mainstay.foundation.db.place import Place
from mainstay.foundation.db.tx import Row, Tx, bound

CONNECT_S = 2
"""Until a server has answered; the least that libpq knows."""
IDLE_S = 4
"""A transaction whose program says nothing for so long is ended by the server: a node that was
paused or cut off must not hold up the others, and what it would still commit is refused."""
UNHEARD_S = 4
"""How long the server goes on sending to a node that takes nothing in: a transaction that stands in
its answer is not idle, and would be held for a quarter of an hour."""
LOCK_S = 5
"""How long to wait for another node's transaction."""
ANSWER_S = 6.0
"""How long one statement may take, a commit too; longer than any wait that the server ends. After
it the server counts as away, and who asks hears so at once."""
LATER_MAX = 200
"""Statements that are put off at most."""
FETCHED = 500
"""Rows that a long question brings at once."""
PREPARED_MAX = 500
"""Statements that a connection keeps prepared: all of ours."""
PLANS_S = 5.0
"""How long a connection keeps its plans. One that was made while a table was empty may look for a key
through all rows of an index that does not know it; nobody else makes it anew until the server has
looked at the table by itself, minutes later."""
_USUAL: dict[str, Any] = {"connect_timeout": CONNECT_S, "application_name": "mainstay"}
"""What the URL may say otherwise."""
_BEGUN = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
_BEGINNING = f"""
SET idle_in_transaction_session_timeout = '{IDLE_S}s';
SET tcp_user_timeout = '{UNHEARD_S}s';
SET lock_timeout = '{LOCK_S}s';
SET statement_timeout = 0; -- it would end the wait for a standby, and the commit would claim success
SET client_min_messages = warning;
SET jit = off; -- our statements are short, and compiling takes longer than they do
SET enable_seqscan = off; -- a plan made while a table was empty would read all of it when it is full
SET timezone = 'UTC'
"""


class _Flag(Int8Dumper):
    """False and True are 0 and 1, as in SQLite."""

    def dump(self, obj: Any) -> bytes:
        return b"1" if obj else b"0"


def adapters() -> adapt.AdaptersMap:
    """How Python's values travel: every whole number as BIGINT, so that a statement has one plan."""
    context = adapt.AdaptersMap(psycopg.adapters)
    context.register_dumper(int, Int8Dumper)
    context.register_dumper(bool, _Flag)
    return context


_TIME = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"


class Record:
    """A row: by name, or by place, as sqlite3's."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: dict[str, int], values: Sequence[Any]) -> None:
        self._places = places
        self._values = values

    def __getitem__(self, key: str | int) -> Any:
        return self._values[self._places[key] if isinstance(key, str) else key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def keys(self) -> list[str]:
        """The names, in order."""
        return list(self._places)


def _records(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], Record]:
    places = {column.name: place for place, column in enumerate(cursor.description or ())}
    return lambda values: Record(places, values)


class _Connection(psycopg.Connection[Record]):
    """Gives up on a server that says nothing."""

    answer_s = ANSWER_S

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        return super().wait(gen, interval, timeout or self.answer_s)


class Session:
    """One connection, in autocommit until a transaction is begun."""

    def __init__(self, place: Place, context: adapt.AdaptersMap, *, answer_s: float) -> None:
        given = conninfo.conninfo_to_dict(place.url)
        if place.password is not None:
            given["password"] = place.password
        self._warnings: list[str] = []
        self._later: list[tuple[str, list[Any]]] = []
        target = conninfo.make_conninfo(**(_USUAL | given))
        self._connection = _Connection.connect(
            target, autocommit=True, context=context, cursor_factory=psycopg.RawCursor,
            row_factory=_records,
        )  # fmt: skip
        self._connection.answer_s = answer_s
        self._connection.prepared_max = PREPARED_MAX
        self._connection.add_notice_handler(self._notice)
        self._planned_at = monotonic()
        self.tell(_BEGINNING)

    def is_clean(self) -> bool:
        """Ready for the next transaction, what was begun being undone; False: hang up instead."""
        self.forget()
        if self._connection.info.transaction_status in _BEGUN:
            with suppress(psycopg.Error):
                self.tell("ROLLBACK")
        return self._connection.info.transaction_status == TransactionStatus.IDLE

    def execute(
        self, sql: str, params: Mapping[str, Any] | list[Any] | None = None
    ) -> psycopg.Cursor[Record]:
        """One statement of a room, with its values by `:name` or in the order of its `?`."""
        self.catch_up()
        text, names = numbered(sql)
        if isinstance(params, list):
            return self._connection.execute(text, params)
        return self._connection.execute(text, [params[name] for name in names] if params else None)

    def executemany(self, sql: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """The same statement for every row, without waiting for each answer."""
        self.catch_up()
        text, names = numbered(sql)
        values = [[row[name] for name in names] for row in rows]
        self._connection.cursor().executemany(text, values)

    def later(self, sql: str, params: Mapping[str, Any]) -> None:
        """Put off a statement, so that it goes together with others."""
        text, names = numbered(sql)
        self._later.append((text, [params[name] for name in names]))
        if len(self._later) >= LATER_MAX:
            self.catch_up()

    def catch_up(self) -> None:
        """Run what was put off, in its order; equal statements in one journey."""
        if not self._later:
            return
        waiting, self._later = self._later, []
        for text, some in groupby(waiting, key=itemgetter(0)):
            self._connection.cursor().executemany(text, [values for _, values in some])

    def forget(self) -> None:
        """What was put off will be rolled back anyway."""
        self._later.clear()

    def tell(self, text: str) -> str:
        """Statements of our own, in one journey; the word that the last was answered with."""
        self._warnings.clear()
        cursor = self._connection.execute(text)
        while cursor.nextset():
            pass
        return cursor.statusmessage or ""

    def begin(self, text: str) -> int:
        """As `number`, for what begins a transaction; plans that are old are dropped before it."""
        if monotonic() - self._planned_at > PLANS_S:
            self._planned_at = monotonic()
            self.tell("DISCARD PLANS")
        return self.number(text)

    def number(self, text: str) -> int:
        """Statements of our own, in one journey; the number that the last one finds."""
        cursor = self._connection.execute(text)
        while cursor.nextset():
            pass
        row = cursor.fetchone()
        return 0 if row is None else int(row[0])

    def commit(self) -> str | None:
        """None when all of it is durable, else why not, in the server's words.

        A failed transaction answers COMMIT with ROLLBACK, and a commit whose wait for the standby
        was cut short succeeds with a warning: neither is an error, and neither is durable.
        """
        self.catch_up()
        word = self.tell("COMMIT")
        if self._warnings:
            return self._warnings[0]
        return None if word == "COMMIT" else "the transaction had failed and was rolled back"

    def close(self) -> None:
        """Hang up; never waits."""
        self._connection.close()

    def _notice(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self._warnings.append(notice.message_primary or "a warning")


class PostgresTx(Tx):
    """A transaction on PostgreSQL."""

    __slots__ = ()
    engine = "postgresql"
    skip_locked = "FOR UPDATE SKIP LOCKED"

    def __init__(self, session: Session) -> None:
        self._connection = session  # type: ignore[assignment]  # it is asked as sqlite3's is

    def later(self, sql: str, **params: Any) -> None:
        """Goes with the next statement, or with the commit."""
        self._connection.later(sql, bound(params))  # type: ignore[attr-defined]

    def time_us(self) -> int | None:
        return int(self.value(_TIME))

    def each(self, sql: str, **params: Any) -> Iterator[Row]:
        """Every row, by a cursor on the server, which ends with the transaction."""
        name = f"each_{token_hex(4)}"
        self.run(f"DECLARE {name} NO SCROLL CURSOR FOR {sql}", **params)
        while rows := self.all(f"FETCH {FETCHED} FROM {name}"):
            yield from rows
        self.run(f"CLOSE {name}")
