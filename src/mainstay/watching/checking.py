"""The loop of the checks: what is due is claimed, measured, judged, and told to the corridor.

    claim      due rows, by lease, and at the same time what came back   COMMIT
    measure    each in a task of its own, at most `LOOKS_MAX` at once    the world
    take       many results together → history, standings, signals       COMMIT

A look that hangs holds up no other. Several nodes share the rows; one that dies gives them back.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import perf_counter

import msgspec

from mainstay import checks, pipeline, presence, signals
from mainstay.checks import Measured, Result, Sheet, State, Telling, Watched
from mainstay.checks.probes import Probe
from mainstay.estate import NoPast
from mainstay.foundation import due, record
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.due import Due
from mainstay.foundation.errors import MainstayError, Outdated
from mainstay.ground import CHECK_SOURCE, CHECKS, Ground
from mainstay.runtime import Runtime
from mainstay.signals import Arrived

log = logging.getLogger("mainstay.checking")

NAME = "checks"
LOOKS_MAX = 256
"""Looks under way at once in this process."""
LEASE_S = 90.0
"""Longer than any look may take; then another node takes it."""
TICK = timedelta(milliseconds=25)
"""How long results are gathered for one commit, and the least time between two claims."""
LOOK_AROUND = timedelta(milliseconds=250)
"""How long at most a look that another node planned waits to be noticed."""
SWEEP_EVERY = timedelta(seconds=15)
ROLL_EVERY = timedelta(minutes=2)
AFTER_TROUBLE = timedelta(seconds=1)
PLANNED = "checks_version"
"""The mark of the estate's version that is planned."""


@dataclass(frozen=True, slots=True)
class Look:
    """One claimed look: its row, the check that it is of, and what its probe is told."""

    due: Due
    watched: Watched
    sheet: Sheet
    ask: checks.Ask


@dataclass(frozen=True, slots=True)
class Seen:
    """A look that is over."""

    look: Look
    result: Result


# -- in one transaction ----------------------------------------------------------------------------


def sheet_of(tx: Tx, app: Runtime) -> Sheet:
    """The checks of the version in force."""
    return app.sheets.of(app.ground.views.current_or_empty(tx))


def has_work(tx: Tx, app: Runtime, now: datetime) -> bool:
    """Whether something is due, or the estate has changed."""
    at = due.next_at(tx, checks.LOOK_DUE)
    return (at is not None and at <= now) or not _is_planned(tx, sheet_of(tx, app))


def claim(tx: Tx, app: Runtime, *, now: datetime, limit: int) -> list[Look]:
    """What is due, at most `limit`; the plan follows the estate first."""
    sheet = sheet_of(tx, app)
    if not _is_planned(tx, sheet):
        record.mark(tx, PLANNED, sheet.version)
        tell(tx, app.ground, checks.plan(tx, sheet, now=now), now=now)
    rows = due.claim(
        tx, checks.LOOK_DUE, now=now, owner=app.ground.node, limit=limit, lease_s=LEASE_S
    )
    known = [row for row in rows if row.key in sheet.watched]
    for row in rows:
        if row.key not in sheet.watched:
            due.finish(tx, row)
    asks = checks.asks(tx, sheet, [row.key for row in known], now=now)
    return [Look(row, sheet.watched[row.key], sheet, asks[row.key]) for row in known]


def _is_planned(tx: Tx, sheet: Sheet) -> bool:
    planned = record.marked(tx, PLANNED)
    return planned == sheet.version or (planned is None and not sheet.watched)


def take(tx: Tx, app: Runtime, seen: list[Seen], *, now: datetime) -> None:
    """Results come back: kept, folded in, told; and each look is planned anew."""
    asked = frozenset(one.look.due.key for one in seen if one.look.due.facts.get("asked"))
    results = [one.result for one in seen]
    lost = due.lost(tx, [one.look.due for one in seen])
    taken = checks.take(tx, sheet_of(tx, app), results, now=now, asked=asked, lost=lost)
    tell(tx, app.ground, taken.tellings, now=now)
    looks = taken.next_looks
    turns = [(one.look.due, looks[one.look.due.key]) for one in seen if one.look.due.key in looks]
    due.next_turns(tx, turns)


