"""Sending one page: begin (commit the attempt), the channel, finish (commit the answer).

Killed in between, the lease runs out and the page is sent again under the same idempotency key,
marked as a repeat: never zero, at most one extra copy for each crash inside the send window.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mainstay import alerts, incidents, people
from mainstay.alerts import rank
from mainstay.estate import SELF, View
from mainstay.foundation import due
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.due import Due
from mainstay.foundation.errors import BadReply, MainstayError, Outside, Rejected, TimedOut
from mainstay.foundation.ids import Ids
from mainstay.foundation.record import Fact
from mainstay.incidents import Incident
from mainstay.paging import feed, links, store, words
from mainstay.paging.channels import Answer, Page
from mainstay.paging.escalate import SEND_DUE, STEP_DUE, plan_send, release_carried
from mainstay.paging.store import Send, SendState
from mainstay.people import Address

LEASE_S = 20.0
"""Longer than any channel's time-out, so that a living worker never loses a page to another."""
TRIES_MAX = 8
"""Also of tries whose outcome we never learned or could not commit: at most so many copies."""
BACKOFF_S = (5, 10, 20, 40, 60)
"""Wait after the first, second … failed try; the last one repeats. Jitter is added."""
NEXT_CHANNEL_AFTER = 2
"""Failed tries after which the person's next address is tried too: within 60 s (P5)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How often one address may be paged, and where links point."""

    per_minute: int = 1
    public_url: str | None = None

    @property
    def window(self) -> timedelta:
        """The least time between two pages to one address."""
        return timedelta(seconds=60 / self.per_minute)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A page that must be handed to its channel now; its attempt is committed."""

    due: Due
    send: Send
    address: Address
    page: Page
    upto: tuple[int, str] | None
    """Webhooks: the newest alert that this message tells of."""
    incident: Incident
    """As the message tells it."""

    @property
    def tries(self) -> int:
        """How often it was handed to its channel, this time included; waiting is no try."""
        return self.send.tries + 1


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a try. `trouble`: nothing worked for anybody; tell of ourselves."""

    facts: list[Fact]
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """What came of a send that was due: it is `ready` for its channel, or there is no try now."""

    ready: Prepared | None
    facts: list[Fact]
    trouble: str | None = None


def begin(
    tx: Tx, ids: Ids, send_due: Due, *, view: View, limits: Limits, token: str, now: datetime
) -> Begun:
    """Commit the attempt, or decide that there is none: too late, too often, or too soon.

    `token`: fresh random text for the acknowledge link.
    """
    send = store.send(tx, send_due.key)
    incident = incidents.get(tx, send.incident) if send is not None else None
    address = people.address(tx, send.address) if send is not None else None
    if send is None or incident is None or send.state not in (SendState.WAITING, SendState.SENDING):
        due.finish(tx, send_due)
        return Begun(None, [])
    obsolete = _obsolete(send, incident, now)
    if obsolete is not None:
        return Begun(None, _drop(tx, send_due, send, obsolete, now))
    if address is None or address.removed_at is not None:
        facts = _drop(tx, send_due, send, f"the address of {send.person} was removed", now)
        return Begun(None, facts + _next_channel(tx, ids, send, now))
    if send.tries >= TRIES_MAX:
        due.finish(tx, send_due)
        why = "What came of the last try could not be recorded."
        failed = _failed(tx, ids, send, why, tries=send.tries, now=now)
        return Begun(None, failed.facts, failed.trouble)
    wait_until = _limited(tx, send, limits, now)
    if wait_until is not None:
        store.postpone(tx, send.id, to_us(wait_until))
        due.again(tx, send_due, at=wait_until)
        return Begun(None, [])
    return _attempt(tx, send_due, send, incident, address, view, limits, token, now)


def _obsolete(send: Send, incident: Incident, now: datetime) -> str | None:
    """Why nobody needs this page any more. One by hand is always sent while the incident is open."""
    if not incident.is_open:
        return f"{incident.name} is resolved"
    if send.escalation is not None and incident.acknowledged(to_us(now)):
        return f"{incident.acked_by} has acknowledged {incident.name}"
    return None


