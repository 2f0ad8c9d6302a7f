"""The doors for signals: bare ASGI, because a storm comes through here.

Whoever hears 2xx has a durable row. What a door needs to know (keys, the estate, how much waits)
is a snapshot: a fifth of a second old while signals come, never older than two, and renewed at once
after an act of this process (`intake`). No request makes a query of its own.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from mainstay import pipeline, signals
from mainstay.api.intake import RETRY_AFTER_S, Fresh, Intake
from mainstay.estate import Source, View
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import (
    Corrupt,
    Forbidden,
    Invalid,
    MainstayError,
    OverLimit,
    Stuck,
    Unknown,
)
from mainstay.foundation.failpoint import Moment
from mainstay.foundation.limits import Limits
from mainstay.foundation.observe import logs
from mainstay.ground import source_in
from mainstay.runtime import Runtime
from mainstay.signals import Door, KeyRing, Reply
from mainstay.web import (
    PROBLEM,
    Answered,
    Receive,
    Respond,
    Scope,
    Send,
    answer,
    read_body,
    send_reply,
    status_of,
)

KEY_PREFIX = "/k/"
"""`/k/{key}` before any door's path carries its key, for senders that can set nothing but a URL."""

_READ = {
    name.encode(): name
    for name in ("authorization", "content-encoding", "content-type", "user-agent", "x-routing-key")
}
"""The only headers that a door looks at, or that are kept with a signal."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the doors know, as of one read. `waiting`: signals that waited to be settled."""

    keys: KeyRing
    view: View
    waiting: int


class Standing:
    """What the doors know, and how many signals were taken since it was read."""

    def __init__(self, app: Runtime) -> None:
        self._app = app
        self._taken = 0
        self.known = Fresh(self._read)
        app.wake.doors_through(self.known.expire)

    def take(self, snapshot: Snapshot) -> None:
        """Count one signal more. OverLimit (429) when too many wait; Stuck when the disk is full."""
        if self._app.reserve.is_used:
            words = "The disk is full; what is left of it is kept for pages."
            raise Stuck(words, retry_after_s=RETRY_AFTER_S, disk_full=True)
        limit = self._app.settings.backlog_max
        if snapshot.waiting + self._taken >= limit:
            raise OverLimit(
                f"{limit:,} signals wait to be settled; send it again in a moment.",
                limit=limit, unit="waiting signals", retry_after_s=RETRY_AFTER_S,
            )  # fmt: skip
        self._taken += 1

    async def _read(self) -> Snapshot:
        taken = self._taken
        found = await asyncio.to_thread(self._app.db.read, self._look)
        self._taken -= taken
        return found

    def _look(self, tx: Tx) -> Snapshot:
        view = self._app.ground.views.current_or_empty(tx)
        return Snapshot(signals.key_ring(tx), view, signals.waiting_n(tx))


