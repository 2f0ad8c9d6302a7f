"""Every periodic job in one table. A loop is `step(app, now) -> when next`; threads only call it.

`except Exception` stands here, and in few other places, on purpose: one bad signal or one bad
moment of the disk must not end the loop that pages people. What failed is logged, told of, tried
again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from mainstay import acts, diagnosing, jumps, paging, pipeline, presence, signals, upkeep
from mainstay.foundation import due, record
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.due import Due, Lease, TakenOver
from mainstay.foundation.errors import MainstayError, Outdated, Stuck
from mainstay.foundation.failpoint import Moment
from mainstay.foundation.observe.logs import about, begin
from mainstay.paging.channels import Answer
from mainstay.runtime import HOT_SPAN, Runtime
from mainstay.signals import Request
from mainstay.watching import beating, checking

log = logging.getLogger("mainstay.loops")

SETTLE_ITEMS = 400
"""Items in one settling transaction: what a fresh signal may have to wait behind, about 70 ms."""
SETTLE_ITEMS_HOT = 50
"""The same while many requests come in."""
BURST = timedelta(seconds=2)
"""A burst is taken in first: while requests pour in, settling waits, at most this long."""
SETTLE_EVERY = timedelta(milliseconds=250)
"""How long at most a signal that another node took waits to be noticed."""
SENDS_MAX = 64
"""Sends under way at once in this process."""
ANSWER_TRIES = 600
"""How often an answer is committed again while the disk is full, a second apart."""
DELIVERED = (paging.STEP_DUE, paging.SEND_DUE, paging.FEED_DUE)
"""What the delivery loop looks for."""
DELIVER = "deliver"
"""The delivery loop's name; it is none of the table below."""
AFTER_TROUBLE = timedelta(seconds=1)
"""How long a loop waits after a step that raised."""


@dataclass(slots=True)
class _Trial:
    error: Exception | None = None


@contextmanager
def _trying(what: str) -> Iterator[_Trial]:
    """Do what may raise: the error is logged and kept. Trouble with the disk is nobody's: raised."""
    trial = _Trial()
    try:
        yield trial
    except (Stuck, Outdated):
        raise
    except Exception as error:
        log.exception("could not be done: %s", what)
        trial.error = error


# -- settle ----------------------------------------------------------------------------------------


def settle(app: Runtime, now: datetime) -> datetime | None:
    """Settle what waits, if this node holds the lease. At once again while there is more."""
    oldest = app.db.read(signals.waiting_since)
    if oldest is None:
        return None
    hot = app.wake.is_hot()
    if hot and abs(now - oldest) < BURST:
        return now + HOT_SPAN
    done = 0
    with _trying("a batch of signals; each comes by itself now") as batch:
        settled = presence.as_settler(app, lambda tx, at: _settle_batch(tx, app, at, hot=hot)) or []
        app.ground.passing(Moment.SETTLE_COMMITTED)
        done = _count_settled(app, settled, now)
    if batch.error is not None:
        done = _settle_one_by_one(app, now)
    if done:
        app.wake.deliver()
    return now if done else now + SETTLE_EVERY


def _settle_batch(tx: Tx, app: Runtime, now: datetime, *, hot: bool) -> list[Request]:
    waiting = signals.waiting(tx, SETTLE_ITEMS_HOT if hot else SETTLE_ITEMS)
    app.ground.passing(Moment.SETTLE_TAKEN)
    pipeline.settle(tx, app.ground, waiting, now=now)
    app.ground.passing(Moment.SETTLE_WRITTEN)
    return waiting


def _count_settled(app: Runtime, settled: list[Request], now: datetime) -> int:
    """How many, after their commit: how long each had waited is a figure of ours."""
    now_us = to_us(now)
    for request in settled:
        app.measures.settle_lag.observe(max(0, now_us - request.received_at_us) / 1e6)
    return len(settled)


def _settle_one_by_one(app: Runtime, now: datetime) -> int:
    """Find the culprit: it is tried three times, then quarantined; the others pass (P10)."""

    def begin(tx: Tx) -> tuple[Lease | None, list[Request]]:
        lease = presence.hold(tx, app, jumps.time_in(tx, app))
        return lease, signals.waiting(tx, SETTLE_ITEMS) if lease else []

    lease, waiting = app.db.run(begin)
    done = 0
    for request in waiting:
        assert lease is not None
        with about(receipt=request.receipt, source=request.source):
            with _trying("a signal") as one:
                app.db.run(partial(_settle_alone, app=app, lease=lease, request=request))
                done += _count_settled(app, [request], now)
            if isinstance(one.error, TakenOver):
                return done
            if one.error is not None:
                _count_failure(app, request, one.error, now)
    return done


