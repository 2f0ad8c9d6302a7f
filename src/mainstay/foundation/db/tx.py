"""The SQL face of a transaction: what rooms see of the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Protocol


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
