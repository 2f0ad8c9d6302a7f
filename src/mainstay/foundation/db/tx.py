"""The SQL face of a transaction: what rooms see of the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
ROWS_MAX = 32
"""Rows of one `insert`: each number of them is a statement that stays prepared."""


NUL, SHOWN_NUL = "\0", "\u2400"
"""PostgreSQL holds no NUL in a text, and no text of ours on either engine does: this sign of it
stands there instead. Doors refuse it; what comes another way (a provider's answer) must not fail."""


class Row(Protocol):
    """A row, by column name."""

    def __getitem__(self, key: str, /) -> Any: ...
    def keys(self) -> list[str]: ...


class Tx:
    """One transaction, or one consistent read. Parameters are bound, never spliced."""

    __slots__ = ("_connection",)
    engine = "sqlite"
    skip_locked = ""
    """At the end of a SELECT that claims rows: pass over those that another node is claiming."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def time_us(self) -> int | None:
        """The time of the database's own clock; None where it has none but this machine's."""
        return None

    def all(self, sql: str, **params: Any) -> list[Row]:
        """Every row."""
        return self._connection.execute(sql, bound(params)).fetchall()

    def each(self, sql: str, **params: Any) -> Iterator[Row]:
        """Every row, one after the other: for more rows than memory should hold."""
        yield from self._connection.execute(sql, bound(params))

    def one(self, sql: str, **params: Any) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._connection.execute(sql, bound(params)).fetchone()
        return row

    def value(self, sql: str, **params: Any) -> Any:
        """The first column of the first row, or None."""
        row = self._connection.execute(sql, bound(params)).fetchone()
        return None if row is None else row[0]

    def run(self, sql: str, **params: Any) -> int:
        """Rows changed."""
        return self._connection.execute(sql, bound(params)).rowcount

    def later(self, sql: str, **params: Any) -> None:
        """Run it before the next statement at the latest, or with the commit: for writes whose
        count nobody needs. Over a network many go in one journey."""
        self._connection.execute(sql, bound(params))

    def insert(self, into: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """New rows, up to `ROWS_MAX` a statement; `into` is `INSERT INTO table`. All name the same
        columns.

        One statement is one hand-over of the interpreter's lock, or one journey to a server.
        """
        for start in range(0, len(rows), ROWS_MAX):
            some = rows[start : start + ROWS_MAX]
            values = [value for row in some for value in row.values()]
            sql, names = _insertion(into, tuple(some[0]), len(some))
            self.run(sql, **dict(zip(names, values, strict=True)))

    def many(self, sql: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """The same statement for every row."""
        self._connection.executemany(sql, map(bound, rows))


def storable(value: T) -> T:
    """The value, as both engines can hold it."""
    if isinstance(value, str) and NUL in value:
        return value.replace(NUL, SHOWN_NUL)  # type: ignore[return-value]
    return value


def bound(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters of a statement, as both engines can hold them; mostly these very ones."""
    for value in params.values():
        if type(value) is str and NUL in value:
            return {name: storable(one) for name, one in params.items()}
    return params


@cache
def _insertion(into: str, columns: tuple[str, ...], rows_n: int) -> tuple[str, list[str]]:
    """The statement, and the names of its parameters in order."""
    names = [f"v{n}" for n in range(rows_n * len(columns))]
    places = iter(names)
    row = [", ".join(f":{next(places)}" for _ in columns) for _ in range(rows_n)]
    return f"{into} ({', '.join(columns)}) VALUES ({'), ('.join(row)})", names
