"""Escalation: one policy running for one incident, a due row at a time.

Firing a step asks who is on call *then*, writes the outbox rows to named people and the next due
row in the same transaction: killed at any point, the step is either done or due.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from mainstay import incidents, oncall, people
from mainstay.estate import SELF, Step, Target, View
from mainstay.foundation import due
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.due import Due
from mainstay.foundation.ids import Ids
from mainstay.foundation.record import Fact
from mainstay.incidents import Incident
from mainstay.paging import feed, policy, store
from mainstay.paging.policy import Next, Position
from mainstay.paging.store import Escalation, Send, SendState
from mainstay.people import Urgency

STEP_DUE = "paging.step"
"""A step of an escalation; the key is the escalation's id."""
SEND_DUE = "paging.send"
"""A page to one address; the key is the send's id."""
FALLBACK = "fallback"
"""The policy that pages when another runs dry or nobody can be reached."""
LATE = timedelta(seconds=30)
"""A step that fires later than this moves the steps after it."""
BY_HAND = -1
"""The `step` of a page by hand."""


@dataclass(frozen=True, slots=True)
class Fired:
    """What firing a step did. `trouble`: nobody could be reached by anything; tell of ourselves."""

    facts: list[Fact]
    sends: int
    trouble: str | None = None


def start(
    tx: Tx, ids: Ids, incident: Incident, *, policy_id: str, view: View, reason: str,
    now: datetime,
) -> list[Fact]:  # fmt: skip
    """Run `policy_id` for `incident`, unless it runs already. A policy that is gone: the fallback."""
    name = policy_id if policy_id in view.estate.escalations else FALLBACK
    if store.is_running(tx, incident.id, name):
        return []
    shadow = view.is_shadow(incident.service)
    run = Escalation(
        id=ids.new("esc", now), incident=incident.id, policy=name, estate_version=view.version,
        started_at=to_us(now), step=0, round=0, shadow=int(shadow), reason=reason,
        state="running", ended_at=None,
    )  # fmt: skip
    store.insert_escalation(tx, run)
    first = policy.first(view.estate.escalations[name])
    promise = _plan(tx, run, first, base=now)
    because = f"policy {name} starts, because {reason}"
    if shadow:
        because += "; in shadow: everything is decided, nothing is sent"
    facts = {"policy": name, **promise}
    return [Fact("paging.started", run.id, because, incident=incident.id, facts=facts)]


def fire(tx: Tx, ids: Ids, step_due: Due, *, view: View, now: datetime) -> Fired:
    """Fire the step that is due: outbox rows to named people, and the next due row."""
    run = store.escalation(tx, step_due.key)
    incident = incidents.get(tx, run.incident) if run is not None else None
    if run is None or incident is None or run.state != "running" or not incident.is_open:
        due.finish(tx, step_due)
        return Fired([], 0)
    rules = view.estate.escalations.get(run.policy)
    if rules is None or step_due.facts["step"] is None:
        return _dry(tx, ids, run, incident, view=view, now=now)
    at = Position(**step_due.facts)
    if at.step >= len(rules.steps):  # re-based on a shorter policy
        return _dry(tx, ids, run, incident, view=view, now=now)
    store.stand(tx, run.id, step=at.step, round=at.again)
    step = rules.steps[at.step]
    if step.round_robin and at.turn is None:
        at = replace(at, turn=store.turn(tx, run.policy, at.step))
    reached, empty = _reach(tx, step, at, view=view, now=now)
    sends = _write_sends(tx, ids, run, incident, step, at, reached, now=now)
    delays = [delay_s for of_one in sends.values() for delay_s in of_one]
    planned = len(delays)
    found = bool(planned) or (bool(run.shadow) and bool(reached))  # shadow needs no addresses yet
    base = step_due.planned_at if now - step_due.planned_at < LATE else now
    follows = policy.following(rules, at) if found else policy.after_nobody(rules, at)
    promise = _plan(tx, run, follows, base=base if found else now)
    if planned and not run.shadow:
        promise |= {"page_at": to_us(now + timedelta(seconds=min(delays)))}
    facts = [_fired_fact(run, incident, at, reached, empty, promise)]
    facts += [_no_address(incident, person) for person in reached if person not in sends]
    return Fired(facts, planned)


