"""A new alert joins its incident, or makes one; and says whether somebody must be paged for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from mainstay.alerts import Alert, Candidate, Place, worse
from mainstay.foundation import due
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.ids import Ids
from mainstay.incidents import store
from mainstay.incidents.incident import Incident, State, more_urgent

CLOSE_DUE = "incidents.close"
"""The due rows at which a resolved incident can no longer reopen; their key is its id."""
ACK_DUE = "incidents.ack"
"""The due rows at which an acknowledgement ends; their key is the incident's id."""
_TOUCH_US = 1_000_000
"""How exactly `last_at` is kept: in a storm it is written once a second, not once an alert."""


class Board:
    """The open incidents, seen through their services: read once for a batch, kept up with it."""

    __slots__ = ("_by_service", "_incidents")

    def __init__(self, tx: Tx) -> None:
        self._by_service: dict[str, Candidate] = {}
        self._incidents: dict[str, Incident] = {}
        self.look(tx)

    def look(self, tx: Tx) -> None:
        """Which services are in an open incident: read at the start, and when one reopens."""
        self._by_service = {c.service: c for c in store.candidates(tx)}

    def near(self, service: str, neighbours: Callable[[str], frozenset[str]]) -> list[Candidate]:
        """The candidates for an alert of `service`: its own incident's, else its neighbours'."""
        own = self._by_service.get(service)
        if own is not None:
            return [own]
        near = neighbours(service) if self._by_service else frozenset()
        return [c for c in self._by_service.values() if c.service in near]

    def incident(self, tx: Tx, incident: str) -> Incident:
        """As of this batch."""
        if incident not in self._incidents:
            found = store.get(tx, incident)
            assert found is not None, incident
            self._incidents[incident] = found
        return self._incidents[incident]

    def remember(self, incident: Incident) -> None:
        """Changed in this batch."""
        self._incidents[incident.id] = incident

    def join(self, tx: Tx, incident: str, service: str, at_us: int) -> bool:
        """Note a new alert of `service`; says whether the service is new to the incident."""
        known = self._by_service.get(service)
        known_here = known is not None and known.incident == incident
        if known is not None and known_here and at_us - known.last_at < _TOUCH_US:
            return False
        store.join(tx, incident, service, at_us)
        self._by_service[service] = Candidate(incident, service, at_us)
        return not known_here


@dataclass(frozen=True, slots=True)
class Attached:
    """What became of the alert. `pages`: why somebody must hear of it now, or None."""

    what: Literal["opened", "reopened", "joined"]
    incident: Incident
    because: str
    pages: str | None
    new_service: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """What the estate says about incidents."""

    reopen_within: timedelta
    priority_of: Callable[[str, str], str]
    """(service, severity) → P1 … P4."""
    version: int


def attach(
    tx: Tx, ids: Ids, alert: Alert, *, place: Place, board: Board, rules: Rules, now: datetime
) -> Attached:
    """Join `place`, reopen what resolved a moment ago under the same key, or open a new incident."""
    if place.incident is not None:
        return join(
            tx, alert, board=board, rules=rules, into=place.incident, because=place.because, now=now
        )
    last = store.last_by_key(tx, place.key)
    if last is not None and _reopens(last, rules, now):
        return _reopened(tx, alert, last, board=board, rules=rules, now=now)
    incident = _new(tx, ids, alert, key=place.key, rules=rules, now=now)
    store.insert(tx, incident)
    board.remember(incident)
    board.join(tx, incident.id, alert.service, to_us(now))
    return Attached("opened", incident, place.because, "it is new", new_service=True)


def join(
    tx: Tx, alert: Alert, *, board: Board, rules: Rules, into: str, because: str, now: datetime
) -> Attached:
    """Join an open incident. A second fault cannot hide behind an acknowledgement."""
    before = board.incident(tx, into)
    new_service = board.join(tx, into, alert.service, to_us(now))
    pages = _why_page(before, alert, new_service)
    incident = _worsened(before, alert, rules)
    if pages is not None and before.acked_by is not None:
        incident = without_ack(incident)
        due.cancel(tx, ACK_DUE, into)
    if incident != before:
        store.update(tx, incident)
        board.remember(incident)
    return Attached("joined", incident, because, pages, new_service)


def _why_page(incident: Incident, alert: Alert, new_service: bool) -> str | None:
    """Why an alert that joins pages again, or None: its escalation already runs, or it is no news."""
    if incident.acked_by is None:
        return f"{alert.service} joined the incident" if new_service else None
    if new_service:
        return f"{alert.service} joined after {incident.acked_by} acknowledged"
    if incident.acked_severity is not None and worse(alert.severity, incident.acked_severity):
        return (
            f"it is {alert.severity}; {incident.acked_by} acknowledged no more than "
            f"{incident.acked_severity}"
        )
    return None


def _reopens(last: Incident, rules: Rules, now: datetime) -> bool:
    return (
        last.state is not State.CLOSED
        and last.resolved_at is not None
        and from_us(last.resolved_at) > now - rules.reopen_within
    )


def _reopened(
    tx: Tx, alert: Alert, last: Incident, *, board: Board, rules: Rules, now: datetime
) -> Attached:
    incident = without_ack(_worsened(last, alert, rules))
    incident = replace(incident, state=State.INVESTIGATING, hold=None, resolved_at=None)
    reopen_services(tx, incident)
    store.update(tx, incident)
    due.cancel(tx, CLOSE_DUE, incident.id)
    board.remember(incident)
    board.look(tx)
    board.join(tx, incident.id, alert.service, to_us(now))
    minutes = int(rules.reopen_within.total_seconds() // 60)
    because = f"{incident.name} resolved less than {minutes} minutes ago"
    return Attached("reopened", incident, because, "it is back", new_service=False)


def reopen_services(tx: Tx, incident: Incident) -> None:
    """Take its services back, except those that another open incident has taken since."""
    held = {service for service, _ in store.services_held_by_others(tx, incident.id)}
    if not held:
        store.services_open(tx, incident.id, True)
        return
    for service in store.services(tx, incident.id):
        if service not in held:
            store.reopen_service(tx, incident.id, service)


def _new(tx: Tx, ids: Ids, alert: Alert, *, key: str, rules: Rules, now: datetime) -> Incident:
    return Incident(
        id=ids.new("inc", now),
        number=store.next_number(tx),
        correlation_key=key,
        service=alert.service,
        title=alert.summary,
        state=State.NEW,
        hold=None,
        severity=alert.severity,
        priority=rules.priority_of(alert.service, alert.severity),
        assignee=None,
        opened_at=to_us(now),
        resolved_at=None,
        closed_at=None,
        acked_by=None,
        acked_at=None,
        acked_until=None,
        acked_severity=None,
        estate_version=rules.version,
    )


def _worsened(incident: Incident, alert: Alert, rules: Rules) -> Incident:
    """With the severity and priority of the worst alert so far; the title speaks of its service."""
    priority = more_urgent(incident.priority, rules.priority_of(alert.service, alert.severity))
    if worse(alert.severity, incident.severity):
        title = alert.summary if alert.service == incident.service else incident.title
        return replace(incident, severity=alert.severity, title=title, priority=priority)
    return incident if priority == incident.priority else replace(incident, priority=priority)


def without_ack(incident: Incident) -> Incident:
    """Nobody has it."""
    return replace(incident, acked_by=None, acked_at=None, acked_until=None, acked_severity=None)