def _limited(tx: Tx, send: Send, limits: Limits, now: datetime) -> datetime | None:
    """Until when this address must be left alone, or None: P11.

    The first page of a distinct critical incident passes; webhooks have no limit; a retry of what
    was already under way is not held up either.
    """
    if send.channel == "webhook" or send.tries > 0:
        return None
    if _passes_limit(tx, send):
        return None
    last = store.last_attempt(tx, send.address, but=send.id)
    if last is None or abs(now - from_us(last)) >= limits.window:  # set back, it lies ahead of us
        return None
    return from_us(last) + limits.window


def _passes_limit(tx: Tx, send: Send) -> bool:
    return send.severity == "critical" and store.first_for_incident(tx, send)


def _attempt(
    tx: Tx, send_due: Due, send: Send, incident: Incident, address: Address, view: View,
    limits: Limits, token: str, now: datetime,
) -> Begun:  # fmt: skip
    repeat = send.state is SendState.SENDING
    store.sending(tx, send.id, at=to_us(now), repeat=repeat)
    carried = _bundle(tx, send, now)
    ack_url = None
    if limits.public_url is not None:
        links.make(tx, token, send=send, now=now)
        ack_url = f"{limits.public_url}/a/{token}"
    told = tell(tx, incident, others=_carried(tx, send, now))
    in_message = told.alerts
    upto = None
    if send.channel == "webhook":
        in_message = alerts.of_incident(tx, incident.id, limit=500)
        upto = (in_message[-1].opened_at, in_message[-1].id) if in_message else (0, "")
    page = Page(
        idempotency_key=send.idempotency_key,
        repeat=repeat or send.repeats > 0,
        person=send.person,
        person_name=person_name(view, send.person),
        incident=incident.name,
        subject=words.subject(told, view),
        text=words.text(told, send, view, ack_url=ack_url),
        urgency="high" if send.urgency == "high" else "low",
        ack_url=ack_url,
        reply_code=str(incident.number),
        facts=words.facts(told, view, event="page", send=send, alerts=in_message),
    )
    facts = [_repeat_fact(send)] if repeat else []
    facts += [_bundle_fact(send, other) for other in carried]
    return Begun(Prepared(send_due, send, address, page, upto, incident), facts)


def tell(tx: Tx, incident: Incident, *, others: list[Incident]) -> words.Told:
    """What a page about `incident` is made of."""
    alerts_n = alerts.count_open(tx, incident.id)
    shown = alerts.open_of_incident(tx, incident.id, limit=50)
    still = sorted((a for a in shown if a.closed_at is None), key=lambda a: rank(a.severity))
    return words.Told(incident, incidents.services(tx, incident.id), still, alerts_n, others)


def _bundle(tx: Tx, send: Send, now: datetime) -> list[Incident]:
    """Carry the other waiting pages to this address too, so that a storm is one page a minute.

    Not what passes the limiter by itself. Returns the incidents that are carried from now on.
    """
    if send.channel == "webhook":
        return []
    others: dict[str, Incident] = {}
    for other in store.waiting_of_address(tx, send.address, due_by=to_us(now)):
        if other.id == send.id or (other.tries == 0 and _passes_limit(tx, other)):
            continue
        incident = incidents.get(tx, other.incident)
        if incident is None or _obsolete(other, incident, now) is not None:
            continue
        store.bundled(tx, other.id, send.id)
        due.cancel(tx, SEND_DUE, other.id)
        if incident.id != send.incident:
            others[incident.id] = incident
    return list(others.values())


def _carried(tx: Tx, send: Send, now: datetime) -> list[Incident]:
    """The other incidents that this page tells of, each time that it is tried."""
    others: dict[str, Incident] = {}
    for other in store.carried_by(tx, send.id):
        incident = incidents.get(tx, other.incident)
        if incident is not None and _obsolete(other, incident, now) is None:
            others[incident.id] = incident
    others.pop(send.incident, None)
    return list(others.values())


