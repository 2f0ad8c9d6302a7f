"""The loop of diagnoses: a run that is due is claimed, its collectors read, its result is kept.

    claim     a due row, by lease; several nodes do each once        COMMIT
    gather    collectors in threads of their own, within the budget  the world, read-only
    keep      the result, its row of the record, the due row ends    COMMIT

It never delays a page: it gives way while one is due, and has its own threads. Who dies in the
middle holds a lease that ends; then it is made again.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from mainstay import jumps, paging
from mainstay.diagnosis import Diagnosis, live
from mainstay.diagnosis.live import RunState
from mainstay.estate import View
from mainstay.foundation import due, record
from mainstay.foundation.db import Tx
from mainstay.foundation.due import Due
from mainstay.runtime import Runtime

log = logging.getLogger("mainstay.diagnosing")

LOOP = "diagnosis"
EVERY = timedelta(milliseconds=500)
"""How long at most a run that was just asked for waits to be noticed."""
AT_ONCE = 3
"""Runs under way in this process."""
LEASE_OVER_S = 60.0
"""How much longer than its budget a run may take before another node takes it."""
TRIES_MAX = 3
"""A run during which so many nodes have died is given up."""
GIVES_WAY = timedelta(seconds=10)
"""So long at most it stands back for pages that are due."""
PAGES = (paging.STEP_DUE, paging.SEND_DUE)


def step(app: Runtime, now: datetime) -> datetime | None:
    """Make what is due; at once again while there was something."""
    at = app.db.read(lambda tx: _next(tx, now))
    if at is None or at > now:
        return None if at is None or at - now > EVERY else at
    claimed = app.db.run(lambda tx: _claim(tx, app))
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix=LOOP) as pool:
        for made in [pool.submit(make, app, one) for one in claimed]:
            made.result()
    return now if claimed else now + EVERY


def _next(tx: Tx, now: datetime) -> datetime | None:
    """When there is something to do: not while a page is due, unless that has lasted."""
    at = due.next_at(tx, live.RUN_DUE)
    if at is None or at > now or now - at > GIVES_WAY:
        return at
    pages = [each for kind in PAGES if (each := due.next_at(tx, kind)) is not None]
    return now + EVERY if any(each <= now for each in pages) else at


def _claim(tx: Tx, app: Runtime) -> list[Due]:
    """What is due; a run that was begun too often is given up."""
    now = jumps.time_in(tx, app)
    lease_s = app.settings.diagnosis.budget_s + LEASE_OVER_S
    rows = due.claim(
        tx, live.RUN_DUE, now=now, owner=app.ground.node, limit=AT_ONCE, lease_s=lease_s
    )
    for one in rows:
        if one.tries > TRIES_MAX:
            due.finish(tx, one)
            _give_up(tx, app, one.key, now)
    return [one for one in rows if one.tries <= TRIES_MAX]


def _give_up(tx: Tx, app: Runtime, run: str, now: datetime) -> None:
    found = live.run(tx, run)
    live.failed(tx, run, now=now)
    words = f"a diagnosis was begun {TRIES_MAX} times and never ended; it is given up"
    fact = record.Fact(
        "diagnosis.failed", run, words, incident=found.incident if found is not None else None
    )
    _note(tx, app, fact, now)


def _note(tx: Tx, app: Runtime, fact: record.Fact, now: datetime) -> None:
    version = app.ground.views.current_or_empty(tx).version
    record.write(tx, [fact], now=now, estate_version=version)


def make(app: Runtime, claimed: Due) -> None:
    """One run, from its question to its kept result."""
    now = app.clock.now()
    begun = app.db.read(lambda tx: _begin(tx, app, claimed.key, now))
    if begun is None:
        app.db.run(lambda tx: due.finish(tx, claimed))
        return
    run, view, case = begun

    def tell(told: list[dict[str, object]]) -> None:
        app.db.run(lambda tx: live.progress(tx, run.id, RunState.READING, told))

    budget_s = app.settings.diagnosis.budget_s
    collected = app.workers.gather(
        app.collectors(view, case.question.services), case.question, budget_s=budget_s, tell=tell
    )
    found = live.conclude(case, collected)

    def keep(tx: Tx) -> None:
        at = jumps.time_in(tx, app)
        if not due.finish(tx, claimed):
            return  # another node has taken it over, and makes it
        kept = live.keep(tx, run, case, collected, view, now=at, found=found)
        _note(tx, app, _made(run, kept), at)

    app.db.run(keep)
    log.info("diagnosis %s of %s: %s", run.id, run.incident or run.service, found.sentence)


def _begin(
    tx: Tx, app: Runtime, run: str, now: datetime
) -> tuple[live.Run, View, live.Case] | None:
    found = live.run(tx, run)
    if found is None:
        return None
    view = app.ground.views.current_or_empty(tx)
    return found, view, live.case_of(tx, view, found, now=now)


def _made(run: live.Run, found: Diagnosis) -> record.Fact:
    looked = f" (looked at {', '.join(found.looked_at)})" if found.looked_at else ""
    words = f"{found.sentence}{looked}; asked for because {run.because}"
    subject = run.incident or run.service
    return record.Fact(
        "diagnosis.made", subject, words[:2_000], incident=run.incident, facts={"run": run.id}
    )
