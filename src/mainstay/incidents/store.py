"""The tables `incidents_incident` and `incidents_service`: every statement on them."""

from __future__ import annotations

from collections.abc import Collection

from mainstay.alerts import Candidate
from mainstay.foundation.db import Row, Tx
from mainstay.incidents.incident import Incident, State

_INSERT = """
INSERT INTO incidents_incident (
  id, number, correlation_key, service, title, state, hold, severity, priority, assignee, opened_at,
  resolved_at, closed_at, acked_by, acked_at, acked_until, acked_severity, estate_version)
VALUES (
  :id, :number, :correlation_key, :service, :title, :state, :hold, :severity, :priority, :assignee,
  :opened_at, :resolved_at, :closed_at, :acked_by, :acked_at, :acked_until, :acked_severity,
  :estate_version)
"""
_UPDATE = """
UPDATE incidents_incident SET
  title = :title, state = :state, hold = :hold, severity = :severity, priority = :priority,
  assignee = :assignee, resolved_at = :resolved_at, closed_at = :closed_at, acked_by = :acked_by,
  acked_at = :acked_at, acked_until = :acked_until, acked_severity = :acked_severity
WHERE id = :id
"""
_UPDATED = (
    "id", "title", "state", "hold", "severity", "priority", "assignee", "resolved_at", "closed_at",
    "acked_by", "acked_at", "acked_until", "acked_severity",
)  # fmt: skip
_JOIN = """
INSERT INTO incidents_service (incident, service, joined_at, last_at, open)
VALUES (:incident, :service, :at, :at, 1)
ON CONFLICT (incident, service) DO UPDATE SET last_at = excluded.last_at, open = 1
"""


def get(tx: Tx, incident: str) -> Incident | None:
    """By id."""
    row = tx.one("SELECT * FROM incidents_incident WHERE id = :id", id=incident)
    return None if row is None else _incident(row)


def by_number(tx: Tx, number: int) -> Incident | None:
    """By the number that people use."""
    row = tx.one("SELECT * FROM incidents_incident WHERE number = :number", number=number)
    return None if row is None else _incident(row)


def by_name(tx: Tx, name: str) -> Incident | None:
    """By id, number or name: `inc_…`, 2041, INC-2041."""
    text = name.strip()
    found = get(tx, text)
    digits = text.upper().removeprefix("INC-")
    if found is None and digits.isascii() and digits.isdecimal() and len(digits) < 16:
        found = by_number(tx, int(digits))
    return found


def move_acks(tx: Tx, by_us: int) -> None:
    """Every acknowledgement that ends by itself ends so much later, or earlier."""
    tx.run(
        "UPDATE incidents_incident SET acked_until = acked_until + :by"
        " WHERE acked_until IS NOT NULL AND resolved_at IS NULL",
        by=by_us,
    )


def count_open(tx: Tx) -> int:
    """How many are neither resolved nor closed."""
    return int(tx.value("SELECT count(*) FROM incidents_incident WHERE resolved_at IS NULL"))


def every_open(tx: Tx) -> list[Incident]:
    """All that are open, whatever their number."""
    rows = tx.all("SELECT * FROM incidents_incident WHERE resolved_at IS NULL")
    return [_incident(row) for row in rows]


def last_by_key(tx: Tx, correlation_key: str) -> Incident | None:
    """The newest resolved incident of this key."""
    row = tx.one(
        "SELECT * FROM incidents_incident WHERE correlation_key = :key"
        " AND resolved_at IS NOT NULL ORDER BY resolved_at DESC LIMIT 1",
        key=correlation_key,
    )
    return None if row is None else _incident(row)


def insert(tx: Tx, incident: Incident) -> None:
    """A new row; the unique index refuses a second open one of the same key."""
    tx.run(_INSERT, **{name: getattr(incident, name) for name in Incident.__slots__})


def next_number(tx: Tx) -> int:
    """One above the highest; only the settle owner and acts, in the writer, ask."""
    return int(tx.value("SELECT coalesce(max(number), 0) + 1 FROM incidents_incident"))


def update(tx: Tx, incident: Incident) -> None:
    """Everything that may change."""
    tx.run(_UPDATE, **{name: getattr(incident, name) for name in _UPDATED})


def join(tx: Tx, incident: str, service: str, at_us: int) -> None:
    """A new alert of `service` in this incident."""
    tx.run(_JOIN, incident=incident, service=service, at=at_us)


def services(tx: Tx, incident: str) -> list[str]:
    """The services it touches, in the order in which they joined."""
    rows = tx.all(
        "SELECT service FROM incidents_service WHERE incident = :incident"
        " ORDER BY joined_at, service",
        incident=incident,
    )
    return [row["service"] for row in rows]


def services_open(tx: Tx, incident: str, is_open: bool) -> None:
    """Give its services free for another incident, or take them back."""
    tx.run(
        "UPDATE incidents_service SET open = :open WHERE incident = :incident",
        open=int(is_open),
        incident=incident,
    )


def reopen_service(tx: Tx, incident: str, service: str) -> None:
    """Take one service back."""
    tx.run(
        "UPDATE incidents_service SET open = 1 WHERE incident = :incident AND service = :service",
        incident=incident,
        service=service,
    )


def services_held_by_others(tx: Tx, incident: str) -> list[tuple[str, str]]:
    """The (service, incident) pairs that another open incident took since this one resolved."""
    rows = tx.all(
        "SELECT other.service AS service, other.incident AS incident"
        " FROM incidents_service AS mine JOIN incidents_service AS other"
        " ON other.service = mine.service AND other.open = 1"
        " WHERE mine.incident = :incident AND other.incident <> :incident",
        incident=incident,
    )
    return [(row["service"], row["incident"]) for row in rows]


def candidates(tx: Tx) -> list[Candidate]:
    """Every service that is in an open incident."""
    rows = tx.all("SELECT incident, service, last_at FROM incidents_service WHERE open = 1")
    return [Candidate(row["incident"], row["service"], row["last_at"]) for row in rows]


def page(
    tx: Tx,
    *,
    open_only: bool,
    before: tuple[int, str] | None,
    limit: int,
    hidden: Collection[str] = (),
) -> list[Incident]:
    """Newest first; `before` is the (opened_at, id) to page on from.

    `hidden`: incidents of nothing but these services are left out.
    """
    at, incident = before if before is not None else (1 << 62, "")
    shown, names = _but(hidden)
    rows = tx.all(
        "SELECT * FROM incidents_incident"  # noqa: S608 (names of parameters)
        " WHERE (opened_at < :at OR (opened_at = :at AND id < :id))"
        f" AND (:open_only = 0 OR resolved_at IS NULL){shown}"
        " ORDER BY opened_at DESC, id DESC LIMIT :limit",
        at=at,
        id=incident,
        open_only=int(open_only),
        limit=limit,
        **names,
    )
    return [_incident(row) for row in rows]


def _but(hidden: Collection[str]) -> tuple[str, dict[str, str]]:
    """The condition that leaves out what concerns these services alone, and its parameters."""
    if not hidden:
        return "", {}
    names = {f"hidden_{n}": service for n, service in enumerate(hidden)}
    listed = f"(:{', :'.join(names)})"
    joined = "SELECT 1 FROM incidents_service AS one WHERE one.incident = incidents_incident.id"
    return (
        f" AND (service NOT IN {listed} OR EXISTS ({joined} AND one.service NOT IN {listed}))",
        names,
    )


def _incident(row: Row) -> Incident:
    values = {name: row[name] for name in Incident.__slots__}
    values["state"] = State(values["state"])
    return Incident(**values)
