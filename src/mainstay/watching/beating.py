"""The loop of heartbeats: fold what came, say who is late, follow the estate. One node at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from mainstay import checks, jumps, pipeline, presence
from mainstay.checks import Result, Sheet, State, heartbeats
from mainstay.checks.heartbeats import News, Status
from mainstay.estate import View
from mainstay.foundation import record
from mainstay.foundation.db import Tx
from mainstay.foundation.failpoint import Moment
from mainstay.runtime import Runtime
from mainstay.watching import checking, heard

EVERY = timedelta(milliseconds=250)
"""How long at most a ping that another node took waits to be folded."""
GATHER = timedelta(milliseconds=200)
"""Pings are gathered so long for one transaction: a thousand a second are five, and not a hundred."""
UNHEARD = timedelta(seconds=15)
"""So long without a whole step of this loop: the database was away, and pings were refused."""
LOOP = "heartbeats"
"""The loop's name."""
FOLLOWED = "beats_estate"
"""The mark of the estate's version that heartbeats are declared by."""


def step(app: Runtime, now: datetime) -> datetime | None:
    """Do what is due, then rest; else when the next one is late, if that is soon."""
    at = app.db.read(lambda tx: _next(tx, app, now))
    if at is None or at > now:
        return at if at is not None and at - now < EVERY else None
    return now + (GATHER if work(app) else EVERY)  # else another node does it


def work(app: Runtime) -> bool:
    """One transaction of it, if this node holds the lease and something is due; whether it was."""
    done = presence.as_settler(app, lambda tx, at: _work(tx, app, at))
    if done:
        app.ground.passing(Moment.TIME_COMMITTED)
        app.wake.settle()
    return bool(done)


def _next(tx: Tx, app: Runtime, now: datetime) -> datetime | None:
    view = app.ground.views.current_or_empty(tx)
    if heartbeats.is_due(tx, now) or record.marked(tx, FOLLOWED) != view.version:
        return now
    return heartbeats.next_at(tx)


def _work(tx: Tx, app: Runtime, now: datetime) -> bool:
    """What is found out, the signals of it, and their rows. False: nothing is due."""
    if _next(tx, app, now) != now:
        return False
    view = app.ground.views.current_or_empty(tx)
    _follow(tx, app, view, now)
    silent = timedelta(seconds=app.pulse.ages().get(LOOP, 0))
    if silent > UNHEARD:
        jumps.heard_nothing(tx, app, now - silent, now)
    sheet = app.sheets.of(view)
    judging = heard.Judging(tx, sheet)
    rules = heartbeats.Rules(heard.counts_of(view), judging)
    news, more = heartbeats.listen(tx, rules)
    noticed = [] if more else heartbeats.find_late(tx, now)
    own = [one for one in (*news, *noticed) if heard.watched_of(sheet, one.beat) is None]
    declared = [one for one in noticed if heard.watched_of(sheet, one.beat) is not None]
    _tell(tx, app, view, own, now)
    _hand_over(tx, app, sheet, judging.results, declared, now)
    facts = [heard.fact_of(one) for one in (*news, *noticed) if one.turned]
    record.write(tx, facts, now=now, estate_version=view.version)
    app.ground.passing(Moment.TIME_WRITTEN)
    return True


def _hand_over(
    tx: Tx, app: Runtime, sheet: Sheet, results: list[Result], noticed: list[News], now: datetime
) -> None:
    """What the estate declares is a check like any other: its results, and what they tell."""
    paused = {one.beat.name: "it is paused" for one in noticed if one.beat.status is Status.PAUSED}
    late = [heard.result_of(one, now) for one in noticed if one.beat.name not in paused]
    taken = checks.take(tx, sheet, [*results, *late], now=now)
    aside = checks.lay_aside(tx, sheet, paused, state=State.WAITING, now=now)
    checking.tell(tx, app.ground, (*taken.tellings, *aside), now=now)


def _follow(tx: Tx, app: Runtime, view: View, now: datetime) -> None:
    """Heartbeats are as the estate in force declares them."""
    if record.marked(tx, FOLLOWED) == view.version:
        return
    record.mark(tx, FOLLOWED, view.version)
    synced = heartbeats.sync(
        tx, app.ground.ids, heard.declared_in(view), counts=heard.counts_of(view),
        ring=app.ground.ring, now=now,
    )  # fmt: skip
    words = f"version {view.version} of the estate says so"
    facts = [
        record.Fact(f"heartbeat.{one.verb}", one.beat.name, words, facts={"id": one.beat.id})
        for one in synced
    ]
    record.write(tx, facts, now=now, estate_version=view.version)
    _tell(tx, app, view, [one.news for one in synced if one.news is not None], now)


def _tell(tx: Tx, app: Runtime, view: View, news: list[News], now: datetime) -> None:
    """What was made through the API tells by signals of its own."""
    if news:
        pipeline.accept(tx, *heard.signals_of(app.ground, view, news, now=now))
