"""What time does: acknowledgements that end, silences that start or end, alerts not seen any more."""

from __future__ import annotations

from datetime import datetime

from mainstay import alerts, incidents
from mainstay.acts import on_silences
from mainstay.acts.done import Act
from mainstay.acts.on_incidents import page_if_heard
from mainstay.foundation import due, record
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.ground import Ground
from mainstay.people import MAINSTAY
from mainstay.settling import closed, end, open_batch, speaks_again

AT_ONCE = 200
"""Alerts expired, and due rows handled, in one transaction."""
LEASE_S = 60.0


def pass_time(tx: Tx, ground: Ground, *, now: datetime) -> int:
    """Do all that is due by time alone; returns how much. Claimed and done in one transaction."""
    return (
        _acknowledgements(tx, ground, now)
        + _silences(tx, ground, now)
        + _closings(tx, ground, now)
        + _expiries(tx, ground, now)
    )


def next_at(tx: Tx) -> datetime | None:
    """When `pass_time` next has something to do."""
    kinds = (incidents.ACK_DUE, incidents.CLOSE_DUE, alerts.SILENCE_DUE)
    instants = [at for kind in kinds if (at := due.next_at(tx, kind)) is not None]
    expiry = alerts.next_expiry(tx)
    if expiry is not None:
        instants.append(from_us(expiry))
    return min(instants, default=None)


def _acknowledgements(tx: Tx, ground: Ground, now: datetime) -> int:
    """Whoever had it has said nothing since: page again."""
    act = _act(tx, ground, now)
    claimed = due.claim(
        tx, incidents.ACK_DUE, now=now, owner=ground.node, limit=AT_ONCE, lease_s=LEASE_S
    )
    for one in claimed:
        due.finish(tx, one)
        incident = incidents.get(tx, one.key)
        if incident is None or not incident.is_open or incident.acked_by is None:
            continue
        who = incident.acked_by
        incident = incidents.unacknowledge(tx, incident)
        words = f"the acknowledgement of {who} has run out and {incident.name} is still open"
        facts = [act.fact("incident.unacknowledged", incident.id, words, incident=incident.id)]
        facts += page_if_heard(act, incident, words)
        record.write(tx, facts, now=now, estate_version=act.view.version)
    return len(claimed)


def _silences(tx: Tx, ground: Ground, now: datetime) -> int:
    """A silence starts, or it ends and what still fires speaks again."""
    act = _act(tx, ground, now)
    claimed = due.claim(
        tx, alerts.SILENCE_DUE, now=now, owner=ground.node, limit=AT_ONCE, lease_s=LEASE_S
    )
    for one in claimed:
        due.finish(tx, one)
        silence = alerts.get_silence(tx, one.key)
        if silence is None or silence.ended_at is not None:
            continue
        if silence.ends_at > to_us(now):
            facts = on_silences.start(act, silence)
            record.write(tx, facts, now=now, estate_version=act.view.version)
            continue
        ended, speaking, facts = on_silences.end(act, silence.id)
        record.write(tx, facts, now=now, estate_version=act.view.version)
        batch = open_batch(tx, ground, now)
        for alert in speaking:
            speaks_again(batch, alert, f"the silence of {ended.author} is over")
        end(batch)
    return len(claimed)


def _closings(tx: Tx, ground: Ground, now: datetime) -> int:
    """A resolved incident that can no longer reopen is closed."""
    claimed = due.claim(
        tx, incidents.CLOSE_DUE, now=now, owner=ground.node, limit=AT_ONCE, lease_s=LEASE_S
    )
    for one in claimed:
        due.finish(tx, one)
        incident = incidents.get(tx, one.key)
        if incident is not None and not incident.is_open and incident.closed_at is None:
            incidents.close(tx, incident, now=now)
    return len(claimed)


def _expiries(tx: Tx, ground: Ground, now: datetime) -> int:
    """Alerts whose source stopped repeating them are closed as not seen."""
    gone = alerts.expired(tx, to_us(now), limit=AT_ONCE)
    if not gone:
        return 0
    batch = open_batch(tx, ground, now)
    for alert in gone:
        change = alerts.expire(tx, alert, now_us=to_us(now))
        batch.note("alert.expired", change.alert, change.because)
        closed(batch, change.alert)
    end(batch)
    return len(gone)


def _act(tx: Tx, ground: Ground, now: datetime) -> Act:
    return Act(tx, ground, ground.views.current_or_empty(tx), MAINSTAY, now)