def tell(tx: Tx, ground: Ground, tellings: tuple[Telling, ...], *, now: datetime) -> None:
    """Each as a signal of the source `checks`; heartbeats tell theirs by this too."""
    version = ground.views.current_or_empty(tx).version
    arrived = [_signal(ground, one, version=version, now=now) for one in tellings]
    if arrived:
        pipeline.accept(tx, *arrived)


def _signal(ground: Ground, telling: Telling, *, version: int, now: datetime) -> Arrived:
    receipt = ground.ids.new("rcp", now)
    raw = msgspec.json.encode(_body(telling))
    arrival = signals.Arrival(receipt, to_us(now))
    verdict = signals.door_named("check").check(raw, CHECK_SOURCE, arrival)
    return Arrived(receipt, now, CHECKS, "check", version, {}, raw, verdict)


def _body(telling: Telling) -> dict[str, object]:
    standing, watched = telling.standing, telling.watched
    labels = {"check": standing.check}
    if standing.host is not None:
        labels["host"] = standing.host
    severity: str = watched.check.severity if watched else "error"
    notes = {"about": watched.check.about, "runbook": watched.check.runbook} if watched else {}
    words = standing.sentence if watched else "it is no longer in the estate"
    return {
        "name": standing.name, "kind": "resolve" if telling.tell == "close" else "fire",
        "service": standing.service, "labels": labels, "summary": f"{standing.name}: {words}",
        "severity": "warning" if standing.state is State.WARN else severity,
        "since_us": to_us(standing.since),
        "annotations": {name: text for name, text in notes.items() if text},
    }  # fmt: skip


# -- a look ----------------------------------------------------------------------------------------


async def measure(app: Runtime, look: Look) -> Seen:
    """One look, judged: whatever its probe does, it ends in time and with a result."""
    kind, at = look.watched.check.probe, look.ask.now
    app.measures.look_lag.observe(max(0.0, (at - look.due.planned_at).total_seconds()))
    begun = perf_counter()
    measured = await _measured(app.probes.get(kind), look)
    took_s = perf_counter() - begun
    judge = partial(
        checks.result_of, look.watched, look.sheet, measured, at=at, duration_us=round(took_s * 1e6)
    )
    if look.watched.asks_past:
        result = app.db.read(lambda tx: judge(past=checks.Remembered(tx, look.watched.name, at)))
    else:
        result = judge(past=NoPast())
    app.measures.looks.add(kind, result.verdict)
    app.measures.look_time.observe(took_s, kind)
    return Seen(look, result)


async def _measured(probe: Probe | None, look: Look) -> Measured:
    if probe is None:
        return Measured({}, trouble=f"This Mainstay has no {look.watched.check.probe} probe.")
    try:
        async with asyncio.timeout(look.ask.timeout_s):
            return await probe.measure(look.ask)
    except TimeoutError:
        return Measured({}, trouble=f"No answer within {look.ask.timeout_s:g} s.")
    except MainstayError as error:
        return Measured({}, trouble=error.sentence)
    except Exception as error:
        log.exception("the probe of %s failed", look.watched.name)
        return Measured({}, trouble=f"The probe itself failed: {type(error).__name__}.")


# -- the loop --------------------------------------------------------------------------------------


async def step(app: Runtime, now: datetime) -> bool:
    """Look at all that is due, once, and take it in; whether there was anything. For stories."""
    if not app.db.read(lambda tx: has_work(tx, app, now)):
        return False
    looks = app.db.run(lambda tx: claim(tx, app, now=now, limit=LOOKS_MAX))
    seen = await asyncio.gather(*(measure(app, look) for look in looks))
    app.db.run(lambda tx: take(tx, app, list(seen), now=now))
    return bool(looks)


