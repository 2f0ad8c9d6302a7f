"""How this node stands among the others: it signs on, is heard, holds the settle lease, signs off.

What only one node may do at a time goes through `as_settler`: the lease is checked in the same
transaction, under a lock that lasts until its commit (docs/decisions/0007-several-nodes.md).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from mainstay import acts, alerts, jumps, nodes
from mainstay.foundation import due, record
from mainstay.foundation.clock import JUMP_US, from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.due import Lease
from mainstay.runtime import Runtime

log = logging.getLogger("mainstay.presence")
T = TypeVar("T")

ALIVE_EVERY = timedelta(seconds=5)
BRIEF = 2 * ALIVE_EVERY
"""So short a time without any node is not given back: every open alert would be written anew, and a
node that is restarted again and again would do little else."""
AGAIN_SOON = timedelta(seconds=1)
"""When to ask for the time again whose answer was not believed."""
TOLD = "settle_token"
"""The mark of the fencing token whose beginning is in the record."""


def hold(tx: Tx, app: Runtime, now: datetime) -> Lease | None:
    """The settle lease, or None while another node holds it; the lock lasts until the commit."""
    lease = due.hold(tx, nodes.SETTLE, owner=app.ground.node, now=now, lease_s=app.settings.lease_s)
    if lease is not None and lease.since == now and record.marked(tx, TOLD) != lease.token:
        record.mark(tx, TOLD, lease.token)
        log.info("this node settles from now on (fencing token %d)", lease.token)
        words = f"node {app.node} settles from now on, under fencing token {lease.token}"
        note(tx, app, record.Fact("node.settles", app.node.id, words), now)
    return lease


def as_settler(app: Runtime, work: Callable[[Tx, datetime], T]) -> T | None:
    """What `work` returns, done in one transaction under the settle lease; None: it is another's.

    It is told the time within the transaction: the clock may have been set since the step began.
    """

    def owned(tx: Tx) -> T | None:
        now = jumps.time_in(tx, app)
        return work(tx, now) if hold(tx, app, now) is not None else None

    return app.db.run(owned)


def note(tx: Tx, app: Runtime, fact: record.Fact, now: datetime) -> None:
    """A row of the record that nobody asked for."""
    version = app.ground.views.current_or_empty(tx).version
    record.write(tx, [fact], now=now, estate_version=version)


def alive(app: Runtime, now: datetime) -> datetime | None:
    """This node's heartbeat; expiry counts only the time in which some node had one.

    By the way its clock is set, and the settle lease renewed, so that it stays where it is while
    nothing comes in.
    """
    believed = app.clock.sample()

    def work(tx: Tx) -> None:
        now = jumps.time_in(tx, app)
        nodes.beat(tx, app.node, now=now)
        record.mark(tx, "alive_at", to_us(now))
        hold(tx, app, now)

    app.db.run(work)
    every = min(ALIVE_EVERY, timedelta(seconds=app.settings.lease_s / 3))
    return app.clock.now() + (every if believed else min(every, AGAIN_SOON))


def sign_on(app: Runtime, now: datetime) -> None:
    """At the start: free what was held at this place, give back the time that nobody was up."""

    def work(tx: Tx) -> None:
        nodes.join(tx, app.node)
        last = record.marked(tx, "alive_at")
        away_us = 0 if last is None else to_us(now) - last
        if last is not None and away_us <= -JUMP_US:  # the clock was set back while we were down
            jumps.move(tx, app, now - from_us(last), now=from_us(last))
        elif last is not None and timedelta(microseconds=away_us) > BRIEF:
            alerts.postpone_expiry(tx, since_us=last, by_us=away_us)
            jumps.heard_nothing(tx, app, from_us(last), now)
        record.mark(tx, "alive_at", to_us(now))  # the next start must not give it back again
        acts.plan_shifts(tx, app.ground.views.current_or_empty(tx), now=now)
        jumps.time_in(tx, app)  # from here on the clock keeps up with whoever moves the plan
        words = f"node {app.node} starts, with program {app.node.version}"
        note(tx, app, record.Fact("node.started", app.node.id, words), now)

    app.db.run(work)


def sign_off(app: Runtime, now: datetime) -> None:
    """At an orderly end: what this node holds is free for the others at once."""

    def work(tx: Tx) -> None:
        nodes.leave(tx, app.node.id, now=now)
        note(tx, app, record.Fact("node.ended", app.node.id, f"node {app.node} ends"), now)

    app.db.run(work)
