"""What time does: acknowledgements that end, silences that start or end, alerts not seen any more.

And what an act leaves to it: an act on a hundred thousand alerts does the first slice of them, and
each further one in a transaction of its own, between which pages are sent.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mainstay import alerts, incidents
from mainstay.acts import on_silences
from mainstay.acts.done import Act
from mainstay.acts.on_incidents import ALERTS_DUE, close_alerts, page_if_heard
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
    act = Act(tx, ground, ground.views.current_or_empty(tx), MAINSTAY, now)
    return sum(_take(act, *job) for job in JOBS) + _expiries(act)


def next_at(tx: Tx) -> datetime | None:
    """When `pass_time` next has something to do."""
    instants = [at for kind, _, _ in JOBS if (at := due.next_at(tx, kind)) is not None]
    expiry = alerts.next_expiry(tx)
    if expiry is not None:
        instants.append(from_us(expiry))
    return min(instants, default=None)


def _take(act: Act, kind: str, step: Step, at_once: int) -> int:
    owner = act.ground.node
    claimed = due.claim(
        act.tx, kind, now=act.now, owner=owner, limit=at_once, lease_s=LEASE_S
    )  # fmt: skip
    for one in claimed:
        due.finish(act.tx, one)  # before the step, which may plan it anew
        facts = step(act, one)
        record.write(act.tx, facts, now=act.now, estate_version=act.view.version)
    return len(claimed)


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


JOBS: tuple[tuple[str, Step, int], ...] = (
    (incidents.ACK_DUE, _acknowledgement, AT_ONCE),
    (alerts.SILENCE_DUE, _silence, 1),  # each moves up to a slice of alerts
    (alerts.MUTE_DUE, _mute, 1),
    (alerts.UNMUTE_DUE, _unmute, 1),
    (ALERTS_DUE, _close_alerts, 1),
    (incidents.CLOSE_DUE, _close, AT_ONCE),
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