def _reach(
    tx: Tx, step: Step, at: Position, *, view: View, now: datetime
) -> tuple[dict[str, str], list[str]]:
    """person → why they are paged, in order, each once; and why a target stands for nobody."""
    targets: Iterable[Target] = step.notify
    if at.turn is not None:
        targets = [step.notify[at.turn % len(step.notify)]]
    reached: dict[str, str] = {}
    empty = []
    for target in targets:
        found = oncall.on_call_for(
            tx, view.estate, target=target, at=now, is_business_day=view.is_business_day
        )
        if not found.people:
            empty.append(f"{target}: {found.why}")
        for one in found.people:
            reached.setdefault(one.person, one.why)
    return reached, empty


def _write_sends(
    tx: Tx, ids: Ids, run: Escalation, incident: Incident, step: Step, at: Position,
    reached: dict[str, str], *, now: datetime,
) -> dict[str, list[int]]:  # fmt: skip
    """person → after how many seconds each address is tried; without those who have none."""
    written = {}
    urgency = urgency_of(incident)
    for person, why in reached.items():
        contacts = people.plan_for(tx, person, urgency, channel=step.channel)
        for contact in contacts:
            plan_send(
                tx, ids, incident, contact, run=run, step=at.step, round=_round(at), why=why,
                now=now, shadow=bool(run.shadow),
            )  # fmt: skip
        if contacts:
            written[person] = [contact.delay_s for contact in contacts]
    return written


def plan_send(
    tx: Tx, ids: Ids, incident: Incident, contact: people.Contact, *, run: Escalation | None,
    step: int, round: int, why: str, now: datetime, shadow: bool,
) -> bool:  # fmt: skip
    """One outbox row and its due row; False when this very page was planned before."""
    at = now + timedelta(seconds=contact.delay_s)
    origin = run.id if run is not None else f"hand:{incident.id}"
    send = Send(
        id=ids.new("pag", now), escalation=run.id if run else None, incident=incident.id,
        person=contact.address.person, address=contact.address.id,
        channel=contact.address.kind,
        idempotency_key=_key(origin, step, round, contact), step=step, round=round, reason=why,
        urgency=urgency_of(incident), severity=incident.severity, created_at=to_us(now),
        due_at=to_us(at),
        state=SendState.SHADOW if shadow else SendState.WAITING,
    )  # fmt: skip
    if not store.insert_send(tx, send):
        return False
    if send.state is SendState.WAITING:
        due.plan(tx, SEND_DUE, send.id, at=at)
    return True


def _dry(
    tx: Tx, ids: Ids, run: Escalation, incident: Incident, *, view: View, now: datetime
) -> Fired:
    """The policy ran dry: the fallback takes over; the fallback itself tells of Mainstay."""
    due.cancel(tx, STEP_DUE, run.id)
    store.end_escalation(tx, run.id, state="exhausted", at=to_us(now))
    because = f"policy {run.policy} ran dry and nobody has acknowledged {incident.name}"
    facts = [Fact("paging.exhausted", run.id, because, incident=incident.id)]
    if run.policy == FALLBACK:
        silent = run.shadow or incident.service == SELF
        return Fired(facts, 0, trouble=None if silent else because)
    facts += start(
        tx, ids, incident, policy_id=FALLBACK, view=view, reason=f"{run.policy} ran dry", now=now
    )
    return Fired(facts, 0)


def escalate_now(tx: Tx, incident: Incident, *, now: datetime) -> bool:
    """Bring the next step of every running policy forward; False when none waits."""
    moved = [due.sooner(tx, STEP_DUE, run.id, at=now) for run in store.running(tx, incident.id)]
    return any(moved)


