"""When the clock that plans go by is set: the plan is moved with it, and only then `now` jumps.

A step of a policy is due when the clock says so or when its time has passed, whichever is sooner:
set back, the plan moves along and nobody waits two hours; set forward, what the new time calls due
fires now. What lasts a while, such as a lease or the time until an alert expires, lasts as long as
before. What people have named by the clock (a silence, a shift) stays where they see it.

Nodes share the database's clock. One of them moves the plan, and says in the same transaction by how
much; the others find that in their next one (`time_in`). The reasons are in
docs/decisions/0009-when-the-clock-jumps.md.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from mainstay import alerts, checks, incidents, nodes, pipeline
from mainstay.checks import State, heartbeats
from mainstay.foundation import due, record
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.runtime import Runtime
from mainstay.watching import heard

log = logging.getLogger("mainstay.jumps")

WORTH_A_PAGE = timedelta(minutes=1)
"""From here on somebody should look at the clock: other machines are read by it."""
MOVED = "clock_moved"
"""The mark of how much, in all, plans have been moved with the clock, in microseconds."""


def time_in(tx: Tx, app: Runtime) -> datetime:
    """The time by which this transaction finds the plan: that of whoever has moved it last."""
    app.clock.keep_up(lambda: _moved_us(tx))
    return app.clock.now()


def follow(app: Runtime) -> bool:
    """Follow the clock if it was set; says whether the plan was moved."""
    if not app.clock.jumped():
        return False
    followed: list[timedelta] = []
    try:
        app.db.run(lambda tx: _follow(tx, app, followed))
    except BaseException:
        _take_back(app, followed)  # it could not be committed
        raise
    for by in followed:
        log.warning("%s", _words(app, by))
    app.wake.deliver()
    return bool(followed)


def _follow(tx: Tx, app: Runtime, followed: list[timedelta]) -> None:
    """In one turn of the writer: whoever asks the clock in a later one finds the plan moved."""
    _take_back(app, followed)  # run again by the engine
    now, by = time_in(tx, app), app.clock.jumped()
    if by:  # else another node was quicker
        app.clock.follow(by)
        followed.append(by)
        move(tx, app, by, now=now)


def _take_back(app: Runtime, followed: list[timedelta]) -> None:
    while followed:
        app.clock.follow(-followed.pop())


def _moved_us(tx: Tx) -> int:
    return record.marked(tx, MOVED) or 0


def move(tx: Tx, app: Runtime, by: timedelta, *, now: datetime) -> None:
    """Move what is planned by as much as the clock; `now` is what it was before it was set."""
    record.mark(tx, MOVED, _moved_us(tx) + by // timedelta(microseconds=1))
    if by < timedelta(0):
        due.move(tx, by, but=alerts.SILENCE_DUE)
        incidents.move_acks(tx, by)
        counts = heard.counts_of(app.ground.views.current_or_empty(tx))
        heartbeats.set_back(tx, by, now + by, counts=counts)
    else:
        due.move_leases(tx, by)
        heard_nothing(tx, app, now, now + by)
    nodes.move(tx, by)
    alerts.postpone_expiry(tx, since_us=to_us(now), by_us=by // timedelta(microseconds=1))
    record.mark(tx, "alive_at", to_us(now + by))
    version = app.ground.views.current_or_empty(tx).version
    fact = record.Fact("clock.jumped", app.ground.node, _words(app, by))
    record.write(tx, [fact], now=now + by, estate_version=version)
    if version and abs(by) >= WORTH_A_PAGE:
        pipeline.report_self(tx, app.ground, _words(app, by), key="clock.jumped", now=now + by)


def heard_nothing(tx: Tx, app: Runtime, since: datetime, until: datetime) -> None:
    """No ping can have been kept in this time: no heartbeat is late for it.

    What was due meanwhile, and nothing is known of, is told in one signal about Mainstay itself.
    """
    view = app.ground.views.current_or_empty(tx)
    unseen = heartbeats.spare(tx, since, until, counts=heard.counts_of(view))
    sentences = {beat.name: beat.why or "" for beat in unseen if beat.origin == "estate"}
    checks.lay_aside(tx, app.sheets.of(view), sentences, state=State.NOT_SEEN, now=until)
    words = heard.unseen(unseen)
    if words is None:
        return
    facts = [record.Fact("heartbeat.unseen", beat.name, beat.why or "") for beat in unseen]
    record.write(tx, facts, now=until, estate_version=view.version)
    pipeline.report_self(tx, app.ground, words, key="heartbeats.unseen", now=until)


def _words(app: Runtime, by: timedelta) -> str:
    span = timedelta(seconds=round(abs(by).total_seconds()))
    where = "back" if by < timedelta(0) else "forward"
    whose = "machine" if app.db.ask_time is None else "database"
    return (
        f"The {whose}'s clock was set {where} by {span}; "
        "check that it is right now: what other machines say is read by it."
    )