def _settle_alone(tx: Tx, app: Runtime, lease: Lease, request: Request) -> None:
    """One of those that were read under `lease`; TakenOver when another node settles by now."""
    now = jumps.time_in(tx, app)
    due.fence(tx, lease, now=now, lease_s=app.settings.lease_s)
    pipeline.settle(tx, app.ground, [request], now=now)


def _count_failure(app: Runtime, request: Request, error: Exception, now: datetime) -> None:
    words = error.sentence if isinstance(error, MainstayError) else f"{type(error).__name__}"

    def note(tx: Tx) -> bool:
        if not signals.failed(tx, request.receipt, words):
            return False
        because = f"quarantined after three tries: {words}"
        fact = record.Fact("signal.quarantined", request.receipt, because, receipt=request.receipt)
        record.write(tx, [fact], now=now, estate_version=request.estate_version)
        summary = f"A signal of {request.source} cannot be settled; see {request.receipt}"
        pipeline.report_self(tx, app.ground, summary, key="signal.quarantined", now=now)
        return True

    if app.db.run(note):
        app.measures.quarantined.add(request.source)
        log.error("quarantined after three tries: %s", words)


# -- time ------------------------------------------------------------------------------------------


def pass_time(app: Runtime, now: datetime) -> datetime | None:
    """Acknowledgements, silences, expiries: what time does by itself."""
    at = app.db.read(acts.next_at)
    if at is None or at > now:
        return at
    done: int | None = None
    with _trying("what time does; each by itself now") as batch:
        done = presence.as_settler(app, lambda tx, at: _pass_time(tx, app, at))
        app.ground.passing(Moment.TIME_COMMITTED)
    if batch.error is not None:
        done = _pass_time_one_by_one(app)
    app.wake.deliver()
    return now if done else None


def _pass_time_one_by_one(app: Runtime) -> int:
    """One that raises keeps its lease and is told of; it holds up nothing else (P10)."""
    claimed = presence.as_settler(app, lambda tx, at: acts.claim(tx, app.ground, now=at)) or []
    work = {f"{one.kind} {one.key}": partial(acts.take, one=one) for one in claimed}
    for name, what in {**work, "expiries": acts.expire}.items():
        with about(due=name), _trying("what time does") as trial:
            presence.as_settler(app, lambda tx, at, what=what: what(tx, app.ground, now=at))  # type: ignore[misc]
        if trial.error is not None:
            words = f"{name} cannot be done; the log says why"
            tell = partial(
                pipeline.report_self, ground=app.ground, summary=words, key="time.poison"
            )
            app.db.run(lambda tx, tell=tell: tell(tx, now=app.clock.now()))  # type: ignore[misc]
    return len(claimed)


def _pass_time(tx: Tx, app: Runtime, now: datetime) -> int:
    done = acts.pass_time(tx, app.ground, now=now)
    app.ground.passing(Moment.TIME_WRITTEN)
    return done


# -- deliver ---------------------------------------------------------------------------------------


async def deliver(
    app: Runtime, now: datetime, under_way: Collection[asyncio.Task[None]] = ()
) -> list[asyncio.Task[None]]:
    """Fire the steps that are due and start the sends that are due; returns the sends begun.

    What is `under_way` is not begun again, though its lease be over: the database was away.
    """
    but = frozenset(task.get_name() for task in under_way)
    if not app.db.read(lambda tx: _is_due(tx, now)):
        return []
    ready: list[pipeline.Ready] = []
    with _trying("what is due; each step and page comes by itself now") as batch:
        await app.db.write(lambda tx: _fire_steps(tx, app))
        app.ground.passing(Moment.STEP_COMMITTED)
        ready = await app.db.write(lambda tx: _begin_sends(tx, app, but))
        app.ground.passing(Moment.SEND_COMMITTED)
    if batch.error is not None:
        ready = await _take_one_by_one(app, but)
    return [asyncio.create_task(_send(app, one), name=one.due.key) for one in ready]


def _fire_steps(tx: Tx, app: Runtime) -> None:
    pipeline.fire_steps(tx, app.ground, now=jumps.time_in(tx, app))
    app.ground.passing(Moment.STEP_WRITTEN)


def _begin_sends(tx: Tx, app: Runtime, but: frozenset[str]) -> list[pipeline.Ready]:
    ready = pipeline.begin_sends(tx, app.ground, now=jumps.time_in(tx, app), but=but)
    app.ground.passing(Moment.SEND_WRITTEN)
    return ready