def finish(
    tx: Tx, ids: Ids, done: Prepared, outcome: Answer | MainstayError, *, jitter: float,
    now: datetime,
) -> Finished:  # fmt: skip
    """Commit the provider's answer, or plan what follows a failure. `jitter`: 0 to 1, random."""
    if isinstance(outcome, Answer):
        return _sent(tx, done, outcome, now)
    permanent = isinstance(outcome, Outside) and outcome.permanent
    permanent = permanent or not isinstance(outcome, Outside)
    if permanent or done.tries >= TRIES_MAX:
        if not due.finish(tx, done.due):
            return _overtaken(done, outcome)
        gone = _forget(tx, done, outcome, now)
        failed = _failed(tx, ids, done.send, outcome.sentence, tries=done.tries, now=now)
        return Finished(gone + failed.facts, failed.trouble)
    wait_s = outcome.retry_after_s or BACKOFF_S[min(done.tries, len(BACKOFF_S)) - 1]
    at = now + timedelta(seconds=min(wait_s, 60) * (1 + jitter / 4))
    unknown = isinstance(outcome, TimedOut | BadReply)  # it may have arrived all the same
    state = SendState.SENDING if unknown else SendState.WAITING
    if not due.again(tx, done.due, at=at):
        return _overtaken(done, outcome)
    store.not_sent(tx, done.send.id, state=state, answer=outcome.sentence, due_at=to_us(at))
    because = f"try {done.tries} failed: {outcome.sentence} Next try in {(at - now).seconds} s."
    facts = [_send_fact("page.retry", done.send, because)]
    if done.tries == NEXT_CHANNEL_AFTER:
        facts += _next_channel(tx, ids, done.send, now)
    return Finished(facts)


def _sent(tx: Tx, done: Prepared, answer: Answer, now: datetime) -> Finished:
    """Recorded even when another node took the row over meanwhile: it *was* sent.

    The row goes in any case: a copy on its way there can now fail without being tried again.
    """
    send = done.send
    store.sent(tx, send.id, at=to_us(now), provider_id=answer.provider_id, answer=answer.words)
    due.cancel(tx, SEND_DUE, send.id)
    if done.upto is not None:
        _follow(tx, done, done.upto, now)
    elif send.channel == people.DEVICE:
        _follow_device(tx, done, now)
    because = (
        f"{send.person} was paged by {send.channel} at {people.masked(done.address.address)}; "
        f"the other side said: {answer.words}"
    )
    return Finished([_send_fact("page.sent", send, because)])


def _follow(tx: Tx, done: Prepared, upto: tuple[int, str], now: datetime) -> None:
    """From now on the webhook is told what changes; at once, when something did meanwhile."""
    send = done.send
    known = store.feed(tx, send.incident, send.address)
    if known is not None:
        upto = max(upto, (known.upto_at, known.upto_id))
    store.follow(tx, send.incident, send.address, person=send.person, upto=upto, told=0)
    if feed.has_news(tx, done.incident, upto=upto):
        feed.tell(tx, send.incident, now=now)


def _follow_device(tx: Tx, done: Prepared, now: datetime) -> None:
    """Its page gives way when paging stops; at once, when it has stopped meanwhile."""
    send = done.send
    store.follow(tx, send.incident, send.address, person=send.person, upto=(0, ""), told=0)
    incident = incidents.get(tx, send.incident)
    by_policy = send.escalation is not None  # one by hand is for who has it, too
    if incident is not None and by_policy and _obsolete(send, incident, now) is not None:
        feed.tell(tx, send.incident, stopped=True, now=now)