def sweep(app: Runtime, now: datetime) -> datetime | None:
    """What was not looked at in time is not seen; and old results go."""
    before = now - timedelta(days=app.settings.looks_days)

    def work(tx: Tx, now: datetime) -> int:
        tell(tx, app.ground, checks.sweep(tx, sheet_of(tx, app), now=now), now=now)
        return checks.purge(tx, before)

    return now if presence.as_settler(app, work) == checks.PURGE_ROWS else None


def roll(app: Runtime, now: datetime) -> datetime | None:
    """Hours that are over are rolled up, some checks at a time."""
    keep = timedelta(days=app.settings.availability_days)

    def work(tx: Tx, now: datetime) -> checks.past.Rolled:
        return checks.past.roll(tx, sheet_of(tx, app), now=now, keep=keep)

    rolled = presence.as_settler(app, work)
    return now if rolled is not None and rolled.more else None


async def looking(app: Runtime, stop: threading.Event) -> None:
    """The loop, until `stop` is set."""
    await Looking(app).run(stop)


class Looking:
    """The running loop: looks under way, and those whose results wait for the next commit."""

    def __init__(self, app: Runtime) -> None:
        self._app = app
        self._under_way: set[asyncio.Task[Seen]] = set()
        self._over: list[Seen] = []
        self._wake = asyncio.Event()

    async def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. What is under way then comes again by its lease."""
        self._app.pulse.expect(NAME, period_s=1)
        while not stop.is_set():
            self._wake.clear()
            try:
                await self._turn()
                self._app.pulse.beat(NAME)
            except Outdated:
                break  # the loops tell of it
            except Exception as error:
                self._stumble(error)
                await self._pause(AFTER_TROUBLE.total_seconds())
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _turn(self) -> None:
        """One commit: what came back, and what is due now; then wait for more of either."""
        app, over = self._app, self._over
        free = LOOKS_MAX - len(self._under_way)
        looks: list[Look] = []
        if over or (free and app.db.read(lambda tx: has_work(tx, app, app.clock.now()))):
            self._over = []
            looks = await app.db.write(lambda tx: self._commit(tx, over, free))
            if over:
                app.wake.settle()
        for look in looks:
            task = asyncio.create_task(measure(app, look), name=look.watched.name)
            self._under_way.add(task)
            task.add_done_callback(self._done)
        await self._pause(self._wait_s(free - len(looks)))
        if self._wake.is_set() and not self._over:
            return
        if self._over:
            self._wake.clear()
            await self._pause(TICK.total_seconds())  # gather what comes back at the same time

    def _commit(self, tx: Tx, over: list[Seen], free: int) -> list[Look]:
        now = self._app.clock.now()
        if over:
            take(tx, self._app, over, now=now)
        return claim(tx, self._app, now=now, limit=free) if free else []

    def _wait_s(self, free: int) -> float:
        if free <= 0:
            return LOOK_AROUND.total_seconds()
        at = self._app.db.read(lambda tx: due.next_at(tx, checks.LOOK_DUE))
        wait = LOOK_AROUND if at is None else at - self._app.clock.now()
        return min(LOOK_AROUND, max(wait, TICK)).total_seconds()

    def _done(self, task: asyncio.Task[Seen]) -> None:
        self._under_way.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            log.error("a look could not be judged; it comes again", exc_info=error)
        else:
            self._over.append(task.result())
        self._wake.set()

    def _stumble(self, error: Exception) -> None:
        log.exception("the loop %s failed; trying again", NAME)
        self._app.measures.loop_errors.add(NAME)
        said = error.sentence if isinstance(error, MainstayError) else type(error).__name__
        self._app.pulse.stumble(NAME, said)

    async def _pause(self, seconds: float) -> None:
        """Until something comes back, at most so long."""
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return
