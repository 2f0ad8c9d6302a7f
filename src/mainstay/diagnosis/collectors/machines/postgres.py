"""A PostgreSQL as evidence: who blocks whom, what runs long, what is used up, what was changed.

Each question is one SELECT by the layers of the SQL check: a role that cannot write, a read-only
transaction, limits of time, locks and rows. A role in `pg_monitor` sees everybody's statements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mainstay.checks.probes import Reading, lawful
from mainstay.diagnosis.collectors.collector import Question
from mainstay.diagnosis.collectors.reach import Reach, database_url
from mainstay.diagnosis.facts.fact import Fact, FactKind, Value
from mainstay.diagnosis.material import Material
from mainstay.estate import Estate
from mainstay.foundation.errors import MainstayError, Unreachable

ROWS_MAX = 100
STATEMENT_CHARS_MAX = 300
LONG_S = 30
"""A transaction that is open so long is told of, whatever it does."""
USED_UP = ("too many clients", "remaining connection slots", "too many connections")

SESSIONS = """
SELECT a.pid::text AS name, coalesce(a.state, '') AS state, coalesce(a.usename::text, '') AS usr,
  coalesce(nullif(a.application_name, ''), host(a.client_addr), '') AS client,
  left(coalesce(a.query, ''), 300) AS statement,
  extract(epoch FROM clock_timestamp() - CASE WHEN cardinality(pg_blocking_pids(a.pid)) > 0
    THEN a.query_start ELSE coalesce(a.xact_start, a.query_start) END)::float8 AS seconds,
  coalesce(extract(epoch FROM clock_timestamp() - a.state_change), 0)::float8 AS state_seconds,
  a.xact_start AS at, (pg_blocking_pids(a.pid))[1]::text AS waits_for,
  EXISTS (SELECT 1 FROM pg_stat_activity b WHERE a.pid = ANY (pg_blocking_pids(b.pid))) AS blocks
FROM pg_stat_activity a
WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
  AND (cardinality(pg_blocking_pids(a.pid)) > 0
    OR a.pid IN (SELECT unnest(pg_blocking_pids(c.pid)) FROM pg_stat_activity c)
    OR a.xact_start < clock_timestamp() - make_interval(secs => :long_s))
ORDER BY a.xact_start
"""
CONNECTIONS = """
SELECT count(*) FILTER (WHERE backend_type = 'client backend')::int AS in_use,
  current_setting('max_connections')::int AS size,
  count(*) FILTER (WHERE state = 'idle in transaction')::int AS idle_in_transaction
FROM pg_stat_activity
"""
BY_USER = """
SELECT coalesce(usename::text, '') AS name, count(*)::int AS in_use FROM pg_stat_activity
WHERE backend_type = 'client backend' GROUP BY 1 ORDER BY 2 DESC
"""
STANDBYS = """
SELECT coalesce(nullif(application_name, ''), host(client_addr), pid::text) AS name, state,
  coalesce(extract(epoch FROM replay_lag), 0)::float8 AS seconds,
  coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), 0)::float8 AS bytes
FROM pg_stat_replication WHERE NOT pg_is_in_recovery()
"""
STATEMENTS = """
SELECT s.queryid::text AS name, left(s.query, 300) AS statement, s.calls::float8 AS calls,
  (s.mean_exec_time / 1000)::float8 AS mean_s, s.rows::float8 AS rows_read
FROM pg_stat_statements s ORDER BY s.total_exec_time DESC
"""
HAS_STATEMENTS = "SELECT 1 AS there FROM pg_extension WHERE extname = 'pg_stat_statements'"
SETTINGS = """
SELECT name, setting AS value, coalesce(unit, '') AS unit, source, pending_restart
FROM pg_settings WHERE pending_restart
  OR source IN ('configuration file', 'command line', 'database', 'user', 'environment variable')
ORDER BY name
"""
TROUBLES = """
SELECT datname::text AS name, deadlocks::float8 AS deadlocks, temp_files::float8 AS temp_files,
  temp_bytes::float8 AS temp_bytes, conflicts::float8 AS conflicts
