"""Webhooks carry every alert of an incident, late joiners too, and its newest state.

No lingering: what joined while one update was on its way goes with the next. `paging_feed` keeps
how far each webhook has been told, so a killed update is told again under the same key.

A device that rang is told once, when paging stops: its page gives way to who has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mainstay import alerts, incidents, people
from mainstay.estate import View
from mainstay.foundation import due
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.due import Due
from mainstay.foundation.errors import MainstayError, Outside
from mainstay.incidents import Incident
from mainstay.paging import store, words
from mainstay.paging.channels import Answer, Page
from mainstay.paging.store import Feed
from mainstay.people import Address

FEED_DUE = "paging.feed"
"""An update to a webhook; the key is `incident/address`."""
ALERTS_MAX = 500
"""Alerts in one update; more go with the next."""
TRIES_MAX = 20
"""Then this update is dropped, and the next event tells of all that was missed."""
RETRY_S = (1, 2, 5, 10, 30, 60)


@dataclass(frozen=True, slots=True)
class Update:
    """An update that must be sent now."""

    due: Due
    feed: Feed
    address: Address
    page: Page
    upto: tuple[int, str]
    incident: Incident


def tell(tx: Tx, incident: str, *, stopped: bool = False, now: datetime) -> None:
    """Plan an update to every webhook that follows this incident; `stopped`: to devices too."""
    for follower in store.feeds(tx, incident):
        if stopped or not _is_device(people.address(tx, follower.address)):
            due.plan_once(tx, FEED_DUE, f"{incident}/{follower.address}", at=now)


def _is_device(address: Address | None) -> bool:
    return address is not None and address.kind == people.DEVICE


def _state(incident: Incident, named: Mapping[str, str], now: datetime) -> str:
    """Why nobody is paged for it any more."""
    if not incident.is_open:
        return "it is over"
    if incident.acknowledged(to_us(now)):
        return f"{named.get(incident.acked_by or '', incident.acked_by)} has it"
    return "nobody is paged for it any more"


def begin(tx: Tx, feed_due: Due, *, view: View, now: datetime) -> Update | None:
    """What to tell now; None when there is nobody to tell."""
    incident_id, _, address_id = feed_due.key.partition("/")
    following = store.feed(tx, incident_id, address_id)
    incident = incidents.get(tx, incident_id)
    address = people.address(tx, address_id)
    over = feed_due.tries > TRIES_MAX  # of no try before could the end be committed
    if following is None or incident is None or address is None or over:
        due.finish(tx, feed_due)
        return None
    after = (following.upto_at, following.upto_id)
    fresh = alerts.of_incident_after(tx, incident_id, after=after, limit=ALERTS_MAX)
    is_over = _is_device(address)
    upto = (fresh[-1].opened_at, fresh[-1].id) if fresh else after
    alerts_n = alerts.count_open(tx, incident_id)
    told = words.Told(incident, incidents.services(tx, incident_id), fresh, alerts_n, ())
    named = {id_: one.name for id_, one in view.estate.people.items()}
    state = _state(incident, named, now) if is_over else f"is {incident.state}"
    page = Page(
        idempotency_key=f"{incident_id}/{address_id}/{following.tells + 1}",
        repeat=feed_due.tries > 1,
        person=following.person,
        person_name=named.get(following.person, following.person),
        incident=incident.name,
        subject=f"{incident.name}: {state}" if is_over else words.subject(told, view),
        text=incident.title if is_over else f"{incident.name} {state}; {alerts_n} alerts open.",
        urgency="low",
        ack_url=None,
        reply_code=None,
        facts=words.facts(
            told, view, event="stopped" if is_over else "update", send=None, alerts=fresh
        ),
    )
    return Update(feed_due, following, address, page, upto, incident)


def finish(tx: Tx, done: Update, outcome: Answer | MainstayError, *, now: datetime) -> None:
    """Told: go on from there, at once when more has come since. Not told: later, 20 times.

    Another node that has claimed it since decides instead, and tells it again under the same key.
    """
    if not due.is_held(tx, done.due):
        return
    if _is_device(done.address):
        _told_device(tx, done, outcome, now)
        return
    if isinstance(outcome, Answer):
        store.follow(
            tx,
            done.feed.incident,
            done.feed.address,
            person=done.feed.person,
            upto=done.upto,
            told=1,
        )
        if has_news(tx, done.incident, upto=done.upto):
            due.plan(tx, FEED_DUE, done.due.key, at=now)
        else:
            due.finish(tx, done.due)
        return
    _later(tx, done, outcome, now)


def _told_device(tx: Tx, done: Update, outcome: Answer | MainstayError, now: datetime) -> None:
    """It follows no longer: the next page to it begins anew."""
    if not isinstance(outcome, Answer) and not _is_hopeless(done, outcome):
        _later(tx, done, outcome, now)
        return
    store.unfollow(tx, done.feed.incident, done.feed.address)
    due.finish(tx, done.due)


def _is_hopeless(done: Update, outcome: MainstayError) -> bool:
    permanent = isinstance(outcome, Outside) and outcome.permanent
    return permanent or done.due.tries >= TRIES_MAX


def _later(tx: Tx, done: Update, outcome: MainstayError, now: datetime) -> None:
    if _is_hopeless(done, outcome):
        due.finish(tx, done.due)
        return
    wait_s = RETRY_S[min(done.due.tries, len(RETRY_S)) - 1]
    due.again(tx, done.due, at=now + timedelta(seconds=wait_s))


def has_news(tx: Tx, told: Incident, *, upto: tuple[int, str]) -> bool:
    """Whether an alert joined, or the incident changed, while the webhook was being told."""
    if alerts.of_incident_after(tx, told.id, after=upto, limit=1):
        return True
    return incidents.get(tx, told.id) != told
