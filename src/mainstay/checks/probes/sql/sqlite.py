"""SQLite: opened read-only, with an authorizer that lets nothing but reading through."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

from mainstay.checks.probes.sql.lawful import placed
from mainstay.checks.probes.sql.query import Query, Rows
from mainstay.foundation.errors import Outside, Rejected, TimedOut

_MAY = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_NO_FUNCTIONS = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})
_STEPS = 10_000
"""Virtual machine steps between two looks at the clock."""
_LIMITS = (
    (sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000), (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 50_000),
    (sqlite3.SQLITE_LIMIT_ATTACHED, 0), (sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 20),
    (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 100), (sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0),
)  # fmt: skip


def ask(query: Query, path: Path) -> Rows:
    """The answer. Rejected when the query is refused, TimedOut when it takes too long."""
    text, names = placed(query.text, query.params, ":{name}")
    params = {name: _bound(query.params[name]) for name in names}
    end = time.monotonic() + query.timeout_s
    try:
        line = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=1)
    except sqlite3.Error as error:
        raise Outside(f"{path} cannot be opened: {error}.") from error
    try:
        for limit, value in _LIMITS:
            line.setlimit(limit, value)
        line.set_authorizer(_may)
        line.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        found = line.execute(text, params)
        rows = found.fetchmany(query.rows_max)
        return [column[0] for column in found.description or ()], rows
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            raise TimedOut(f"The query took longer than {query.timeout_s:g} s.") from None
        raise Rejected(f"SQLite refuses the query: {error}.", reply=0) from error
    except sqlite3.Error as error:
        raise Rejected(f"SQLite refuses the query: {error}.", reply=0) from error
    finally:
        line.close()


def _may(action: int, _one: str | None, two: str | None, *_rest: str | None) -> int:
    if action in _MAY or (action == sqlite3.SQLITE_FUNCTION and two not in _NO_FUNCTIONS):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _bound(value: object) -> object:
    return value if isinstance(value, int | float | str) else str(value)