async def _take_one_by_one(app: Runtime, but: frozenset[str]) -> list[pipeline.Ready]:
    """One that raises keeps its lease and is told of; it holds up nobody else (P10)."""
    ready: list[pipeline.Ready] = []
    troubles = []
    for one in await app.db.write(partial(_claim, app=app)):
        if one.key in but:
            at = app.clock.now() + pipeline.LOOK_AGAIN
            await app.db.write(partial(due.again, due=one, at=at))
            continue
        with about(due=f"{one.kind} {one.key}"), _trying("what is due") as trial:
            taken = await app.db.write(partial(_take_alone, app=app, one=one))
            ready += [taken] if taken is not None else []
        if trial.error is not None:
            troubles.append(f"{one.kind} {one.key} cannot be done; the log says why")
    for words in troubles:
        tell = partial(
            pipeline.report_self, ground=app.ground, summary=words, key="paging.poison",
            now=app.clock.now(),
        )  # fmt: skip
        await app.db.write(tell)
    return ready


def _claim(tx: Tx, app: Runtime) -> list[Due]:
    return pipeline.claim(tx, app.ground, DELIVERED, now=jumps.time_in(tx, app))


def _take_alone(tx: Tx, app: Runtime, one: Due) -> pipeline.Ready | None:
    """Nothing when another node has claimed it since: what it did must not be done again."""
    now = jumps.time_in(tx, app)
    return pipeline.take(tx, app.ground, one, now=now) if due.is_held(tx, one) else None


def next_delivery(tx: Tx) -> datetime | None:
    """When `deliver` next has something to do."""
    instants = [due.next_at(tx, kind) for kind in DELIVERED]
    return min((at for at in instants if at is not None), default=None)


def _is_due(tx: Tx, now: datetime) -> bool:
    at = next_delivery(tx)
    return at is not None and at <= now


async def _send(app: Runtime, ready: pipeline.Ready) -> None:
    """Hand one page to its channel and commit the answer. A failure is an outcome, not an error."""
    begin({"due": f"{ready.due.kind} {ready.due.key}", "incident": ready.incident.name})
    _count_try(app, ready)
    outcome = await app.send(ready.address, ready.page)
    app.ground.passing(Moment.SEND_ANSWERED)
    _count_outcome(app, ready, outcome)
    finish = partial(_finish_send, app=app, ready=ready, outcome=outcome, jitter=app.jitter())
    for left in reversed(range(ANSWER_TRIES)):
        try:
            await app.db.write(finish)
            break
        except Stuck:  # a full disk; we know the answer, so nobody has to be paged again for it
            if not left:
                raise
            await asyncio.sleep(AFTER_TROUBLE.total_seconds())
    app.ground.passing(Moment.ANSWER_COMMITTED)


def _finish_send(
    tx: Tx, app: Runtime, ready: pipeline.Ready, outcome: Answer | MainstayError, jitter: float
) -> None:
    now = jumps.time_in(tx, app)
    pipeline.finish_send(tx, app.ground, ready, outcome, jitter=jitter, now=now)
    app.ground.passing(Moment.ANSWER_WRITTEN)


def _count_try(app: Runtime, ready: pipeline.Ready) -> None:
    if not isinstance(ready, paging.Prepared):
        return
    channel = ready.address.kind
    app.measures.attempted.add(channel)
    if ready.tries == 1:
        lag = app.clock.now() - ready.due.planned_at
        app.measures.page_lag.observe(max(0.0, lag.total_seconds()), channel)


def _count_outcome(
    app: Runtime, ready: pipeline.Ready, outcome: Answer | MainstayError
) -> None:  # fmt: skip
    channel, is_page = ready.address.kind, isinstance(ready, paging.Prepared)
    what = "a page" if is_page else "an update"
    if isinstance(outcome, MainstayError):
        log.warning("%s by %s did not go out: %s", what, channel, outcome.sentence)
    else:
        log.info("%s by %s was taken", what, channel)
    if is_page:
        failed = isinstance(outcome, MainstayError)
        (app.measures.failed if failed else app.measures.sent).add(channel)


async def delivering(app: Runtime, stop: threading.Event) -> None:
    """The delivery loop: as many sends at once as `SENDS_MAX`; a slow provider holds up nobody."""
    wake = asyncio.Event()
    app.wake.deliver_through(asyncio.get_running_loop(), wake)
    under_way: set[asyncio.Task[None]] = set()
    app.pulse.expect(DELIVER, period_s=1)
    while not stop.is_set():
        wake.clear()
        try:
            if app.clock.jumped():  # here, where claims are made: none is made in between
                await asyncio.to_thread(jumps.follow, app)
            free = len(under_way) < SENDS_MAX
            started = await deliver(app, app.clock.now(), under_way) if free else []
            for task in started:
                under_way.add(task)
                task.add_done_callback(lambda done: _over(done, under_way, wake))
            if not started:
                await _until_due(app, wake)
            app.pulse.beat(DELIVER)
        except Outdated:
            return  # the loops tell of it
        except Exception as error:
            _stumble(app, DELIVER, error)
            await asyncio.sleep(AFTER_TROUBLE.total_seconds())
    for task in under_way:
        task.cancel()
    await app.hang_up()


