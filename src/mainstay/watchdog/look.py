"""One look: does what the record promised happen, and is it going to?

Pure questions on a read transaction of our own. The tables are compared with the record's promises;
where they differ, the record is right. A finding must stand in two looks before anybody hears of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mainstay import alerts, handover, incidents, paging, signals
from mainstay.checks import heartbeats
from mainstay.estate import Views
from mainstay.foundation import due, record
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.due import Plan
from mainstay.incidents import Incident
from mainstay.paging import Send
from mainstay.watchdog.findings import Finding, Teller
from mainstay.watchdog.promises import Ledger, Run, Story

SETTLE_WITHIN = timedelta(seconds=60)
"""How long an accepted signal may wait to be settled, and how long we may write nothing at all."""
UNSENT_MAX = 5_000
"""Pages looked at, the most overdue first."""
OTHERS = {
    paging.FEED_DUE: "updates to webhooks",
    incidents.ACK_DUE: "acknowledgements that run out",
    incidents.CLOSE_DUE: "incidents that close",
    alerts.SILENCE_DUE: "silences that start or end",
    handover.checklists.DUE: "checklists that open or are due",
    handover.passing.DUE: "shifts that hand over",
    handover.shifts.short.DUE: "shifts that need people",
}
"""What else is done by due rows; steps and pages are looked at one by one."""
AFRESH = "start its policy anew with `mainstay ack {0}`, then `mainstay unack {0}`"


@dataclass(frozen=True, slots=True)
class Patience:
    """How late things may be before they count as wrong."""

    grace: timedelta
    """For whatever is due at an instant."""
    per_minute: int
    """Pages a minute to one address: one may have to wait for the next."""

    @property
    def page(self) -> timedelta:
        """How long after its instant the first try of a page must be on record, answered or not."""
        return self.grace + timedelta(seconds=60 / self.per_minute + paging.LEASE_S)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What one look has before it."""

    tx: Tx
    now: datetime
    patience: Patience
    teller: Teller
    opened: dict[str, Incident]
    steps: dict[str, Plan]
    sends: dict[str, Plan]

    def is_late(self, us: int, allowed: timedelta) -> bool:
        return from_us(us) + allowed < self.now


def look(
    tx: Tx, ledger: Ledger, views: Views, *, now: datetime, patience: Patience
) -> list[Finding]:
    """Everything that is wrong as of this read."""
    opened = {one.id: one for one in incidents.every_open(tx)}
    ledger.keep_up(tx, opened)
    zone = ZoneInfo(views.current_or_empty(tx).estate.org.timezone)
    scene = _Scene(
        tx, now, patience, Teller(now, zone), opened,
        steps=due.plans(tx, paging.STEP_DUE), sends=due.plans(tx, paging.SEND_DUE),
    )  # fmt: skip
    return [
        *_promises(scene, ledger),
        *_outbox(scene),
        *_others(scene),
        *_backlog(scene),
        *_heartbeats(scene),
        *_silence(scene),
    ]


# -- promises --------------------------------------------------------------------------------------


def _promises(scene: _Scene, ledger: Ledger) -> Iterator[Finding]:
    shown = scene.opened
    for unknown in shown.keys() - ledger.open.keys():
        yield _unrecorded(scene, shown[unknown])
    for story in ledger.open.values():
        incident = shown.get(story.incident) or incidents.get(scene.tx, story.incident)
        if incident is None or not incident.is_open:
            yield _vanished(story, incident)
            continue
        for run in story.runs.values():
            yield from _run(scene, incident, run)
        yield from _unpaged(scene, story, incident)
        yield from _unattended(scene, story, incident)


def _run(scene: _Scene, incident: Incident, run: Run) -> Iterator[Finding]:
    """A step that will never fire, or that should have fired."""
    plan, teller = scene.steps.get(run.id), scene.teller
    overdue = scene.is_late(run.next_at, scene.patience.grace)
    if plan is not None:  # when the clock is set back, plans move along and promises do not
        overdue = overdue or scene.is_late(plan.due_at, scene.patience.grace)
    if plan is not None and not overdue:
        return
    if plan is None:
        trouble = "and nothing will page: its due row is gone"
    elif plan.owner is not None:
        trouble = (
            f"and has not fired in {plan.tries} tries; {plan.owner} holds it until "
            f"{teller.at(plan.due_at)}"
        )
    else:
        trouble = "and nobody comes for it"
    step = f"step {run.next_step + 1}" if run.next_step is not None else "the end"
    when = "was due" if overdue else "is due"
    yield Finding(
        f"step {run.id}",
        f"{incident.name} will not page",
        f"{teller.incident(incident)}; {step} of {run.policy} {when} at {teller.at(run.next_at)}, "
        f"{trouble}. Page by hand with `mainstay page {incident.name}`, or "
        f"{AFRESH.format(incident.name)}.",
    )


def _unpaged(scene: _Scene, story: Story, incident: Incident) -> Iterator[Finding]:
    """A step fired, and no try of any of its pages is on record."""
    if story.page_at is None or not scene.is_late(story.page_at, scene.patience.page):
        return
    yield Finding(
        f"page {incident.id}",
        f"{incident.name} has not paged",
        f"{scene.teller.incident(incident)}; a page of it was due at "
        f"{scene.teller.at(story.page_at)}, and the record knows of no try. Page by hand with "
        f"`mainstay page {incident.name}`.",
    )


