"""The queue of writes: many callers share a commit, and hear of it only after it is durable."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from time import perf_counter
from typing import Any, Protocol, TypeVar

from mainstay.foundation.db.tx import Tx
from mainstay.foundation.errors import Stuck

T = TypeVar("T")
BATCH_MAX = 512
"""Calls in one commit: bounds how long the first of a batch waits for the last."""
WAITING_MAX = 20_000
"""Queued calls; beyond it `write` says Stuck, and the doors answer 503 with Retry-After."""


class Call:
    """One queued write and where its answer goes."""

    __slots__ = ("error", "fn", "future", "loop", "value")

    def __init__(
        self,
        fn: Callable[[Tx], Any],
        future: Future[Any] | asyncio.Future[Any],
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        self.fn = fn
        self.future: Any = future
        self.loop = loop
        self.value: Any = None
        self.error: BaseException | None = None

    def resolve(self) -> None:
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(self.error)


class Engine(Protocol):
    """What runs the transactions: SQLite, or PostgreSQL."""

    @property
    def ask_time(self) -> Callable[[], int] | None:
        """Asks the server for its time, in microseconds since 1970; None: it has none of its own."""

    appends_apart: bool
    """Whether what only appends can be committed beside what reads and then writes."""

    def commit(self, batch: list[Call], *, serial: bool = True) -> None:
        """One transaction for all of `batch`; errors land in their call. `serial`: no other such
        transaction, of any node, at the same time."""

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on the last committed state."""

    def scrub(self) -> None:
        """What was written over a moment ago is in no file of the database any more."""

    def close(self) -> None:
        """Close every connection."""


class Database:
    """Writers and many readers. Until `start` is called, writes run inline."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.on_commit: Callable[[float, int], None] = _unseen
        """Told of each commit, in its thread: seconds, and how many writes were in it."""
        self.on_full: Callable[[], bool] = _no_more
        """Asked when the disk is full. True: there is room now, and what failed is done again."""
        self._writes = Lane("writer", self._timed(lambda batch: engine.commit(batch)))
        self._appends = self._writes
        if engine.appends_apart:
            apart = self._timed(lambda batch: engine.commit(batch, serial=False))
            self._appends = Lane("appender", apart)

    def _timed(self, commit: Callable[[list[Call]], None]) -> Callable[[list[Call]], None]:
        def timed(batch: list[Call]) -> None:
            begun = perf_counter()
            commit(batch)
            refused = [call for call in batch if _found_no_room(call)]
            if refused and self.on_full():
                for call in refused:
                    call.value = call.error = None
                commit(refused)
            self.on_commit(perf_counter() - begun, len(batch))

        return timed

    # -- life ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the writer threads, so that many callers share a commit."""
        for lane in {self._writes, self._appends}:
            lane.start()

    def close(self) -> None:
        """Finish what is queued, then close every connection."""
        for lane in {self._writes, self._appends}:
            lane.close()
        self.engine.close()

    def scrub(self) -> None:
        """What was written over a moment ago is in no file of the database any more."""
        self.engine.scrub()

    # -- writing -------------------------------------------------------------------------------

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a transaction; returns after its commit is durable."""
        return await self.submit(fn)

    def submit(self, fn: Callable[[Tx], T], *, append: bool = False) -> asyncio.Future[T]:
        """As `write`, for whoever has something to do meanwhile.

        `append`: `fn` only adds rows of its own and decides nothing by what it reads, so that it
        need not wait for whoever does.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        (self._appends if append else self._writes).submit(Call(fn, future, loop))
        return future

    def run(self, fn: Callable[[Tx], T]) -> T:
        """As `write`, for a thread that may wait. Inline when the writer is not started."""
        future: Future[T] = Future()
        self._writes.submit(Call(fn, future, None))
        return future.result()

    @property
    def ask_time(self) -> Callable[[], int] | None:
        """How to ask for the time that all nodes share; None where there is but this machine's."""
        return self.engine.ask_time

    @property
    def waiting(self) -> int:
        """Writes queued now."""
        return sum(lane.waiting for lane in {self._writes, self._appends})

    # -- reading -------------------------------------------------------------------------------

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on the last committed state; it must not write."""
        return self.engine.read(fn)


class Lane:
    """Calls that one thread commits, as many together as wait."""

    def __init__(self, name: str, commit: Callable[[list[Call]], None]) -> None:
        self._name = name
        self._commit = commit
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closing = False

    def start(self) -> None:
        """Start the thread; until then each call is committed by its caller."""
        self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what is queued, and end the thread."""
        if self._thread is not None:
            self._closing = True
            self._waiting.put(Call(lambda tx: None, Future(), None))  # wakes it
            self._thread.join()
            with self._lock:  # what came while the thread was ending
                self._thread = None
                while self._waiting.qsize():
                    self._commit_next()

    @property
    def waiting(self) -> int:
        """Calls queued now."""
        return self._waiting.qsize()

    def submit(self, call: Call) -> None:
        """Queue a call; it fails as Stuck when too many wait."""
        with self._lock:
            if self._thread is not None:
                if self.waiting < WAITING_MAX:
                    self._waiting.put(call)
                    return
                words = "The database cannot keep up; try again shortly."
                call.error = Stuck(words, retry_after_s=1)
            else:
                self._commit([call])
        call.resolve()

    def _serve(self) -> None:
        while not self._closing:
            self._commit_next()

    def _commit_next(self) -> None:
        """Wait for a call, then commit it with all that waits beside it."""
        batch = [self._waiting.get()]
        beside = min(self.waiting, BATCH_MAX - 1)
        batch += [self._waiting.get() for _ in range(beside)]
        self._commit(batch)
        _resolve(batch)


def _found_no_room(call: Call) -> bool:
    return isinstance(call.error, Stuck) and bool(call.error.facts.get("disk_full"))


def _no_more() -> bool:
    """Nothing is kept for that case."""
    return False


def _unseen(seconds: float, writes: int) -> None:
    """Nobody looks."""


def _resolve(batch: list[Call]) -> None:
    """Hand the answers over; one wake-up per event loop, however many calls."""
    loops: dict[asyncio.AbstractEventLoop, list[Call]] = {}
    for call in batch:
        if call.loop is None:
            call.resolve()
        else:
            loops.setdefault(call.loop, []).append(call)
    for loop, calls in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve_all, calls)


def _resolve_all(calls: list[Call]) -> None:
    for call in calls:
        call.resolve()
