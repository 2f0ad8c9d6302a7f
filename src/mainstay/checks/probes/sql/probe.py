"""The SQL probe: which engine, which parameters, what is taken of the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal
from time import perf_counter
from typing import Any
from urllib.parse import unquote, urlsplit

from mainstay.checks.probes.machine.there import There
from mainstay.checks.probes.sql import mysql, oracle, postgres, sqlite
from mainstay.checks.probes.sql.lawful import lawful
from mainstay.checks.probes.sql.query import Query, Rows
from mainstay.checks.result import Ask, Measured, Value
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import Invalid, OverLimit
from mainstay.foundation.secrets import resolve

ANSWER_CHARS_MAX = 1024 * 1024
PER_DATABASE = 2
"""Looks at once in one database: a slow one must not be made slower by us."""
THREADS = 8


class SqlProbe:
    """Asks in threads of its own; each look has a connection of its own, closed after it."""

    def __init__(self, egress: Egress, there: There, environment: Mapping[str, str]) -> None:
        self._egress = egress
        self._there = there
        self._environment = environment
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sql")
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def measure(self, ask: Ask) -> Measured:
        """`value`: the first column of the first row; `row`: that row by name; `rows`; `latency`."""
        wanted = ask.check.sql
        assert wanted is not None
        database = wanted.database or (ask.host.database if ask.host else None)
        if database is None:
            raise Invalid(f"{ask.name} names no database, and its host neither.")
        reference = wanted.password or (ask.host.password if ask.host else None)
        url = urlsplit(database)
        if url.password is not None:
            raise Invalid(
                f"The database of {ask.name} must not hold a password; give it by reference."
            )
        query = Query(
            url, lawful(wanted.query),
            {"business_date": ask.business_date, "now": ask.now, "host": ask.host_id or ""},
            resolve(reference, environment=self._environment) if reference else None,
            ask.timeout_s,
        )  # fmt: skip
        begun = perf_counter()
        async with self._turn(database):
            names, rows = await self._asked(query)
        return Measured(_values(names, rows) | {"latency": perf_counter() - begun})

    async def _asked(self, query: Query) -> Rows:
        loop = asyncio.get_running_loop()
        match query.url.scheme:
            case "postgresql" | "postgres":
                host, port = query.url.hostname or "", query.url.port or postgres.PORT
                addresses = await self._egress.lookup(host, port)
                ask: Callable[[], Rows] = lambda: postgres.ask(query, str(addresses[0]))  # noqa: E731
            case "sqlite":
                path = self._there.check_readable(unquote(query.url.path))
                ask = lambda: sqlite.ask(query, path)  # noqa: E731
            case "mysql" | "mariadb":
                ask = lambda: mysql.ask(query, self._egress)  # noqa: E731
            case "oracle":
                host, port = query.url.hostname or "", query.url.port or oracle.PORT
                addresses = await self._egress.lookup(host, port)
                ask = lambda: oracle.ask(query, str(addresses[0]))  # noqa: E731
            case other:
                raise Invalid(
                    f"No SQL probe for {other or 'this'}://; there is postgresql://, mysql://, "
                    "mariadb://, oracle:// and sqlite:."
                )
        return await loop.run_in_executor(self._threads, ask)

    def _turn(self, database: str) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._turns = loop, {}
        return self._turns.setdefault(database, asyncio.Semaphore(PER_DATABASE))


def _values(names: Sequence[str], rows: list[Sequence[Any]]) -> dict[str, Value]:
    values: dict[str, Value] = {"rows": len(rows)}
    size = sum(len(str(cell)) for row in rows for cell in row)
    if size > ANSWER_CHARS_MAX:
        raise OverLimit(
            "The answer has more than a million characters.",
            limit=ANSWER_CHARS_MAX,
            unit="characters",
        )
    if rows:
        first = [_plain(cell) for cell in rows[0]]
        values |= {"value": first[0], "row": dict(zip(names, first, strict=False))}
    return values


def _plain(cell: Any) -> Value:
    """A cell as a number, a text, a flag or None."""
    match cell:
        case None | bool() | int() | float() | str():
            return cell
        case Decimal():
            return float(cell)
        case datetime() | date():
            return cell.isoformat()
        case bytes() | memoryview():
            return bytes(cell)[:100].hex()
        case _:
            seconds = getattr(cell, "total_seconds", None)
            return float(seconds()) if seconds is not None else str(cell)
