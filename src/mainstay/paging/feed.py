"""Webhooks carry every alert of an incident, late joiners too, and its newest state.

No lingering: what joined while one update was on its way goes with the next. `paging_feed` keeps
how far each webhook has been told, so a killed update is told again under the same key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mainstay import alerts, incidents, people
from mainstay.estate import View
from mainstay.foundation import due
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


def tell(tx: Tx, incident: str, *, now: datetime) -> None:
    """Plan an update to every webhook that follows this incident."""
    for follower in store.feeds(tx, incident):
        due.plan_once(tx, FEED_DUE, f"{incident}/{follower.address}", at=now)


def begin(tx: Tx, feed_due: Due, *, view: View) -> Update | None:
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
    upto = (fresh[-1].opened_at, fresh[-1].id) if fresh else after
    alerts_n = alerts.count_open(tx, incident_id)
    told = words.Told(incident, incidents.services(tx, incident_id), fresh, alerts_n, ())
    name = view.estate.people.get(following.person)
    page = Page(
        idempotency_key=f"{incident_id}/{address_id}/{following.tells + 1}",
        repeat=feed_due.tries > 1,
        person=following.person,
        person_name=name.name if name else following.person,
        incident=incident.name,
        subject=words.subject(told, view),
        text=f"{incident.name} is {incident.state}; {alerts_n} alerts open.",
        urgency="low",
        ack_url=None,
        reply_code=None,
        facts=words.facts(told, view, event="update", send=None, alerts=fresh),
    )
    return Update(feed_due, following, address, page, upto, incident)


def finish(tx: Tx, done: Update, outcome: Answer | MainstayError, *, now: datetime) -> None:
    """Told: go on from there, at once when more has come since. Not told: later, 20 times.

    Another node that has claimed it since decides instead, and tells it again under the same key.
    """
    if not due.is_held(tx, done.due):
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
    permanent = isinstance(outcome, Outside) and outcome.permanent
    if permanent or done.due.tries >= TRIES_MAX:
        due.finish(tx, done.due)
        return
    wait_s = RETRY_S[min(done.due.tries, len(RETRY_S)) - 1]
    due.again(tx, done.due, at=now + timedelta(seconds=wait_s))


def has_news(tx: Tx, told: Incident, *, upto: tuple[int, str]) -> bool:
    """Whether an alert joined, or the incident changed, while the webhook was being told."""
    if alerts.of_incident_after(tx, told.id, after=upto, limit=1):
        return True
    return incidents.get(tx, told.id) != told