def _stumble(app: Runtime, loop: str, error: Exception) -> None:
    log.exception("the loop %s failed; trying again", loop)
    app.measures.loop_errors.add(loop)
    said = error.sentence if isinstance(error, MainstayError) else type(error).__name__
    app.pulse.stumble(loop, said)


def _over(
    task: asyncio.Task[None], under_way: set[asyncio.Task[None]], wake: asyncio.Event
) -> None:
    under_way.discard(task)
    if not task.cancelled() and task.exception() is not None:
        log.error("a send could not be committed; its lease runs out", exc_info=task.exception())
    wake.set()


async def _until_due(app: Runtime, wake: asyncio.Event) -> None:
    """Sleep until something is due, or something new comes, at most a second."""
    at = app.db.read(next_delivery)
    wait_s = 1.0 if at is None else min(1.0, (at - app.clock.now()).total_seconds())
    if wait_s <= 0 and not wake.is_set():
        wait_s = 0.05  # what is due is leased, or there is no room for more sends
    try:
        await asyncio.wait_for(wake.wait(), max(wait_s, 0))
    except TimeoutError:
        return


# -- the table -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Loop:
    """A job: its step, and how long to wait at most when the step names no earlier time."""

    name: str
    step: Callable[[Runtime, datetime], datetime | None]
    period: timedelta


LOOPS = (
    Loop("settle", settle, SETTLE_EVERY),
    Loop("time", pass_time, timedelta(seconds=1)),
    Loop(beating.LOOP, beating.step, beating.EVERY),
    Loop("seal", upkeep.seal, timedelta(seconds=1)),
    Loop("checkpoint", upkeep.checkpoint, timedelta(seconds=5)),
    Loop("export", upkeep.export, timedelta(seconds=5)),
    Loop("backup", upkeep.back_up, timedelta(seconds=10)),
    Loop("alive", presence.alive, presence.ALIVE_EVERY),
    Loop("room", upkeep.keep_room, timedelta(seconds=2)),
    Loop("purge", upkeep.purge, timedelta(hours=1)),
    Loop("shadow", upkeep.shadow_day, timedelta(minutes=10)),
    Loop(diagnosing.LOOP, diagnosing.step, diagnosing.EVERY),
    Loop("not seen", checking.sweep, checking.SWEEP_EVERY),
    Loop("hours", checking.roll, checking.ROLL_EVERY),
)


class Threads:
    """Runs every loop of the table, and the delivery, each in a thread of its own."""

    def __init__(
        self, app: Runtime, *, outdated: Callable[[Outdated], None] = lambda _: None
    ) -> None:
        """`outdated` is called when a newer program has migrated the database: nothing goes on."""
        self._app = app
        self._outdated = outdated
        self._stop = threading.Event()
        self._wakes = {loop.name: threading.Event() for loop in LOOPS}
        self._threads = [
            threading.Thread(target=self._run, args=(loop,), name=loop.name, daemon=True)
            for loop in LOOPS
        ]
        self._threads.append(threading.Thread(target=self._deliver, name=DELIVER, daemon=True))
        self._threads.append(threading.Thread(target=self._look, name=checking.NAME, daemon=True))

    def start(self) -> None:
        """Start them all."""
        self._app.wake.settle_through(self._wakes["settle"])
        self._app.wake.beats_through(self._wakes[beating.LOOP])
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End them; sends under way are dropped and come again by their lease."""
        self._app.pulse.draining = True
        self._stop.set()
        for wake in self._wakes.values():
            wake.set()
        self._app.wake.deliver()
        for thread in self._threads:
            thread.join(timeout=5)

    def _run(self, loop: Loop) -> None:
        wake = self._wakes[loop.name]
        self._app.pulse.expect(loop.name, period_s=loop.period.total_seconds())
        while not self._stop.is_set():
            wake.clear()
            now = self._app.clock.now()
            try:
                at = loop.step(self._app, now)
                self._app.pulse.beat(loop.name)
            except Outdated as error:
                return self._outdated(error)
            except Exception as error:
                _stumble(self._app, loop.name, error)
                at = now + AFTER_TROUBLE
            if at is None:
                wake.wait(loop.period.total_seconds())
                continue
            wait = min(at - self._app.clock.now(), loop.period)
            self._stop.wait(max(wait.total_seconds(), 0))  # a step that names a time means it

    def _deliver(self) -> None:
        asyncio.run(delivering(self._app, self._stop))

    def _look(self) -> None:
        asyncio.run(checking.looking(self._app, self._stop))