FROM pg_stat_database WHERE datname = current_database()
"""
SECRET_SETTINGS = (
    "primary_conninfo",
    "ssl_passphrase_command",
    "archive_command",
    "restore_command",
)
"""What may hold a password is never told."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PostgresCollector:
    """One database. `service`: what its facts are about."""

    service: str
    url: str
    password: str | None
    reach: Reach

    @property
    def name(self) -> str:
        """`PostgreSQL pay-db`."""
        return f"PostgreSQL {self.service}"

    def collect(self, question: Question, *, within_s: float) -> Material:
        """Its sessions, connections, standbys, statements, settings and troubles."""
        try:
            with self.reach.database(self.url, self.password, within_s=within_s) as reading:
                return self._asked(reading, question.until)
        except Unreachable as error:
            note = f"{self.name}: {error.sentence}"
            full = any(words in error.sentence for words in USED_UP)
            facts = (
                (self._fact(FactKind.POOL, "connections", {"full": True}, question.until),)
                if full
                else ()
            )
            return Material(facts=facts, notes=(note,))
        except MainstayError as error:
            return Material(notes=(f"{self.name}: {error.sentence}",))

    def _asked(self, reading: Reading, now: datetime) -> Material:
        facts: list[Fact] = []
        notes: list[str] = []
        for what, text, read in self._questions(reading):
            try:
                facts += [read(self, row) for row in _rows(reading, text)]
            except MainstayError as error:
                notes.append(f"{self.name}, {what}: {error.sentence}")
        at = [fact if fact.at else _at(fact, now) for fact in facts]
        return Material(facts=tuple(at), notes=tuple(notes))

    def _questions(self, reading: Reading) -> list[tuple[str, str, _Read]]:
        asked: list[tuple[str, str, _Read]] = [
            ("connections", CONNECTIONS, PostgresCollector._connections),
            ("connections of users", BY_USER, PostgresCollector._of_user),
            ("sessions", SESSIONS, PostgresCollector._session),
            ("standbys", STANDBYS, PostgresCollector._standby),
            ("settings", SETTINGS, PostgresCollector._setting),
            ("deadlocks and temporary files", TROUBLES, PostgresCollector._troubles),
        ]
        if _rows(reading, HAS_STATEMENTS):
            asked.append(("statements", STATEMENTS, PostgresCollector._statement))
        return asked

    # -- from a row to a fact ----------------------------------------------------------------------

    def _connections(self, row: Row) -> Fact:
        return self._fact(FactKind.POOL, "connections", row, None)

    def _of_user(self, row: Row) -> Fact:
        return self._fact(
            FactKind.POOL, f"connections of {row['name']}", {"in_use": row["in_use"]}, None
        )

    def _session(self, row: Row) -> Fact:
        told = {key: row[key] for key in ("state", "statement", "seconds", "state_seconds", "client",
                                          "blocks", "waits_for")}  # fmt: skip
        return self._fact(FactKind.SESSION, row["name"], told | {"user": row["usr"]}, row["at"])

    def _standby(self, row: Row) -> Fact:
        told = {"depth": row["bytes"], "oldest_s": row["seconds"], "state": row["state"]}
        return self._fact(FactKind.QUEUE, f"replication to {row['name']}", told, None)

    def _statement(self, row: Row) -> Fact:
        told = {key: row[key] for key in ("statement", "calls", "mean_s", "rows_read")}
        return self._fact(FactKind.STATEMENT, str(row["name"]), told, None)

    def _setting(self, row: Row) -> Fact:
        value = "[not told]" if row["name"] in SECRET_SETTINGS else f"{row['value']}{row['unit']}"
        told = {"value": value, "source": row["source"], "pending_restart": row["pending_restart"]}
        return self._fact(FactKind.SETTING, row["name"], told, None)

    def _troubles(self, row: Row) -> Fact:
        told = {key: row[key] for key in ("deadlocks", "temp_files", "temp_bytes", "conflicts")}
        return self._fact(FactKind.HOST, f"database {row['name']}", told, None)

    def _fact(self, kind: FactKind, name: str, values: Row, at: datetime | None) -> Fact:
        told: dict[str, Value] = {
            key: value if isinstance(value, str | bool | float) else float(value)
            for key, value in values.items() if value is not None
        }  # fmt: skip
        return Fact(self.service, kind, name, told, at, self.name)


_Read = Callable[[PostgresCollector, Row], Fact]


def of_databases(estate: Estate, services: Sequence[str], reach: Reach) -> list[PostgresCollector]:
    """A collector for each PostgreSQL of these services: of their hosts, and of their SQL checks."""
    found: dict[tuple[str, str], PostgresCollector] = {}
    for service in services:
        for url, password in _places(estate, service):
            try:
                database_url(url)
            except MainstayError:
                continue
            found.setdefault((service, url), PostgresCollector(service, url, password, reach))
    return list(found.values())


def _places(estate: Estate, service: str) -> list[tuple[str, str | None]]:
    declared = estate.services.get(service)
    hosts = [estate.hosts[one] for one in declared.hosts if one in estate.hosts] if declared else []
    places = [(one.database, one.password) for one in hosts]
    for check in estate.checks.values():
        if check.service != service or check.sql is None:
            continue
        on = [host for name, host in estate.hosts.items() if _chosen(check.on, name, host.tags)]
        databases = [check.sql.database] if check.sql.database else [one.database for one in on]
        password = check.sql.password or next((one.password for one in on), None)
        places += [(url, password) for url in databases]
    return [(url, password) for url, password in places if url]


def _chosen(on: Sequence[str], name: str, tags: Sequence[str]) -> bool:
    return name in on or any(f"tag:{tag}" in on for tag in tags)


def _rows(reading: Reading, text: str) -> list[Row]:
    names, rows = reading.rows(lawful(text), {"long_s": LONG_S}, rows_max=ROWS_MAX)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _at(fact: Fact, now: datetime) -> Fact:
    return Fact(fact.where, fact.kind, fact.name, fact.values, now, fact.source)
