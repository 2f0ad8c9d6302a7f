"""The corridor: a signal comes in, walks it, and leaves as a page that somebody acknowledges.

Four verbs, each ending in a durable row. Start reading here.

    accept    a door hands over a request           → one raw row, then 2xx           (any node)
    settle    waiting signals, many at once         → alerts, incidents, first step   (one owner)
    deliver   a step or a send is due, by lease     → outbox rows; attempt and answer (any node)
    act       what a person does, by any door       → the same record                 (any node)

Each function works in the caller's transaction and writes its reasons into the one record there:
nothing happens without its row, and `mainstay trace` can tell the whole way.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime, timedelta
from functools import partial

from mainstay import acts, alerts, changes, paging, people, settling, signals
from mainstay.alerts import Alert
from mainstay.estate import SELF
from mainstay.foundation import due, record
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import MainstayError
from mainstay.foundation.failpoint import Moment
from mainstay.ground import Ground, of_self, source_in
from mainstay.paging.channels import Answer
from mainstay.settling import Batch
from mainstay.signals import Arrived, Item, Request

LOOK_AGAIN = timedelta(milliseconds=500)
AT_ONCE = 50
"""Steps, sends and updates claimed in one transaction."""
Ready = paging.Prepared | paging.Update
"""What must be handed to its channel now."""


# -- accept ----------------------------------------------------------------------------------------


def accept(tx: Tx, *requests: Arrived) -> None:
    """Keep requests, raw. When this is committed, their senders may hear 2xx."""
    signals.admit(tx, requests)


def report_self(tx: Tx, ground: Ground, summary: str, *, key: str, now: datetime) -> None:
    """Mainstay tells of itself: a signal like any other, for the service `mainstay`."""
    payload = {"summary": summary, "source": SELF, "severity": "critical"}
    event = {"event_action": "trigger", "dedup_key": key, "payload": payload}
    accept(tx, of_self(ground, ground.views.current(tx).version, event, now=now))


# -- settle ----------------------------------------------------------------------------------------


def settle(tx: Tx, ground: Ground, waiting: list[Request], *, now: datetime) -> None:
    """Turn waiting signals into alerts, incidents and first steps: all of them, or none."""
    batch = settling.open_batch(tx, ground, now)
    found = [(request, item) for request in waiting for item in _items(batch, request)]
    if len(found) > 1:
        batch.known |= alerts.known(tx, [(one.source, item.dedup_key) for one, item in found])
    for request, item in found:
        _settle_item(batch, request, item)
    signals.settled(tx, [request.receipt for request in waiting])
    settling.end(batch)


def _items(batch: Batch, request: Request) -> Sequence[Item]:
    view = batch.ground.views.at(batch.tx, request.estate_version)
    return signals.read_again(request, source_in(view, request.source)).items


def _settle_item(batch: Batch, request: Request, item: Item) -> None:
    """One item: find its service, fold it into its alert, then what that means."""
    routed = batch.view.service_of(
        request.source, item.severity, item.labels, hint=item.service_hint
    )
    if item.kind == "change":
        changes.record_change(
            batch.tx, batch.ground.ids, source=request.source, service=routed.service,
            summary=item.summary, at=from_us(item.started_at_us), facts=item.facts,
            receipt=request.receipt, now=batch.now,
        )  # fmt: skip
        return
    origin = alerts.Origin(
        request.source, request.receipt, routed.service, batch.view.version, batch.now,
        waited_us=max(0, to_us(batch.now) - request.received_at_us),
    )  # fmt: skip
    change = alerts.apply(batch.tx, batch.ground.ids, item, origin=origin, known=batch.known)
    match change.what:
        case "opened":
            opened(batch, change.alert, f"{change.because}; {routed.why}")
        case "worsened":
            settling.worsened(batch, change.alert, change.because)
        case "resolved" | "unknown":
            batch.note(f"alert.{change.what}", change.alert, change.because)
            settling.closed(batch, change.alert)
        case "acknowledged":
            batch.note("alert.acknowledged", change.alert, change.because)
            settling.acked_at_source(batch, change.alert)
        case "repeated" | "held":
            pass


def opened(batch: Batch, alert: Alert, because: str) -> None:
    """A new alert: silenced; or placed (correlate, attach to an incident) and paged for."""
    if (silence := batch.silences.of(alert)) is not None:
        alerts.insert(batch.tx, alert, silence=silence.id)
        because += f"; silenced by {silence.author}, because {silence.reason}"
        return batch.note("alert.silenced", alert, because)
    attached = settling.place(batch, alert)
    alerts.insert(batch.tx, alert, incident=attached.incident.id)
    because += f"; in {attached.incident.name}"
    batch.note("alert.opened", alert, because, incident=attached.incident.id)
    settling.follow_up(batch, alert, attached)


# -- deliver ---------------------------------------------------------------------------------------


def fire_steps(tx: Tx, ground: Ground, *, now: datetime) -> int:
    """Fire what is due: claim, outbox rows to named people and the next due row, one transaction."""
    steps = claim(tx, ground, (paging.STEP_DUE,), now=now)
    ground.passing(Moment.STEP_CLAIMED)
    return len([take(tx, ground, one, now=now) for one in steps])


def begin_sends(
    tx: Tx, ground: Ground, *, now: datetime, but: Set[str] = frozenset()
) -> list[Ready]:
    """Commit the attempt of every send and webhook update that is due; hand them to their channels.

    `but`: what this process has under way. We shall hear of it, so it is not sent again.
    """
    due_now = claim(tx, ground, (paging.SEND_DUE, paging.FEED_DUE), now=now)
    ground.passing(Moment.SEND_CLAIMED)
    for one in due_now:
        if one.key in but:  # or it ends at this moment, and is planned anew: look again soon
            due.again(tx, one, at=now + LOOK_AGAIN)
    taken = [take(tx, ground, one, now=now) for one in due_now if one.key not in but]
    return [ready for ready in taken if ready is not None]


def claim(tx: Tx, ground: Ground, kinds: tuple[str, ...], *, now: datetime) -> list[due.Due]:
    """What is due of these kinds, at most `AT_ONCE` of each; if we die, it comes due again."""
    mine = partial(due.claim, tx, now=now, owner=ground.node, limit=AT_ONCE)
    return [one for kind in kinds for one in mine(kind, lease_s=paging.LEASE_S)]


def take(tx: Tx, ground: Ground, one: due.Due, *, now: datetime) -> Ready | None:
    """Do what one claimed row asks for; what must be handed to a channel is returned."""
    run = paging.escalation(tx, one.key) if one.kind == paging.STEP_DUE else None
    view = ground.views.at(tx, run.estate_version) if run else ground.views.current(tx)
    match one.kind:
        case paging.STEP_DUE:
            fired = paging.fire(tx, ground.ids, one, view=view, now=now)
            ready, facts, trouble, key = None, fired.facts, fired.trouble, "paging.dry"
        case paging.SEND_DUE:
            begun = paging.begin(
                tx, ground.ids, one, view=view, limits=ground.limits, token=ground.token(), now=now
            )
            ready, facts, trouble = begun.ready, begun.facts, begun.trouble
            key = "paging.unreachable"
        case _:
            return paging.begin_update(tx, one, view=view, now=now)
    if trouble is not None:
        report_self(tx, ground, trouble, key=key, now=now)
    record.write(tx, facts, now=now, estate_version=view.version)
    return ready


def finish_send(
    tx: Tx, ground: Ground, done: Ready, outcome: Answer | MainstayError, *, jitter: float,
    now: datetime,
) -> None:  # fmt: skip
    """Commit what the provider said, or what follows a failure. `jitter`: random, 0 to 1."""
    if isinstance(done, paging.Update):
        return paging.finish_update(tx, done, outcome, now=now)
    finished = paging.finish(tx, ground.ids, done, outcome, jitter=jitter, now=now)
    record.write(tx, finished.facts, now=now, estate_version=ground.views.current(tx).version)
    if finished.trouble is not None:
        report_self(tx, ground, finished.trouble, key="paging.unreachable", now=now)


# -- act -------------------------------------------------------------------------------------------


def act(
    tx: Tx, ground: Ground, command: acts.Command, *, actor: people.Actor, now: datetime
) -> acts.Done:
    """What a person does, whatever door it came by: may they, do it, and record it."""
    return acts.perform(tx, ground, command, actor=actor, now=now)
