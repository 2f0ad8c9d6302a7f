"""MySQL and MariaDB: a user who may not write, a read-only transaction, a subquery, limits, a rollback."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs

from mainstay.checks.probes.sql.lawful import placed
from mainstay.checks.probes.sql.query import QUERY_S_MAX, Query, Rows
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import (
    Forbidden,
    Invalid,
    OverLimit,
    Rejected,
    TimedOut,
    Unreachable,
)

try:
    import pymysql
except ImportError:  # the extra [mysql] is not installed
    pymysql = None

PORT = 3306
REPLY_BYTES_MAX = 4 * 1024 * 1024
MODE = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_TRANS_TABLES"
"""So that the server reads texts and names as `lawful` has read them."""
MAY = frozenset(
    ["USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES", "PROCESS", "REPLICATION CLIENT",
     "BINLOG MONITOR", "SLAVE MONITOR", "REPLICA MONITOR"]
)  # fmt: skip
"""What a user may be granted and still change nothing."""
TOO_LONG = frozenset({1028, 1317, 1969, 3024})
_GRANT = re.compile(r"GRANT (.+?) ON (.+?) TO ")
_COLUMNS = re.compile(r"\([^)]*\)")


def ask(query: Query, egress: Egress) -> Rows:
    """The answer of the database, over a connection of the guard's. Forbidden when its user could write."""
    if pymysql is None:
        raise Invalid("Checks of MySQL and MariaDB need the extra: pip install 'mainstay[mysql]'.")
    text, names = placed(query.text, query.params, "%({name})s")
    params: dict[str, Any] = {name: query.params[name] for name in names}
    line = _prepared(query, egress)
    host = query.url.hostname or ""
    sock = egress.connect_socket(host, query.url.port or PORT, timeout_s=query.timeout_s)
    try:
        with closing(sock):
            line.connect(sock)
            return _asked(line, text, params, query)
    except pymysql.MySQLError as error:
        raise _told(error, host) from error


def _prepared(query: Query, egress: Egress) -> Any:
    """The driver, not connected yet: no file of ours for the server, no password in clear."""
    options = parse_qs(query.url.query)
    tls = options.pop("tls", ["no"])
    if options or tls not in (["yes"], ["no"]):
        raise Invalid(
            "A mysql:// address takes one option, ?tls=yes: encrypted, certificate checked."
        )
    return pymysql.connections.Connection(
        defer_connect=True, host=query.url.hostname, user=query.url.username or "",
        password=query.password or "", database=query.url.path.lstrip("/") or None,
        read_timeout=query.timeout_s, write_timeout=query.timeout_s, local_infile=False,
        charset="utf8mb4", sql_mode=MODE, autocommit=False,
        ssl=egress.tls_context() if tls == ["yes"] else None, ssl_disabled=tls == ["no"],
        auth_plugin_map={"mysql_clear_password": _NoClearPassword, "dialog": _NoClearPassword},
    )  # fmt: skip


class _NoClearPassword:
    """What a server gets that asks for the password as it is."""

    def __init__(self, _line: object) -> None:
        pass

    def authenticate(self, _packet: object) -> None:
        """The driver calls this. Always Rejected."""
        raise Rejected("The server asks for the password in clear, and does not get it.", reply=0)


def _asked(line: Any, text: str, params: Mapping[str, Any], query: Query) -> Rows:
    line._rfile = _Bounded(line._rfile.read)
    limit_s = min(query.timeout_s, QUERY_S_MAX)
    with line.cursor() as cursor:
        if "mariadb" in str(line.server_version).lower():
            cursor.execute(f"SET SESSION max_statement_time = {limit_s:g}, lock_wait_timeout = 1")
        else:
            cursor.execute(
                f"SET SESSION max_execution_time = {round(limit_s * 1000)}, lock_wait_timeout = 1"
            )
            if int(str(line.server_version).partition(".")[0]) >= 8:
                cursor.execute("SET ROLE NONE")  # SHOW GRANTS would not tell what they grant
        _check_user(cursor, query.url.username or "")
        cursor.execute("START TRANSACTION READ ONLY")
        # `lawful` has read it; as a derived table it is a SELECT for the server too.
        wrapped = f"SELECT * FROM (\n{text}\n) AS asked LIMIT %(rows_max)s"  # noqa: S608
        try:
            cursor.execute(wrapped, {**params, "rows_max": query.rows_max})
            return [column[0] for column in cursor.description or ()], list(cursor.fetchall())
        finally:
            if line.open:
                line.rollback()


def _check_user(cursor: Any, user: str) -> None:
    """A user that could write is refused, however harmless the query looks."""
    cursor.execute("SHOW GRANTS")
    held = [words for (row,) in cursor.fetchall() for words in _powers(str(row))]
    if held:
        raise Forbidden(
            f"The user {user!r} of this check has {'; '.join(held[:3])}. Give checks a user that can "
            "only read: CREATE USER mainstay_check …; GRANT SELECT ON pay.* TO mainstay_check."
        )


def _powers(grant: str) -> list[str]:
    """What of a line of SHOW GRANTS is more than reading. The line itself may hold a hash."""
    match = _GRANT.match(grant)
    if match is None:
        return []  # a role: what it grants stands in lines of its own
    words = [word.strip() for word in _COLUMNS.sub("", match[1]).split(",")]
    words += ["GRANT OPTION"] if "GRANT OPTION" in grant[match.end() :] else []
    return [f"{word} on {match[2]}" for word in words if word not in MAY]


class _Bounded:
    """The driver's way to read, up to a limit."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read, self._left = read, REPLY_BYTES_MAX

    def read(self, size: int) -> bytes:
        """The next bytes. OverLimit when the answer is too large."""
        self._left -= size
        if self._left < 0:
            raise OverLimit("The answer is larger than 4 MiB.", limit=REPLY_BYTES_MAX, unit="bytes")
        return self._read(size)

    def close(self) -> None:
        """The socket's owner closes it."""


def _told(error: Exception, host: str) -> Unreachable | TimedOut | Rejected:
    """The server's words; never the connection's parameters."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    said = str(error.args[1] if len(error.args) > 1 else error)
    words = (said.splitlines() or [""])[0][:200].rstrip(".")
    if number in TOO_LONG:
        return TimedOut("The query took longer than it may.")
    if number >= 2000 and number < 3000:
        return Unreachable(f"No connection to {host}: {words}.")
    return Rejected(f"{host} refuses the query: {words}.", reply=number)