def _unattended(scene: _Scene, story: Story, incident: Incident) -> Iterator[Finding]:
    """Open, nobody has it, and nothing is going to ask anybody."""
    teller = scene.teller
    if story.held_by is not None:
        if story.held_until is None or not scene.is_late(story.held_until, scene.patience.grace):
            return
        words = (
            f"the acknowledgement of {story.held_by} ran out at {teller.at(story.held_until)}, "
            "and nobody was paged again"
        )
    elif story.runs or story.dry or not scene.is_late(incident.opened_at, scene.patience.grace):
        return
    else:
        words = "nobody has it, and no policy runs for it: nothing will page"
    if not alerts.is_heard(scene.tx, incident.id):  # all of it is silenced, or over
        return
    yield Finding(
        f"unattended {incident.id}",
        f"{incident.name} will not page",
        f"{teller.incident(incident)}; {words}. Page by hand with `mainstay page {incident.name}`, "
        f"or {AFRESH.format(incident.name)}.",
    )


def _vanished(story: Story, incident: Incident | None) -> Finding:
    name = story.incident if incident is None else incident.name
    words = "is gone from the database" if incident is None else f"stands as {incident.state}"
    return Finding(
        f"vanished {story.incident}",
        f"{name} has vanished",
        f"{name} is open by the record, yet it {words}, and no row says why: nothing will page for "
        f"it. See `mainstay trace {name}`, and who can write to the database.",
    )


def _unrecorded(scene: _Scene, incident: Incident) -> Finding:
    return Finding(
        f"unrecorded {incident.id}",
        f"{incident.name} is not on record",
        f"{scene.teller.incident(incident)}, and the record does not know that it is. See "
        f"`mainstay trace {incident.name}` and `mainstay audit verify`.",
    )


# -- the outbox, and everything else that is due ---------------------------------------------------


def _outbox(scene: _Scene) -> Iterator[Finding]:
    for send in paging.unsent(scene.tx, limit=UNSENT_MAX):
        plan = scene.sends.get(send.id)
        if plan is None:
            yield _stuck(scene, send, "and nothing will send it: its due row is gone")
        elif scene.is_late(plan.due_at, scene.patience.grace):
            whose = "and nobody comes for it"
            if plan.owner is not None:
                whose = f"and {plan.owner}, who had claimed it, has let it lie"
            yield _stuck(scene, send, whose)


def _stuck(scene: _Scene, send: Send, trouble: str) -> Finding:
    incident = incidents.get(scene.tx, send.incident)
    name = send.incident if incident is None else incident.name
    tried = f"{send.tries} tries" if send.tries else "no try"
    return Finding(
        f"send {send.id}",
        f"{name} has not paged {send.person}",
        f"The page of {name} to {send.person} by {send.channel} was due at "
        f"{scene.teller.at(send.due_at)} ({tried}), {trouble}. Call {send.person}.",
    )


def _others(scene: _Scene) -> Iterator[Finding]:
    for kind, what in OTHERS.items():
        plan = due.late(scene.tx, kind, before=scene.now - scene.patience.grace)
        if plan is None:
            continue
        whose = f"{plan.owner}, who had claimed it, let it lie" if plan.owner else "nobody comes"
        yield Finding(
            f"late {kind}",
            f"{what} are late",
            f"Of {what} the first was due at {scene.teller.at(plan.due_at)}, and {whose}. See the "
            "log of the server, and restart it.",
        )


# -- signals, and signs of life --------------------------------------------------------------------


def _backlog(scene: _Scene) -> Iterator[Finding]:
    since = signals.waiting_since(scene.tx)
    if since is None or not scene.is_late(to_us(since), SETTLE_WITHIN):
        return
    oldest = signals.waiting(scene.tx, 1)[0].receipt
    waiting, teller = signals.waiting_n(scene.tx), scene.teller
    lease = next((one for one in due.leases(scene.tx) if one.name == "settle"), None)
    if lease is None:
        whose = "and no node has ever held the lease to settle"
    elif scene.is_late(to_us(lease.until), timedelta(0)):
        whose = f"and nobody holds the lease to settle; {lease.owner} let it go"
    else:
        whose = f"and {lease.owner}, who holds the lease to settle, does not settle it"
    yield Finding(
        f"unsettled {oldest}",
        "signals are not settled",
        f"{waiting} signals were accepted and wait to be settled, the oldest since "
        f"{teller.at(to_us(since))}, {whose}. See `mainstay trace {oldest}` and the log of the "
        "server.",
    )


def _heartbeats(scene: _Scene) -> Iterator[Finding]:
    """A job that is late, and nobody has said so."""
    at = heartbeats.next_at(scene.tx)
    if at is None or not scene.is_late(to_us(at), SETTLE_WITHIN):
        return
    yield Finding(
        "heartbeats",
        "heartbeats are not looked at",
        f"A heartbeat was late at {scene.teller.at(to_us(at))}, and nobody has looked at it since. "
        "See the log of the server, and restart it.",
    )


def _silence(scene: _Scene) -> Iterator[Finding]:
    alive_at = record.marked(scene.tx, "alive_at")
    if alive_at is None or not scene.is_late(alive_at, SETTLE_WITHIN):
        return
    yield Finding(
        "alive",
        "nothing is written any more",
        f"Mainstay has written nothing to its database since {scene.teller.at(alive_at)}. See its "
        "log, the disk, and whether the database is the one that it was.",
    )
