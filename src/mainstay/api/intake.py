"""What the doors for machines stand on: what they know, and the way into the next commit.

A storm comes through them, so no request makes a query of its own, and what comes while a commit
is under way goes into the next one together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from functools import partial
from typing import Generic, TypeVar

from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Stuck
from mainstay.runtime import Runtime

T = TypeVar("T")

FRESH_S = 0.2
"""After this a snapshot is renewed beside the request that noticed it."""
NEW_S = 0.05
"""After this a key that is not in it is looked for in a new one: it may have just been made."""
STALE_S = 2.0
"""After this a request waits for a new one: a revoked key opens nothing any more."""
ANSWER_S = 2.0
"""How long requests wait for a database that does not answer; after that each is refused at once."""
RETRY_AFTER_S = 5
"""What a sender is told to wait at overload: we settle thousands of signals in that time."""


class Fresh(Generic[T]):
    """The newest snapshot of what a door must know; `read` makes the next one."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read_next = read
        self._snapshot: T | None = None
        self._read_at = -STALE_S
        self._expiries = 0
        self._renewing: asyncio.Task[None] | None = None
        self._asked_at = 0.0

    def expire(self) -> None:
        """What it says has changed: the next request waits for a new one."""
        self._expiries += 1
        self._read_at = -STALE_S

    async def now(self) -> T:
        """A snapshot that is fresh enough."""
        age_s = asyncio.get_running_loop().time() - self._read_at
        if self._snapshot is None or age_s > STALE_S:
            await self._renewed()
        elif age_s > FRESH_S:
            self._renew()
        assert self._snapshot is not None
        return self._snapshot

    async def newer(self) -> T:
        """As `now`, but waits for a new one where that is older than `NEW_S`."""
        if asyncio.get_running_loop().time() - self._read_at > NEW_S:
            await self._renewed()
        return await self.now()

    async def _renewed(self) -> None:
        """Wait for a new one; Stuck when the database has not answered for `ANSWER_S`."""
        reading = self._renew()
        left_s = self._asked_at + ANSWER_S - asyncio.get_running_loop().time()
        done, _ = await asyncio.wait({reading}, timeout=max(left_s, 0))
        if not done:
            raise Stuck("The database does not answer.", retry_after_s=RETRY_AFTER_S)
        reading.result()

    def _renew(self) -> asyncio.Task[None]:
        if self._renewing is None or self._renewing.done():
            self._asked_at = asyncio.get_running_loop().time()
            self._renewing = asyncio.create_task(self._read(), context=Context())
        return self._renewing

    async def _read(self) -> None:
        begun, expiries = asyncio.get_running_loop().time(), self._expiries
        self._snapshot = await self._read_next()
        if self._expiries == expiries:  # else it may have been read before what has changed
            self._read_at = begun


class Intake(Generic[T]):
    """Puts what comes while a commit is under way into the next one, together.

    One call of the writer for all of them costs a third of one call each. `write` keeps them in a
    transaction; `begun` is told how many, `kept` is called after each commit.
    """

    def __init__(
        self, app: Runtime, write: Callable[[Tx, list[T]], None], *,
        begun: Callable[[int], None], kept: Callable[[], None],
    ) -> None:  # fmt: skip
        self._app = app
        self._keep, self._begun, self._kept = write, begun, kept
        self._waiting: list[tuple[T | None, asyncio.Future[None]]] = []
        self._writing = False

    async def keep(self, arrived: T | None) -> None:
        """Returns when it is durable; raises when it is not. None: a knock, kept nowhere."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrived, future))
        if not self._writing:
            self._write()
        await future

    def _write(self) -> None:
        """Submit all that waits; `_written` goes on from there."""
        batch, self._waiting = self._waiting, []
        self._writing = bool(batch)
        if batch:
            self._begun(len(batch))
            self._submit(batch).add_done_callback(partial(self._written, batch))

    def _submit(self, batch: list[tuple[T | None, asyncio.Future[None]]]) -> asyncio.Future[None]:
        some = [arrived for arrived, _ in batch if arrived is not None]
        return self._app.db.submit(lambda tx: self._keep(tx, some), append=True)

    def _written(
        self, batch: list[tuple[T | None, asyncio.Future[None]]], done: asyncio.Future[None]
    ) -> None:
        failure = done.exception()
        if failure is not None and len(batch) > 1:  # one of them may be to blame: each alone
            for one in batch:
                self._submit([one]).add_done_callback(partial(_tell, [one[1]]))
        else:
            _tell([future for _, future in batch], done)
        self._kept()
        self._write()


def _tell(waiting: list[asyncio.Future[None]], done: asyncio.Future[None]) -> None:
    """Hand the outcome to whoever still waits for it."""
    failure = done.exception()
    for future in waiting:
        if future.done():
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)