def stop(tx: Tx, incident: Incident, *, because: str, now: datetime) -> list[Fact]:
    """No later step's page starts: end the running policies, cancel what waits in the outbox.

    A page by hand stays: somebody asked for it, whoever has the incident.
    """
    facts = []
    for run in store.running(tx, incident.id):
        store.end_escalation(tx, run.id, state="stopped", at=to_us(now))
        due.cancel(tx, STEP_DUE, run.id)
        words = f"policy {run.policy} stops, because {because}"
        facts.append(Fact("paging.stopped", run.id, words, incident=incident.id))
    for send in store.waiting_of_incident(tx, incident.id):
        if send.escalation is not None:
            store.cancel_send(tx, send.id, because)
            due.cancel(tx, SEND_DUE, send.id)
            release_carried(tx, send.id, now=now)
    feed.tell(tx, incident.id, stopped=True, now=now)
    return facts


def release_carried(tx: Tx, send_id: str, *, now: datetime) -> None:
    """A page that will not be sent gives back the pages that it carried: they are due now."""
    for carried in store.unbundle(tx, send_id):
        due.plan(tx, SEND_DUE, carried, at=now)


def page_by_hand(
    tx: Tx,
    ids: Ids,
    incident: Incident,
    target: Target,
    *,
    view: View,
    why: str,
    now: datetime,
) -> dict[str, int]:
    """Page a person, team or schedule now, beside any policy; person → addresses tried."""
    found = oncall.on_call_for(
        tx, view.estate, target=target, at=now, is_business_day=view.is_business_day
    )
    written = {}
    for person in dict.fromkeys(reached.person for reached in found.people):
        contacts = people.plan_for(tx, person, "high", channel=None)
        for contact in contacts:
            plan_send(
                tx, ids, incident, contact, run=None, step=BY_HAND, round=to_us(now), why=why,
                now=now, shadow=view.is_shadow(incident.service),
            )  # fmt: skip
        written[person] = len(contacts)
    return written


def urgency_of(incident: Incident) -> Urgency:
    """`high` for P1 and P2, else `low`: which of a person's rules apply."""
    return "high" if incident.priority in ("P1", "P2") else "low"


def _plan(tx: Tx, run: Escalation, follows: Next, *, base: datetime) -> dict[str, Any]:
    """The next due row; `step: null` says that the policy is dry by then.

    Returns the promise that the record keeps: the watchdog holds us to it, whatever becomes of the
    row.
    """
    at = follows.position
    facts = (
        {"step": None}
        if at is None
        else {"step": at.step, "again": at.again, "loop": at.loop, "turn": at.turn}
    )
    due.plan(tx, STEP_DUE, run.id, at=base + follows.wait, facts=facts)
    return {"next_step": None if at is None else at.step, "next_at": to_us(base + follows.wait)}


def _round(at: Position) -> int:
    """One number for (repeat, loop), so that each firing has its own idempotency keys."""
    return at.loop * 1000 + at.again


def _key(origin: str, step: int, round: int, contact: people.Contact) -> str:
    """One key per (escalation, firing, person, channel): the same for every copy of one page."""
    words = f"{origin}/{step}/{round}/{contact.address.person}/{contact.address.id}"
    return sha256(words.encode()).hexdigest()[:32]


def _fired_fact(
    run: Escalation, incident: Incident, at: Position, reached: dict[str, str], empty: list[str],
    promise: dict[str, Any],
) -> Fact:  # fmt: skip
    step = f"step {at.step + 1} of {run.policy}"
    if at.again or at.loop:
        step += f" (again, {at.again + at.loop})"
    words = [f"pages {person} ({why})" for person, why in reached.items()]
    words += [f"reaches nobody at {why}" for why in empty]
    facts = {"step": at.step, "people": list(reached), **promise}
    because = f"{step} {'; '.join(words)}"
    return Fact("paging.step", run.id, because, incident=incident.id, facts=facts)


def _no_address(incident: Incident, person: str) -> Fact:
    because = f"{person} has no address to be paged at"
    return Fact("paging.unreachable", person, because, incident=incident.id)
