"""The loop of heartbeats: fold what came, say who is late, follow the estate. One node at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from mainstay import heard, jumps, pipeline, presence
from mainstay.checks import heartbeats
from mainstay.checks.heartbeats import News
from mainstay.estate import View
from mainstay.foundation import record
from mainstay.foundation.db import Tx
from mainstay.foundation.failpoint import Moment
from mainstay.runtime import Runtime

EVERY = timedelta(milliseconds=250)
"""How long at most a ping that another node took waits to be folded."""
UNHEARD = timedelta(seconds=15)
"""So long without a whole step of this loop: the database was away, and pings were refused."""
LOOP = "heartbeats"
"""The loop's name."""
FOLLOWED = "beats_estate"
"""The mark of the estate's version that heartbeats are declared by."""


def step(app: Runtime, now: datetime) -> datetime | None:
    """Do what is due; when there is more, or the next one is late."""
    at = app.db.read(lambda tx: _next(tx, app, now))
    if at is None or at > now:
        return at if at is not None and at - now < EVERY else None
    more = presence.as_settler(app, lambda tx, at: _work(tx, app, at))
    if more is None:
        return now + EVERY  # another node does it
    app.ground.passing(Moment.TIME_COMMITTED)
    app.wake.settle()
    return now if more else None


def _next(tx: Tx, app: Runtime, now: datetime) -> datetime | None:
    view = app.ground.views.current_or_empty(tx)
    if heartbeats.is_due(tx, now) or record.marked(tx, FOLLOWED) != view.version:
        return now
    return heartbeats.next_at(tx)


def _work(tx: Tx, app: Runtime, now: datetime) -> bool:
    """In one transaction: what is found out, the signals of it, and their rows. True: there is more."""
    view = app.ground.views.current_or_empty(tx)
    rules = heard.rules_of(view)
    _follow(tx, app, view, now)
    silent = timedelta(seconds=app.pulse.ages().get(LOOP, 0))
    if silent > UNHEARD:
        jumps.heard_nothing(tx, app, now - silent, now)
    news, more = heartbeats.listen(tx, rules)
    if not more:
        late, more = heartbeats.find_late(tx, now)
        news += late
    _tell(tx, app, view, news, now)
    return more


def _follow(tx: Tx, app: Runtime, view: View, now: datetime) -> None:
    """Heartbeats are as the estate in force declares them."""
    if record.marked(tx, FOLLOWED) == view.version:
        return
    record.mark(tx, FOLLOWED, view.version)
    declared = heard.declared_in(view)
    synced = heartbeats.sync(
        tx, app.ground.ids, declared, counts=heard.rules_of(view).counts, now=now
    )
    words = f"version {view.version} of the estate says so"
    facts = [
        record.Fact(f"heartbeat.{one.verb}", one.beat.name, words, facts={"id": one.beat.id})
        for one in synced
    ]
    record.write(tx, facts, now=now, estate_version=view.version)
    _tell(tx, app, view, [one.news for one in synced if one.news is not None], now)


def _tell(tx: Tx, app: Runtime, view: View, news: list[News], now: datetime) -> None:
    if not news:
        return
    pipeline.accept(tx, *heard.signals_of(app.ground, view, news, now=now))
    record.write(tx, [heard.fact_of(one) for one in news], now=now, estate_version=view.version)
    app.ground.passing(Moment.TIME_WRITTEN)
