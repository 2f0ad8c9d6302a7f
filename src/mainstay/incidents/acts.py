"""What people, and time, do to an incident. Each returns the incident as it then is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from mainstay.foundation import due
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict
from mainstay.incidents import store
from mainstay.incidents.attach import ACK_DUE, CLOSE_DUE, reopen_services, without_ack
from mainstay.incidents.incident import Incident, State, check_move


def acknowledge(
    tx: Tx, incident: Incident, *, who: str, holds_for: timedelta | None, now: datetime
) -> Incident:
    """`who` has it, for `holds_for` (None: until resolved). A new one replaces an old one."""
    _must_be_open(incident)
    until = None if holds_for is None else now + holds_for
    incident = replace(
        incident,
        acked_by=who,
        acked_at=to_us(now),
        acked_until=None if until is None else to_us(until),
        acked_severity=incident.severity,
        state=State.INVESTIGATING if incident.state is State.NEW else incident.state,
    )
    store.update(tx, incident)
    if until is None:
        due.cancel(tx, ACK_DUE, incident.id)
    else:
        due.plan(tx, ACK_DUE, incident.id, at=until)
    return incident


def move_acks(tx: Tx, by: timedelta) -> None:
    """The clock was set by `by`: who has an incident has it for as long as before.

    Their due rows (`ACK_DUE`) are moved by whoever moves the plan.
    """
    store.move_acks(tx, by // timedelta(microseconds=1))


def unacknowledge(tx: Tx, incident: Incident) -> Incident:
    """Nobody has it any more: taken back, or its time ran out."""
    _must_be_open(incident)
    incident = without_ack(incident)
    store.update(tx, incident)
    due.cancel(tx, ACK_DUE, incident.id)
    return incident


def move(tx: Tx, incident: Incident, to: State, *, hold: str | None = None) -> Incident:
    """To another working state. Resolving and reopening have verbs of their own."""
    if to in (State.RESOLVED, State.CLOSED):
        raise Conflict(f"Resolve {incident.name} instead of moving it to {to}.")
    _must_be_open(incident)
    check_move(incident, to, hold)
    incident = replace(incident, state=to, hold=hold)
    store.update(tx, incident)
    return incident


def assign(tx: Tx, incident: Incident, person: str) -> Incident:
    """`person` is to take it; whoever acknowledged no longer has it."""
    _must_be_open(incident)
    incident = replace(without_ack(incident), assignee=person)
    store.update(tx, incident)
    due.cancel(tx, ACK_DUE, incident.id)
    return incident


def resolve(tx: Tx, incident: Incident, *, reopen_within: timedelta, now: datetime) -> Incident:
    """Over; closed for good when it can no longer reopen."""
    _must_be_open(incident)
    incident = replace(incident, state=State.RESOLVED, hold=None, resolved_at=to_us(now))
    store.update(tx, incident)
    store.services_open(tx, incident.id, False)
    due.cancel(tx, ACK_DUE, incident.id)
    due.plan(tx, CLOSE_DUE, incident.id, at=now + reopen_within)
    return incident


def reopen(tx: Tx, incident: Incident) -> Incident:
    """Not over after all; only until it is closed."""
    if incident.is_open:
        raise Conflict(f"{incident.name} is open.")
    if incident.state is State.CLOSED:
        raise Conflict(f"{incident.name} is closed; report a new one.")
    taken = dict(store.services_held_by_others(tx, incident.id)).get(incident.service)
    if taken is not None:
        other = store.get(tx, taken)
        assert other is not None
        raise Conflict(f"{other.name} is already open for {incident.service}; work there.")
    incident = replace(without_ack(incident), state=State.INVESTIGATING, resolved_at=None)
    reopen_services(tx, incident)
    store.update(tx, incident)
    due.cancel(tx, CLOSE_DUE, incident.id)
    return incident


def close(tx: Tx, incident: Incident, *, now: datetime) -> Incident:
    """Can no longer reopen."""
    incident = replace(incident, state=State.CLOSED, closed_at=to_us(now))
    store.update(tx, incident)
    return incident


def _must_be_open(incident: Incident) -> None:
    if not incident.is_open:
        raise Conflict(f"{incident.name} is {incident.state}; reopen it first.")