class Doors:
    """Every door of the registry, by its path."""

    def __init__(self, app: Runtime, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self.standing = Standing(app)
        self._intake = Intake(app, self._write, begun=app.wake.arrived, kept=app.wake.settle)
        self._exact: dict[str, tuple[Door, ...]] = {}
        self._keyed: dict[tuple[str, str], tuple[Door, ...]] = {}
        """(before, after) the key in the path → the doors there."""
        for door in signals.DOORS:
            for path in door.paths:
                before, keyed, after = path.partition("{key}")
                if keyed:
                    place = (before, after)
                    self._keyed[place] = (*self._keyed.get(place, ()), door)
                else:
                    self._exact[path] = (*self._exact.get(path, ()), door)

    def _write(self, tx: Tx, requests: list[signals.Arrived]) -> None:
        pipeline.accept(tx, *requests)
        self._app.ground.passing(Moment.ACCEPT_WRITTEN)

    async def knock(self) -> None:
        """Go the way of a signal, through the intake and a commit, without one. Raises as it would."""
        await self._intake.keep(None)

    def match(self, scope: Scope) -> Respond | None:
        """The way in at this path, for its method; another method is not ours to answer."""
        doors, key, template = self._find(scope["path"])
        if not doors:
            return None
        if scope["method"] != doors[0].method:
            return None if template.endswith("/alerts") else _wrong_method
        return partial(self._enter, doors, key, template)

    def _find(self, path: str) -> tuple[tuple[Door, ...], str | None, str]:
        """The doors at a path, the key in it, and the path without the key."""
        doors = self._exact.get(path)
        if doors is not None:
            return doors, None, path
        if path.startswith(KEY_PREFIX):
            key, slash, rest = path[len(KEY_PREFIX) :].partition("/")
            doors = self._exact.get(slash + rest)
            return (doors, key, f"/k/{{key}}/{rest}") if doors else ((), None, "")
        for (before, after), keyed in self._keyed.items():
            if path.startswith(before) and path.endswith(after):
                key = path[len(before) : len(path) - len(after)]
                if key and "/" not in key:
                    return keyed, key, f"{before}{{key}}{after}"
        return (), None, ""

    async def _enter(
        self, doors: tuple[Door, ...], key: str | None, template: str,
        scope: Scope, receive: Receive, send: Send,
    ) -> None:  # fmt: skip
        """One request: kept and answered, or refused in the words of its own protocol."""
        work = self._accept(doors, key, scope, receive)
        await answer(send, work, refuse=doors[0].refuse, template=template)

    async def _accept(
        self, doors: tuple[Door, ...], path_key: str | None, scope: Scope, receive: Receive
    ) -> Answered:
        """Kept or refused, and counted."""
        measures = self._app.measures
        try:
            answered = await self._keep(doors, path_key, scope, receive)
        except MainstayError as error:
            measures.refused.add(logs.known("source"), str(status_of(error)))
            raise
        measures.accepted.add(logs.known("source"))
        return answered

    async def _keep(
        self, doors: tuple[Door, ...], path_key: str | None, scope: Scope, receive: Receive
    ) -> Answered:
        app = self._app
        headers = {
            _READ[name]: value.decode("latin-1")
            for name, value in scope["headers"]
            if name in _READ
        }
        signals.check_headers(headers)
        door = doors[0]
        if not door.key_in_body:  # of a stranger nothing more is read
            await self._opened(door.key_of(headers, path_key, b""))
        body = await read_body(receive, scope["headers"], limits=self._limits)
        key = door.key_of(headers, path_key, body)
        snapshot, name = await self._opened(key)
        source = _declared(snapshot.view, name)
        if door.format != source.format:
            door = signals.choose(doors, source.format)
        self.standing.take(snapshot)
        now = app.clock.now()
        receipt = app.ground.ids.new("rcp", now)
        logs.learn(receipt=receipt)
        kept = signals.blank_credentials(body, key)  # read what settling will read again
        verdict = door.check(kept, source, signals.Arrival(receipt, to_us(now)))
        app.ground.passing(Moment.ACCEPT_READ)
        await self._intake.keep(
            signals.Arrived(
                receipt, now, name, door.name, snapshot.view.version, headers, kept, verdict
            )
        )
        app.ground.passing(Moment.ACCEPT_COMMITTED)
        return door.reply(receipt, verdict), ((b"mainstay-receipt", receipt.encode()),)

    async def _opened(self, key: str | None) -> tuple[Snapshot, str]:
        """What is known now, and the source that the key belongs to. Unknown if it opens nothing."""
        snapshot = await self.standing.known.now()
        try:
            name = snapshot.keys.source_of(key)
        except Unknown:  # it may have been made a moment ago, by another process
            snapshot = await self.standing.known.newer()
            name = snapshot.keys.source_of(key)
        logs.learn(source=name)
        return snapshot, name


def _declared(view: View, name: str) -> Source:
    try:
        return source_in(view, name)
    except Corrupt:
        raise Forbidden(
            f"This key belongs to source {name}, which the estate no longer declares."
        ) from None


async def _wrong_method(scope: Scope, receive: Receive, send: Send) -> None:
    error = Invalid("A signal is sent by POST.", http_status=405)
    reply = Reply(405, b'{"type":"about:blank","title":"Method not allowed","status":405,'
                  b'"detail":"%s"}' % error.sentence.encode(), PROBLEM)  # fmt: skip
    await send_reply(send, reply, (b"allow", b"POST"))
