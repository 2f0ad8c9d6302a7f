"""One settling transaction: what it reads once, what it writes at its end, and the side paths.

The main path is `pipeline.settle`; here stands what happens beside it: an alert that got worse,
closed, or was acknowledged at its source, and an incident that is over.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from mainstay import alerts, incidents, paging
from mainstay.alerts import Alert, Silences
from mainstay.diagnosis import live
from mainstay.estate import View
from mainstay.foundation import record
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.record import SYSTEM, Fact
from mainstay.ground import Ground, rules_of
from mainstay.incidents import Attached, Board, Incident, Rules

GROWN = timedelta(seconds=30)
"""Services join an incident one after the other: so long is waited before its cause is sought again."""


@dataclass(slots=True)
class Batch:
    """Open with `open_batch`, end with `end`: all of it is written, or nothing."""

    tx: Tx
    ground: Ground
    view: View
    now: datetime
    board: Board
    silences: Silences
    rules: Rules
    facts: list[Fact] = field(default_factory=list)
    known: dict[tuple[str, str], Alert | None] = field(default_factory=dict)
    """The newest alert of each source and key that comes; asked once a batch."""
    told: set[str] = field(default_factory=set)
    """Incidents whose webhooks have news."""
    attended: set[str] = field(default_factory=set)
    """Incidents for which a policy is known to run; asked once a batch, not once an alert."""
    shrunk: set[str] = field(default_factory=set)
    """Incidents of which an alert closed."""

    def note(self, kind: str, alert: Alert, because: str, *, incident: str | None = None) -> None:
        """A row of the record about an alert."""
        facts = {"service": alert.service, "severity": alert.severity, "summary": alert.summary}
        self.facts.append(
            Fact(
                kind,
                alert.id,
                because,
                actor=f"source:{alert.source}",
                incident=incident or alert.incident,
                receipt=alert.last_receipt,
                facts=facts,
            )
        )

    def note_incident(
        self, kind: str, incident: Incident, because: str, *, actor: str = SYSTEM, **facts: Any
    ) -> None:
        """A row of the record about an incident."""
        fact = Fact(kind, incident.id, because, actor=actor, incident=incident.id, facts=facts)
        self.facts.append(fact)


def open_batch(tx: Tx, ground: Ground, now: datetime) -> Batch:
    """Read what every item of the transaction needs."""
    view = ground.views.current(tx)
    board, silences = Board(tx), Silences.load(tx, now)
    return Batch(tx, ground, view, now, board, silences, rules_of(view))


def end(batch: Batch) -> None:
    """Resolve what is over, tell the webhooks, write the record."""
    tx, now = batch.tx, batch.now
    for incident in sorted(batch.shrunk):
        _resolve_if_over(batch, batch.board.incident(tx, incident))
    for incident in sorted(batch.told):
        paging.tell(tx, incident, now=now)
    record.write(tx, batch.facts, now=now, estate_version=batch.view.version)


def follow_up(batch: Batch, alert: Alert, attached: Attached) -> None:
    """What an alert in an incident sets going: a policy, where somebody must hear of it."""
    incident = attached.incident
    if batch.ground.diagnoses and (attached.what != "joined" or attached.new_service):
        _ask_why(batch, incident, grown=attached.what == "joined")
    batch.told.add(incident.id)
    if attached.what != "joined":
        words = f"{incident.name} {attached.what} for {alert.service}, because {attached.because}"
        batch.note_incident(f"incident.{attached.what}", incident, words)
    elif attached.new_service:
        words = f"{alert.service} joined {incident.name}, because {attached.because}"
        batch.note_incident("incident.joined", incident, words)
    reason = attached.pages or _unattended(batch, incident)
    if reason is None:
        return
    batch.facts += paging.start(
        batch.tx,
        batch.ground.ids,
        incident,
        policy_id=batch.view.policy_of(alert.service),
        view=batch.view,
        reason=reason,
        now=batch.now,
    )


def _ask_why(batch: Batch, incident: Incident, *, grown: bool) -> None:
    """Have the likely cause looked for: of a new incident at once, of one that grows a little later."""
    because = f"{incident.name} {'grows' if grown else 'is new'}"
    at = batch.now + GROWN if grown else batch.now
    live.ask(batch.tx, batch.ground.ids, incident, because=because, at=at, now=batch.now)


def _unattended(batch: Batch, incident: Incident) -> str | None:
    """Why an alert pages that is no news to its incident: nobody has it, and nobody is being asked.

    So it is after a silence of all that it had, or after every policy ran dry.
    """
    if incident.acked_by is not None or incident.id in batch.attended:
        return None
    if paging.running(batch.tx, incident.id):
        batch.attended.add(incident.id)
        return None
    return f"nobody has {incident.name} and no policy runs for it"


def place(batch: Batch, alert: Alert) -> Attached:
    """Correlate a new alert with what is open, and attach it: join, reopen, or a new incident."""
    place = alerts.correlate(
        alert,
        batch.board.near(alert.service, batch.view.neighbours),
        distance=batch.view.distance,
        window=batch.view.estate.org.incidents.join_within,
        at_us=to_us(batch.now),
    )
    return incidents.attach(
        batch.tx,
        batch.ground.ids,
        alert,
        place=place,
        board=batch.board,
        rules=batch.rules,
        now=batch.now,
    )


def speaks_again(batch: Batch, alert: Alert, because: str) -> None:
    """A silence is over and the alert still fires: page as if it were new."""
    incident = batch.board.incident(batch.tx, alert.incident) if alert.incident else None
    if incident is None or not incident.is_open:
        attached = place(batch, alert)
        alerts.place(batch.tx, alert.id, attached.incident.id)
        batch.note("alert.opened", alert, because, incident=attached.incident.id)
        follow_up(batch, alert, attached)
        return
    batch.note("alert.heard", alert, because)
    attached = _joined(batch, alert, incident, because)
    if attached.incident.acked_by is None:
        words = f"{because}, and {alert.summary!r} still fires"
        attached = replace(attached, pages=attached.pages or words)
    follow_up(batch, alert, attached)


def _joined(batch: Batch, alert: Alert, incident: Incident, because: str) -> Attached:
    return incidents.join(
        batch.tx,
        alert,
        board=batch.board,
        rules=batch.rules,
        into=incident.id,
        because=because,
        now=batch.now,
    )


def worsened(batch: Batch, alert: Alert, because: str) -> None:
    """More severe than before: the incident must know, and perhaps somebody must be paged.

    A silence that fitted what it was and does not fit what it is now mutes it no longer.
    """
    batch.note("alert.worsened", alert, because)
    if alert.silence is not None:
        if batch.silences.of(alert) is None:
            speaks_again(batch, alerts.unmute(batch.tx, alert), because)
        return
    if alert.incident is None:
        return
    incident = batch.board.incident(batch.tx, alert.incident)
    if incident.is_open:
        follow_up(batch, alert, _joined(batch, alert, incident, because))


def closed(batch: Batch, alert: Alert) -> None:
    """An alert is over: its incident may be, too."""
    if alert.incident is not None:
        batch.told.add(alert.incident)
        batch.shrunk.add(alert.incident)


def acked_at_source(batch: Batch, alert: Alert) -> None:
    """Somebody took it at the source: when they took all that is open, they have the incident."""
    if alert.incident is None:
        return
    incident = batch.board.incident(batch.tx, alert.incident)
    if not incident.is_open or not alerts.acked_at_source(batch.tx, incident.id):
        return
    who = f"source:{alert.source}"
    incident = incidents.acknowledge(
        batch.tx, incident, who=who, holds_for=hold_of(batch.view, incident), now=batch.now
    )
    batch.board.remember(incident)
    words = f"every open alert of {incident.name} was acknowledged at {alert.source}"
    batch.note_incident(
        "incident.acknowledged", incident, words, actor=who, by=who, until=incident.acked_until
    )
    batch.facts += paging.stop(batch.tx, incident, because=words, now=batch.now)


def _resolve_if_over(batch: Batch, incident: Incident) -> None:
    if not incident.is_open:
        return
    if alerts.has_open(batch.tx, incident.id):
        _hush_if_muted(batch, incident)
        return
    incident = incidents.resolve(
        batch.tx, incident, reopen_within=batch.rules.reopen_within, now=batch.now
    )
    batch.board.remember(incident)
    words = f"{incident.name} resolved: every one of its alerts is closed"
    batch.note_incident("incident.resolved", incident, words)
    batch.facts += paging.stop(batch.tx, incident, because="it is resolved", now=batch.now)


def _hush_if_muted(batch: Batch, incident: Incident) -> None:
    """The last alert that was heard is closed and the rest is silenced: nobody is paged for that."""
    if not alerts.is_heard(batch.tx, incident.id):
        because = f"every open alert of {incident.name} is silenced"
        batch.facts += paging.stop(batch.tx, incident, because=because, now=batch.now)


def hold_of(view: View, incident: Incident) -> timedelta | None:
    """How long an acknowledgement of this incident holds; None: until it is resolved."""
    spans = view.estate.org.incidents.acknowledge_for
    return next((span for name, span in spans.items() if name == incident.priority), None)
