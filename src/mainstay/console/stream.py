"""The stream of names: what has changed, never how. The screen asks again, and its rights with it.

One watcher for each process reads the rows of the record that came since its last look, turns them
into names (`alerts`, `incident:2041`) and hands them to every open stream. Nothing is lost that
matters: a screen says which row it was made after, and a stream that comes back starts with `all`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType

from starlette.concurrency import run_in_threadpool

from mainstay import incidents
from mainstay.diagnosis import live
from mainstay.foundation import record
from mainstay.foundation.db import Row, Tx
from mainstay.foundation.errors import MainstayError
from mainstay.runtime import Runtime

log = logging.getLogger("mainstay.console")

LOOK_EVERY_S = 0.1
NAME_EVERY_S = 1.0
"""A name is said at most this often to one stream; a screen that asks again once a second is live."""
BEAT_EVERY_S = 4.0
"""How often a stream that has nothing to say says so: a screen that hears nothing for 10 s tells it."""
ROWS_MAX = 500
"""More rows at once than this are said as `all`."""
SEEN_AGAIN = 200
"""Two writers commit out of order: this many rows behind the newest are looked at again."""
ALL, BEAT = "all", "beat"

NEEDS: Mapping[str, str] = MappingProxyType(
    {
        "alerts": "alerts.read",
        "silences": "alerts.read",
        "changes": "alerts.read",
        "incidents": "incidents.read",
        "pages": "incidents.read",
        "oncall": "oncall.read",
        "estate": "estate.read",
        "people": "people.read",
        "yours": "incidents.read",
        "checks": "checks.read",
        "shift": "handover.read",
        "record": "record.read",
        "system": "system.read",
    }
)
"""Name → who may hear it. `incident:…` is heard by whoever may read incidents."""
_BY_KIND = {
    "alert": ("alerts",),
    "incident": ("incidents",),
    "page": ("pages",),
    "paging": ("pages",),
    "silence": ("silences",),
    "override": ("oncall",),
    "estate": ("estate", "oncall"),
    "address": ("people",),
    "rule": ("people",),
    "token": ("people",),
    "key": ("people",),
    "signal": ("system",),
    "change": ("changes",),
    "help": ("yours",),
    "check": ("checks",),
    "heartbeat": ("checks",),
    "checklist": ("shift", "yours"),
    "waiver": ("shift",),
    "handover": ("shift", "yours"),
    "followup": ("shift", "yours"),
    "log": ("shift",),
}


def names_of(rows: Iterable[Row], numbers: Mapping[str, int]) -> set[str]:
    """What rows of the record mean for screens; `numbers`: incident id → its number."""
    found: set[str] = set()
    for row in rows:
        found.update((*_BY_KIND.get(row["kind"].partition(".")[0], ()), "record"))
        if row["incident"] is not None and row["incident"] in numbers:
            found.update(("incidents", f"incident:{numbers[row['incident']]}"))
    return found


class Watcher:
    """Looks at the record while anybody listens, and tells every listener."""

    def __init__(self, app: Runtime) -> None:
        self._app = app
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()
        self._seen: set[int] = set()
        self._steps: dict[str, int] = {}
        """Diagnoses under way, and how far each was: their progress is no row of the record."""
        self._upto = 0

    async def listen(self, *, after: int | None, may: frozenset[str]) -> AsyncIterator[bytes]:
        """The stream of one screen that was made after row `after`; None: it comes back."""
        mine = Listener(may)
        self._listeners.add(mine)
        try:
            await self._watching()  # before we look back, or what happens in between is lost
            if after is None:
                mine.hear({ALL})
            else:
                mine.hear(await run_in_threadpool(self._app.db.read, lambda tx: _since(tx, after)))
            while not mine.is_over:
                await self._watching()  # a beat without a watch behind it would be a lie
                yield await mine.next()
        finally:
            self._listeners.discard(mine)

    def end(self) -> None:
        """No more: every stream ends, so that the server can."""
        for one in self._listeners:
            one.end()

    async def _watching(self) -> None:
        """The watch runs, and knows from which row on it tells."""
        if self._task is None or self._task.done():
            if self._task is not None and not self._task.cancelled() and self._task.exception():
                log.error(
                    "the watch for the stream failed and begins anew",
                    exc_info=self._task.exception(),
                )
                for one in self._listeners:
                    one.hear({ALL})
            self._begun = asyncio.Event()
            self._task = asyncio.create_task(self._watch(self._begun))
        await self._begun.wait()

    async def _watch(self, begun: asyncio.Event) -> None:
        try:
            self._upto = await run_in_threadpool(self._app.db.read, record.last_seq)
            self._seen = set(range(max(0, self._upto - SEEN_AGAIN), self._upto + 1))
        finally:
            begun.set()
        while self._listeners:
            pause = asyncio.Event()
            with suppress(TimeoutError):
                await asyncio.wait_for(pause.wait(), LOOK_EVERY_S)
            try:
                found = await run_in_threadpool(self._app.db.read, self._look)
            except MainstayError as error:
                log.warning("the record could not be read for the stream: %s", error.sentence)
                continue
            if found:
                for one in self._listeners:
                    one.hear(found)

    def _look(self, tx: Tx) -> set[str]:
        newest = record.last_seq(tx)
        if newest - self._upto > ROWS_MAX:
            self._upto = newest
            self._seen = set(range(newest - SEEN_AGAIN, newest + 1))
            return {ALL}
        floor = max(0, self._upto - SEEN_AGAIN)
        rows = record.since(tx, floor, limit=ROWS_MAX + SEEN_AGAIN)
        fresh = [row for row in rows if row["seq"] not in self._seen]
        self._seen.update(row["seq"] for row in fresh)
        self._upto = max(self._upto, newest)
        self._seen = {seq for seq in self._seen if seq > self._upto - 2 * SEEN_AGAIN}
        return names_of(fresh, _numbers(tx, fresh)) | self._progress(tx)

    def _progress(self, tx: Tx) -> set[str]:
        """Incidents whose diagnosis has moved on since the last look."""
        steps = {run: (incident, step) for run, incident, step in live.under_way(tx)}
        moved = {one for run, (one, step) in steps.items() if self._steps.get(run) != step and one}
        self._steps = {run: step for run, (_, step) in steps.items()}
        found = (incidents.get(tx, name) for name in moved)
        return {f"diagnosis:{one.number}" for one in found if one is not None}


class Listener:
    """One open stream: what it has to say, and when it said each name last."""

    def __init__(self, may: frozenset[str]) -> None:
        self._may = may
        self._waiting: set[str] = set()
        self._said: dict[str, float] = {}
        self._news = asyncio.Event()
        self.is_over = False

    def hear(self, names: set[str]) -> None:
        """These changed."""
        self._waiting |= {name for name in names if self._allowed(name)}
        if self._waiting:
            self._news.set()

    def end(self) -> None:
        """Say no more."""
        self.is_over = True
        self._news.set()

    async def next(self) -> bytes:
        """The next thing to say: names that may be said now, or a beat when nothing came."""
        loop = asyncio.get_running_loop()
        beat_at = loop.time() + BEAT_EVERY_S
        while not self.is_over:
            ready = self._ready(loop.time())
            if ready:
                return b"".join(_event(name) for name in sorted(ready))
            until = min([beat_at, *(self._said[name] + NAME_EVERY_S for name in self._waiting)])
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), max(0.0, until - loop.time()))
            if loop.time() >= beat_at and not self._waiting:
                return _event(BEAT)
        return b""

    def _ready(self, now: float) -> set[str]:
        ready = {name for name in self._waiting if now - self._said.get(name, -1e9) >= NAME_EVERY_S}
        self._waiting -= ready
        self._said.update(dict.fromkeys(ready, now))
        if len(self._said) > ROWS_MAX:
            self._said = {name: at for name, at in self._said.items() if now - at < NAME_EVERY_S}
        return ready

    def _allowed(self, name: str) -> bool:
        if name == ALL:
            return True
        return NEEDS.get(name, "incidents.read") in self._may


def _since(tx: Tx, after: int) -> set[str]:
    rows = record.since(tx, after, limit=ROWS_MAX)
    return {ALL} if len(rows) == ROWS_MAX else names_of(rows, _numbers(tx, rows))


def _numbers(tx: Tx, rows: Iterable[Row]) -> dict[str, int]:
    wanted = {row["incident"] for row in rows if row["incident"] is not None}
    found = (incidents.get(tx, name) for name in wanted)
    return {one.id: one.number for one in found if one is not None}


def _event(name: str) -> bytes:
    """The id is always the same: a browser that sends it back was here before."""
    return f"id: 1\nevent: {name}\ndata: -\n\n".encode()