def _forget(tx: Tx, done: Prepared, outcome: MainstayError, now: datetime) -> list[Fact]:
    """Remove an address of which the provider says that it is gone for good; nobody else would."""
    address = people.address(tx, done.address.id)
    gone = isinstance(outcome, Rejected) and outcome.facts.get("gone")
    if not gone or address is None or address.removed_at is not None:
        return []
    removed = people.remove_address(tx, address.id, now=now)
    because = f"{outcome.sentence} {removed.sentence}"
    return [Fact("address.removed", address.id, because, incident=done.send.incident)]


def _overtaken(done: Prepared, error: MainstayError) -> Finished:
    """We were away longer than our lease: what came of this try decides nothing any more."""
    because = f"a try that another has taken over since failed: {error.sentence}"
    return Finished([_send_fact("page.retry", done.send, because)])


def _failed(tx: Tx, ids: Ids, send: Send, why: str, *, tries: int, now: datetime) -> Finished:
    """Given up: the person's next address; when nothing is left of this step, the next step now."""
    store.not_sent(tx, send.id, state=SendState.FAILED, answer=why, due_at=to_us(now))
    release_carried(tx, send.id, now=now)
    because = f"gave up after {tries} tries: {why}"
    facts = [_send_fact("page.failed", send, because)]
    more = _next_channel(tx, ids, send, now)
    by_hand = send.escalation is None
    hopes = [one for one in store.siblings(tx, send) if not by_hand or one.person == send.person]
    if more or any(one.state is not SendState.FAILED for one in hopes):
        return Finished(facts + more)
    if send.escalation is None:
        return Finished(facts, f"{send.person} could not be paged by hand: {why}")
    due.sooner(tx, STEP_DUE, send.escalation, at=now)
    because = "no channel worked for anybody of this step; the next step fires now"
    facts.append(Fact("paging.unreachable", send.escalation, because, incident=send.incident))
    incident = incidents.get(tx, send.incident)
    about_us = incident is not None and incident.service == SELF  # we cannot page about it either
    words = f"No channel reached anybody: {why}"
    return Finished(facts, trouble=None if about_us else words)


def _next_channel(tx: Tx, ids: Ids, send: Send, now: datetime) -> list[Fact]:
    """Page the same person at an address that this step has not used yet."""
    incident = incidents.get(tx, send.incident)
    assert incident is not None
    used = {other.address for other in store.siblings(tx, send) if other.person == send.person}
    fresh = [a for a in people.addresses(tx, send.person) if a.id not in used]
    if not fresh:
        return []
    run = store.escalation(tx, send.escalation) if send.escalation is not None else None
    contact = people.Contact(delay_s=0, address=fresh[0])
    plan_send(
        tx, ids, incident, contact, run=run, step=send.step, round=send.round,
        why=f"{send.reason}; {send.channel} did not work", now=now, shadow=False,
    )  # fmt: skip
    because = f"{send.channel} does not reach {send.person}; trying {fresh[0].kind}"
    return [_send_fact("page.next_channel", send, because)]


def person_name(view: View, person: str) -> str:
    """The name in the estate, or the id of somebody who is no longer there."""
    found = view.estate.people.get(person)
    return found.name if found is not None else person


def _drop(tx: Tx, send_due: Due, send: Send, because: str, now: datetime) -> list[Fact]:
    store.cancel_send(tx, send.id, because)
    due.finish(tx, send_due)
    release_carried(tx, send.id, now=now)
    return [_send_fact("page.cancelled", send, f"not sent to {send.person}: {because}")]


def _repeat_fact(send: Send) -> Fact:
    because = (
        f"we do not know whether {send.person} got the last copy by {send.channel}; "
        "it is sent again under the same idempotency key"
    )
    return _send_fact("page.repeated", send, because)


def _bundle_fact(send: Send, other: Incident) -> Fact:
    because = (
        f"{send.person} hears of {other.name} in the same page: one a minute by {send.channel}"
    )
    return Fact("page.bundled", send.id, because, incident=other.id)


def _send_fact(kind: str, send: Send, because: str) -> Fact:
    facts = {"person": send.person, "channel": send.channel, "key": send.idempotency_key}
    return Fact(kind, send.id, because, incident=send.incident, facts=facts)
