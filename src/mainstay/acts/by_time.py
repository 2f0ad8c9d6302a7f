"""What time does: acknowledgements that end, silences that start or end, alerts not seen any more.

And what an act leaves to it: an act on a hundred thousand alerts does the first slice of them, and
each further one in a transaction of its own, between which pages are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from mainstay import alerts, incidents
from mainstay.acts import on_silences
from mainstay.acts.done import Act
from mainstay.acts.on_incidents import ALERTS_DUE, close_alerts, page_if_heard
from mainstay.acts.shift import JOBS as SHIFT_JOBS
from mainstay.foundation import due, record
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.due import Due
from mainstay.foundation.record import Fact
from mainstay.ground import Ground
from mainstay.people import MAINSTAY
from mainstay.settling import closed, end, open_batch

AT_ONCE = 200
"""Alerts expired, and due rows handled, in one transaction."""
LEASE_S = 60.0
Step = Callable[[Act, Due], list[Fact]]
"""What one due row asks for."""


def pass_time(tx: Tx, ground: Ground, *, now: datetime) -> int:
    """Do all that is due by time alone; returns how much. Claimed and done in one transaction."""
    act = _act(tx, ground, now)
    claimed = claim(tx, ground, now=now)
    for one in claimed:
        _take(act, one)
    return len(claimed) + _expiries(act)


def claim(tx: Tx, ground: Ground, *, now: datetime) -> list[Due]:
    """What is due by time; who takes each in a transaction of its own has `LEASE_S` for it."""
    return [
        one
        for kind, (_, at_once) in JOBS.items()
        for one in due.claim(
            tx, kind, now=now, owner=ground.node, limit=at_once, lease_s=LEASE_S
        )
    ]  # fmt: skip


def take(tx: Tx, ground: Ground, one: Due, *, now: datetime) -> None:
    """Do what one claimed row asks for."""
    _take(_act(tx, ground, now), one)


def expire(tx: Tx, ground: Ground, *, now: datetime) -> int:
    """Close alerts that their source no longer repeats; returns how many."""
    return _expiries(_act(tx, ground, now))


def next_at(tx: Tx) -> datetime | None:
    """When `pass_time` next has something to do."""
    instants = [at for kind in JOBS if (at := due.next_at(tx, kind)) is not None]
    expiry = alerts.next_expiry(tx)
    if expiry is not None:
        instants.append(from_us(expiry))
    return min(instants, default=None)


def _act(tx: Tx, ground: Ground, now: datetime) -> Act:
    return Act(tx, ground, ground.views.current_or_empty(tx), MAINSTAY, now)


def _take(act: Act, one: Due) -> None:
    if not due.finish(act.tx, one):  # before the step, which may plan it anew
        return  # somebody else has taken it over
    step, _ = JOBS[one.kind]
    record.write(act.tx, step(act, one), now=act.now, estate_version=act.view.version)


def _acknowledgement(act: Act, one: Due) -> list[Fact]:
    """Whoever had it has said nothing since: page again."""
    incident = incidents.get(act.tx, one.key)
    if incident is None or not incident.is_open or incident.acked_by is None:
        return []
    who = incident.acked_by
    incident = incidents.unacknowledge(act.tx, incident)
    words = f"the acknowledgement of {who} has run out and {incident.name} is still open"
    fact = act.fact("incident.unacknowledged", incident.id, words, incident=incident.id)
    return [fact, *page_if_heard(act, incident, words)]


def _silence(act: Act, one: Due) -> list[Fact]:
    """A silence starts, or it ends and what still fires speaks again."""
    silence = alerts.get_silence(act.tx, one.key)
    if silence is None or silence.ended_at is not None:
        return []
    if silence.ends_at > to_us(act.now):
        return on_silences.start(act, silence)
    ended, speaking, facts = on_silences.end(act, silence.id)
    record.write(act.tx, facts, now=act.now, estate_version=act.view.version)
    on_silences.speak(act, speaking, on_silences.over(ended))
    return []


def _mute(act: Act, one: Due) -> list[Fact]:
    """A silence goes on through the alerts that were open when it began."""
    silence = alerts.get_silence(act.tx, one.key)
    if silence is None or silence.ended_at is not None:
        return []
    before = (one.facts["at"], one.facts["id"])
    muted = alerts.mute_on(act.tx, silence, before=before, now=act.now)
    return on_silences.mute(act, silence, muted)


def _unmute(act: Act, one: Due) -> list[Fact]:
    """A silence that is over gives back the rest of what it muted."""
    silence = alerts.get_silence(act.tx, one.key)
    if silence is not None:
        speaking = alerts.unmute_on(act.tx, silence.id, now=act.now)
        on_silences.speak(act, speaking, on_silences.over(silence))
    return []


def _close_alerts(act: Act, one: Due) -> list[Fact]:
    """The rest of an incident that somebody resolved."""
    return close_alerts(act, one.key, by=one.facts["by"], until_us=one.facts["until_us"])


def _close(act: Act, one: Due) -> list[Fact]:
    """A resolved incident that can no longer reopen is closed."""
    incident = incidents.get(act.tx, one.key)
    if incident is not None and not incident.is_open and incident.closed_at is None:
        incidents.close(act.tx, incident, now=act.now)
    return []


JOBS: Mapping[str, tuple[Step, int]] = MappingProxyType(
    {
        incidents.ACK_DUE: (_acknowledgement, AT_ONCE),
        alerts.SILENCE_DUE: (_silence, 1),  # each moves up to a slice of alerts
        alerts.MUTE_DUE: (_mute, 1),
        alerts.UNMUTE_DUE: (_unmute, 1),
        ALERTS_DUE: (_close_alerts, 1),
        incidents.CLOSE_DUE: (_close, AT_ONCE),
        **SHIFT_JOBS,
    }
)
"""What is due → what it asks for, and how many in one transaction."""


def _expiries(act: Act) -> int:
    """Alerts whose source stopped repeating them are closed as not seen."""
    tx, now = act.tx, act.now
    gone = alerts.expired(tx, to_us(now), limit=AT_ONCE)
    if not gone:
        return 0
    batch = open_batch(tx, act.ground, now)
    for alert in gone:
        change = alerts.expire(tx, alert, now_us=to_us(now))
        batch.note("alert.expired", change.alert, change.because)
        closed(batch, change.alert)
    end(batch)
    return len(gone)
