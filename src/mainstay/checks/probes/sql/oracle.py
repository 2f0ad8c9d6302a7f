"""Oracle by its thin driver: a user who may not write, a read-only transaction, a subquery, limits.

Written to Oracle's documents: no server of Oracle's was there to try it on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mainstay.checks.probes.sql.lawful import placed
from mainstay.checks.probes.sql.query import QUERY_S_MAX, Query, Rows
from mainstay.foundation.errors import (
    Forbidden,
    Invalid,
    OverLimit,
    Rejected,
    TimedOut,
    Unreachable,
)

try:
    import oracledb
except ImportError:  # the extra [oracle] is not installed
    oracledb = None  # type: ignore[assignment]

PORT = 1521
CELL_BYTES_MAX = 1024 * 1024
MAY = ("CREATE SESSION", "SELECT ANY TABLE", "READ ANY TABLE", "SELECT ANY DICTIONARY")
"""Privileges of a session that change nothing."""
_POWERS = f"""
SELECT 'the privilege ' || privilege FROM session_privs
  WHERE privilege NOT IN ({", ".join(f"'{one}'" for one in MAY)})
UNION ALL SELECT privilege || ' on ' || table_name FROM user_tab_privs_recd
  WHERE privilege NOT IN ('SELECT', 'READ', 'INHERIT PRIVILEGES')
UNION ALL SELECT privilege || ' on ' || table_name FROM role_tab_privs
  WHERE privilege IN ('INSERT', 'UPDATE', 'DELETE', 'ALTER') AND role IN (SELECT role FROM session_roles)
UNION ALL SELECT 'a table of its own, ' || table_name FROM user_tables
"""  # noqa: S608 - names of ours
_REFUSED_CONNECTION = ("DPY-6", "DPY-4011", "ORA-12")
_TOO_LONG = ("DPY-4024", "ORA-01013", "ORA-00040")


def ask(query: Query, address: str) -> Rows:
    """The answer of the database at `address`. Forbidden when its user could write."""
    if oracledb is None:
        raise Invalid("Checks of Oracle need the extra: pip install 'mainstay[oracle]'.")
    text, names = placed(query.text, query.params, ":{name}")
    params: dict[str, Any] = {name: query.params[name] for name in names}
    service, tls = query.url.path.lstrip("/"), query.url.query
    if not service or tls not in ("", "tls=yes"):
        raise Invalid("An Oracle database is oracle://user@host:1521/service; ?tls=yes encrypts.")
    try:
        with oracledb.connect(**_where(query, address, service, is_tls=bool(tls))) as line:
            line.call_timeout = round(min(query.timeout_s, QUERY_S_MAX) * 1000)
            try:
                return _asked(line, text, params, query)
            finally:
                line.rollback()
    except oracledb.Error as error:
        raise _told(error, query.url.hostname or "") from error


def _where(query: Query, address: str, service: str, *, is_tls: bool) -> dict[str, Any]:
    """The address that the guard let through; with TLS the name, which the certificate must prove."""
    return {
        "user": query.url.username, "password": query.password or "",
        "host": query.url.hostname if is_tls else address,
        "port": query.url.port or PORT, "service_name": service, "retry_count": 0,
        "protocol": "tcps" if is_tls else "tcp", "ssl_server_dn_match": True,
        "tcp_connect_timeout": query.timeout_s, "disable_oob": True, "stmtcachesize": 0,
        "program": "mainstay-check",
    }  # fmt: skip


def _asked(line: Any, text: str, params: dict[str, Any], query: Query) -> Rows:
    with line.cursor() as cursor:
        check_user(cursor, query.url.username or "")
        cursor.execute("SET TRANSACTION READ ONLY")
        # `lawful` has read it; within a subquery it is a SELECT for the server too.
        wrapped = f"SELECT * FROM (\n{text}\n) WHERE ROWNUM <= :rows_max"  # noqa: S608
        cursor.execute(wrapped, {**params, "rows_max": query.rows_max})
        rows: list[Sequence[Any]] = [
            [_cell(cell) for cell in row] for row in cursor.fetchmany(query.rows_max)
        ]
        return [str(column[0]).lower() for column in cursor.description or ()], rows


def _cell(cell: Any) -> Any:
    """A large object's beginning is not the answer: OverLimit when it is larger than a mebibyte."""
    if not hasattr(cell, "read"):
        return cell
    if cell.size() > CELL_BYTES_MAX:
        raise OverLimit(
            "A cell of the answer is larger than 1 MiB.", limit=CELL_BYTES_MAX, unit="bytes"
        )
    return cell.read()


def check_user(cursor: Any, user: str) -> None:
    """Forbidden for a user that could write, however harmless the query looks."""
    cursor.execute(_POWERS)
    held = [str(row[0]) for row in cursor.fetchmany(3)]
    if held:
        raise Forbidden(
            f"The user {user!r} of this check has {'; '.join(held)}. Give checks a user that can only "
            "read: CREATE USER mainstay_check …; GRANT CREATE SESSION, READ ON pay.orders TO …."
        )


def _told(error: Exception, host: str) -> Unreachable | TimedOut | Rejected:
    """The first line of the driver's or the server's words; never the connection's parameters."""
    detail = error.args[0] if error.args else error
    code = str(getattr(detail, "full_code", ""))
    words = (str(getattr(detail, "message", detail)).strip().splitlines() or [""])[0][:200]
    words = words.rstrip(".")
    if code.startswith(_TOO_LONG):
        return TimedOut("The query took longer than it may.")
    if code.startswith(_REFUSED_CONNECTION):
        return Unreachable(f"No connection to {host}: {words}.")
    return Rejected(f"Oracle refuses the query: {words}.", reply=0)
