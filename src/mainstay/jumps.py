"""When the machine's clock is set: what is planned is moved with it, and only then `now` jumps.

A step of a policy is due when the clock says so or when its time has passed, whichever is sooner:
set back, the plan moves along and nobody waits two hours; set forward, what the new time calls due
fires now. What lasts a while, such as a lease or the time until an alert expires, lasts as long as
before. What people have named by the clock (a silence, a shift) stays where they see it. The
reasons are in docs/decisions/0009-when-the-clock-jumps.md.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from mainstay import alerts, heard, incidents, pipeline
from mainstay.checks import heartbeats
from mainstay.foundation import due, record
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.runtime import Runtime

log = logging.getLogger("mainstay.jumps")

WORTH_A_PAGE = timedelta(minutes=1)
"""From here on somebody should look at the clock: other machines are read by it."""


def follow(app: Runtime, now: datetime) -> bool:
    """Follow the clock if it was set; says whether it was. `now` is still counted, not set."""
    by = app.clock.jumped()
    if not by:
        return False
    try:
        app.db.run(lambda tx: _follow(tx, app, by, now))
    except BaseException:
        if not app.clock.jumped():  # followed, and then it could not be committed
            app.clock.follow(-by)
        raise
    log.warning("%s", _words(by))
    app.wake.deliver()
    return True


def _follow(tx: Tx, app: Runtime, by: timedelta, now: datetime) -> None:
    """In one turn of the writer: whoever asks the clock in a later one finds the plan moved."""
    app.clock.follow(by)
    move(tx, app, by, now=now)


def move(tx: Tx, app: Runtime, by: timedelta, *, now: datetime) -> None:
    """Move what is planned by as much as the clock; `now` is what it was before it was set."""
    if by < timedelta(0):
        due.move(tx, by, but=alerts.SILENCE_DUE)
        incidents.move_acks(tx, by)
        counts = heard.rules_of(app.ground.views.current_or_empty(tx)).counts
        heartbeats.set_back(tx, by, now + by, counts=counts)
    else:
        due.move_leases(tx, by)
        heard_nothing(tx, app, now, now + by)
    alerts.postpone_expiry(tx, since_us=to_us(now), by_us=by // timedelta(microseconds=1))
    record.mark(tx, "alive_at", to_us(now + by))
    version = app.ground.views.current_or_empty(tx).version
    fact = record.Fact("clock.jumped", app.ground.node, _words(by))
    record.write(tx, [fact], now=now + by, estate_version=version)
    if version and abs(by) >= WORTH_A_PAGE:
        pipeline.report_self(tx, app.ground, _words(by), key="clock.jumped", now=now + by)


def heard_nothing(tx: Tx, app: Runtime, since: datetime, until: datetime) -> None:
    """No ping can have been kept in this time: no heartbeat is late for it.

    What was due meanwhile, and nothing is known of, is told in one signal about Mainstay itself.
    """
    view = app.ground.views.current_or_empty(tx)
    counts = heard.rules_of(view).counts
    unseen = heartbeats.spare(tx, since, until, counts=counts)
    words = heard.unseen(unseen)
    if words is None:
        return
    facts = [record.Fact("heartbeat.unseen", beat.name, beat.why or "") for beat in unseen]
    record.write(tx, facts, now=until, estate_version=view.version)
    pipeline.report_self(tx, app.ground, words, key="heartbeats.unseen", now=until)


def _words(by: timedelta) -> str:
    span = timedelta(seconds=round(abs(by).total_seconds()))
    where = "back" if by < timedelta(0) else "forward"
    return (
        f"The machine's clock was set {where} by {span}; "
        "check that it is right now: what other machines say is read by it."
    )
