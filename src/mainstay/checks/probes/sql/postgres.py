"""PostgreSQL: a role that may not write, a read-only transaction, a subquery, limits, and a rollback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mainstay.checks.probes.sql.lawful import placed
from mainstay.checks.probes.sql.query import QUERY_S_MAX, Query, Rows
from mainstay.foundation.errors import Forbidden, Invalid, Outside, Rejected, TimedOut, Unreachable

try:
    import psycopg
except ImportError:  # the extra [postgres] is not installed
    psycopg = None  # type: ignore[assignment]

PORT = 5432
_POWERS = """
SELECT r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls,
  (SELECT string_agg(g.rolname, ', ') FROM pg_roles g
    WHERE g.rolname IN ('pg_write_all_data', 'pg_write_server_files', 'pg_read_server_files',
                        'pg_execute_server_program', 'pg_signal_backend', 'pg_checkpoint')
      AND pg_has_role(r.oid, g.oid, 'MEMBER')) AS powers,
  (SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg_temp%' AND n.nspname NOT LIKE 'pg_toast%'
      AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') LIMIT 1) AS writes
FROM pg_roles r WHERE r.rolname = current_user
"""


class Reading:
    """An open PostgreSQL that can only be read of; a question that fails spoils no other."""

    def __init__(self, line: Any, query: Query) -> None:
        self._line = line
        self._query = query

    def rows(self, text: str, params: Mapping[str, object], *, rows_max: int) -> Rows:
        """The answer to one SELECT, whose `:name`s are bound; at most so many rows."""
        asked, names = placed(text, params, "%({name})s")
        bound: dict[str, Any] = {name: params[name] for name in names}
        # A parameter makes it the extended protocol, which takes one statement; within a
        # subquery nothing can write that PostgreSQL knows as writing.
        wrapped = f"SELECT * FROM (\n{asked}\n) AS asked LIMIT %(rows_max)s"  # noqa: S608 - `lawful` has read it
        with _plainly(self._query), self._line.transaction(), self._line.cursor() as cursor:
            cursor.execute(wrapped, bound | {"rows_max": rows_max})
            return [column.name for column in cursor.description or ()], cursor.fetchall()


@contextmanager
def reading(query: Query, address: str) -> Iterator[Reading]:
    """The database at `address`, in a read-only transaction. Forbidden when its role could write."""
    if psycopg is None:
        raise Invalid("Checks of PostgreSQL need the extra: pip install 'mainstay[postgres]'.")
    with _plainly(query), psycopg.connect(**_where(query, address)) as line:
        try:
            line.read_only = True
            with line.cursor() as cursor:
                _check_role(cursor, query.url.username or "")
            yield Reading(line, query)
        finally:
            line.rollback()


@contextmanager
def _plainly(query: Query) -> Iterator[None]:
    """Errors of the driver as our own."""
    try:
        yield
    except psycopg.errors.QueryCanceled:
        raise TimedOut("The query took longer than it may.") from None
    except psycopg.OperationalError as error:
        raise Unreachable(f"No connection to {query.url.hostname}: {_said(error)}.") from error
    except psycopg.Error as error:
        raise Rejected(f"PostgreSQL refuses the query: {_said(error)}.", reply=0) from error


def ask(query: Query, address: str) -> Rows:
    """The answer of the database at `address`. Forbidden when its role could write."""
    with reading(query, address) as database:
        return database.rows(query.text, query.params, rows_max=query.rows_max)


def _where(query: Query, address: str) -> Mapping[str, Any]:
    url, limit_ms = query.url, round(min(query.timeout_s, QUERY_S_MAX) * 1000)
    return {
        "host": url.hostname, "hostaddr": address, "port": url.port or PORT,
        "user": url.username, "password": query.password, "dbname": url.path.lstrip("/") or None,
        "connect_timeout": max(2, round(query.timeout_s)), "application_name": "mainstay-check",
        "passfile": "/dev/null", "autocommit": False,
        "options": f"-c default_transaction_read_only=on -c statement_timeout={limit_ms}"
                   " -c lock_timeout=1000 -c idle_in_transaction_session_timeout=5000",
    }  # fmt: skip


def _check_role(cursor: Any, user: str) -> None:
    """A role that could write is refused, however harmless the query looks."""
    cursor.execute(_POWERS)
    row = cursor.fetchone()
    if row is None:
        raise Outside(f"The role {user!r} is not known to its own database.")
    *flags, powers, writes = row
    named = (
        "a superuser",
        "may create roles",
        "may create databases",
        "may replicate",
        "bypasses row security",
    )
    held = [words for flag, words in zip(flags, named, strict=True) if flag]
    held += [f"is a member of {powers}"] if powers else []
    held += [f"may write {writes}"] if writes else []
    if held:
        raise Forbidden(
            f"The role {user!r} of this check {' and '.join(held)}. Give checks a role that can only "
            "read: CREATE ROLE mainstay_check LOGIN; GRANT SELECT ON … TO mainstay_check."
        )


def _said(error: Exception) -> str:
    """The server's first line; never the connection's parameters."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    text = primary or (str(error).strip().splitlines() or ["no reason given"])[0]
    return text[:200].rstrip(".")
