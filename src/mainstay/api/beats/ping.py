"""The door for pings: bare ASGI, durable before the 2xx, as `doors` is for signals.

    /ping/{uuid}              /ping/{uuid}/start   /fail   /log   /{exit status}
    /ping/{key}/{name}        /ping/{key}/{name}/start …

by GET, HEAD or POST; `?rid=` tells runs apart, `?create=1` makes the heartbeat that a key names.
A body is kept as the job's output, up to `BODY_KEPT` bytes: what is longer is cut and never
refused, since a refused ping would call its job late. Source: healthchecks.io/docs/http_api.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qs

from mainstay import signals
from mainstay.api.intake import Fresh, Intake
from mainstay.checks import heartbeats
from mainstay.checks.heartbeats import Known, Ping, Ring, normal_uuid
from mainstay.estate import View
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Invalid, MainstayError, NotFound, Unknown
from mainstay.foundation.failpoint import Moment
from mainstay.foundation.limits import Limits
from mainstay.foundation.observe import logs
from mainstay.runtime import Runtime
from mainstay.signals import KeyRing, Reply
from mainstay.watching import heard
from mainstay.web import (
    Answered,
    Header,
    Receive,
    Respond,
    Scope,
    Send,
    address_of,
    answer,
    send_reply,
    status_of,
)

PATH = "/ping/"
BODY_KEPT = 100_000
"""Bytes of a body that are kept."""
EXIT_MAX = 255
AGENT_CHARS_MAX = 200
_METHODS = ("GET", "HEAD", "POST")
_ANYWHERE: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"ping-body-limit", b"%d" % BODY_KEPT),
)
_TEXT = "text/plain; charset=utf-8"
_KINDS: dict[str, heartbeats.Kind] = {"": "success", "start": "start", "fail": "fail", "log": "log"}


@dataclass(frozen=True, slots=True)
class Said:
    """What a path says: whose ping (a UUID, or a key and a name), of which kind."""

    template: str
    uuid: str | None
    key: str
    name: str
    kind: heartbeats.Kind
    exit: int | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the door knows, as of one read."""

    ring: Ring
    keys: KeyRing
    view: View


class Pings:
    """The part of the application at `/ping/…`."""

    def __init__(self, app: Runtime, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._ring = Ring()
        self._known = Fresh(partial(asyncio.to_thread, app.db.read, self._look))
        app.wake.doors_through(self._known.expire)
        self._intake = Intake(app, self._write, begun=_unseen, kept=app.wake.beats)

    def match(self, scope: Scope) -> Respond | None:
        """Who answers this path."""
        path: str = scope["path"]
        if not path.startswith(PATH):
            return None
        said = read_path(path)
        if said is None:
            return partial(_plain, 400, "invalid url format")
        if scope["method"] not in _METHODS:
            return partial(_plain, 405, "a ping is a GET, HEAD or POST")
        return partial(self._respond, said)

    async def _respond(self, said: Said, scope: Scope, receive: Receive, send: Send) -> None:
        work = self._answered(said, scope, receive)
        await answer(send, work, refuse=_refusal, template=said.template, headers=_ANYWHERE)

    async def _answered(self, said: Said, scope: Scope, receive: Receive) -> Answered:
        rid, may_create = _query(scope["query_string"])
        known = await self._find(said)
        status, words = 200, b"OK"
        if known is None and may_create and said.uuid is None:
            known = await self._create(said)
            status, words = 201, b"Created"
        if known is None:
            raise NotFound("not found")
        body, body_n = await _body(receive, bytes_max=self._limits.body_bytes)
        if self._app.reserve.is_used:  # the disk is full: a ping is little, its output may not be
            body = b""
        ping = self._ping(said, known, scope, rid=rid, body=body, body_n=body_n)
        self._app.ground.passing(Moment.ACCEPT_READ)
        await self._intake.keep(ping)
        self._app.ground.passing(Moment.ACCEPT_COMMITTED)
        self._app.measures.pings.add(ping.kind)
        return Reply(status, words, _TEXT), _ANYWHERE

    def _ping(
        self, said: Said, known: Known, scope: Scope, *, rid: str, body: bytes, body_n: int
    ) -> Ping:
        """As it is kept; one by a method that this heartbeat does not take counts for nothing."""
        ignored = known.post_only and scope["method"] != "POST"
        agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
        return Ping(
            beat=known.id, at_us=to_us(self._app.clock.now()),
            kind="ign" if ignored else said.kind, exit=said.exit, rid=rid,
            method=scope["method"],
            remote=address_of(scope, self._app.settings.behind_proxy),
            agent=agent.decode("latin-1")[:AGENT_CHARS_MAX], body=body, body_n=body_n,
        )  # fmt: skip

    def _write(self, tx: Tx, pings: list[Ping]) -> None:
        heartbeats.keep(tx, pings)
        self._app.ground.passing(Moment.ACCEPT_WRITTEN)

    # -- whose ping ----------------------------------------------------------------------------

    async def _find(self, said: Said) -> Known | None:
        """The heartbeat, in a newer snapshot where it is not in this one: it may have just been made."""
        found = self._in(await self._known.now(), said)
        return found or self._in(await self._known.newer(), said)

    def _in(self, snapshot: Snapshot, said: Said) -> Known | None:
        if said.uuid is not None:
            return snapshot.ring.find(said.uuid)
        return snapshot.ring.by_name.get(said.name) if _opens(snapshot, said.key) else None

    async def _create(self, said: Said) -> Known | None:
        """A heartbeat that its first ping makes; None when the key opens nothing."""
        snapshot = await self._known.newer()
        source = _source_of(snapshot, said.key)
        if source is None:
            return None
        ground, clock = self._app.ground, self._app.clock

        def make(tx: Tx) -> None:
            view = ground.views.current_or_empty(tx)
            heard.made_by_ping(tx, ground, view, said.name, source, now=clock.now())

        with contextlib.suppress(Conflict):  # two first pings at once: the other one made it
            await self._app.db.write(make)
        self._known.expire()
        return self._in(await self._known.now(), said)

    def _look(self, tx: Tx) -> Snapshot:
        self._ring = heartbeats.ring(tx, self._ring)
        view = self._app.ground.views.current_or_empty(tx)
        return Snapshot(self._ring, signals.key_ring(tx), view)


def read_path(path: str) -> Said | None:
    """What a path below `/ping/` says; None when it says nothing that we know."""
    parts = path.removeprefix(PATH).removesuffix("/").split("/")
    uuid = normal_uuid(parts[0])
    named = parts[1:] if uuid else parts[2:]
    if len(named) > 1 or not all(parts) or (uuid is None and len(parts) < 2):
        return None
    word = named[0] if named else ""
    exit_ = int(word) if word.isascii() and word.isdigit() and len(word) <= 3 else None
    if exit_ is not None and exit_ > EXIT_MAX:
        return None
    kind = _KINDS.get(word) if exit_ is None else ("fail" if exit_ else "success")
    if kind is None:
        return None
    template = (f"{PATH}{{uuid}}" if uuid else f"{PATH}{{key}}/{{name}}") + (
        "/{what}" if named else ""
    )
    key, name = ("", "") if uuid else (parts[0], parts[1])
    return Said(template, uuid, key, name, kind, exit_)


def _opens(snapshot: Snapshot, key: str) -> bool:
    return _source_of(snapshot, key) is not None


def _source_of(snapshot: Snapshot, key: str) -> str | None:
    """The source of format `heartbeat` that a key belongs to."""
    try:
        name = snapshot.keys.source_of(key)
    except Unknown:
        return None
    logs.learn(source=name)
    declared = snapshot.view.estate.sources.get(name)
    return name if declared is not None and declared.format == "heartbeat" else None


def _query(words: bytes) -> tuple[str, bool]:
    """The run's own id, and whether an unknown heartbeat is to be made. Invalid for another id."""
    if not words:
        return "", False
    try:
        query = parse_qs(words.decode("ascii"), max_num_fields=20)
    except ValueError:
        raise Invalid("invalid query") from None
    rid = query.get("rid", [""])[0]
    if rid and normal_uuid(rid) is None:
        raise Invalid("invalid uuid format")
    return normal_uuid(rid) or "", query.get("create", [""])[0] == "1"


async def _body(receive: Receive, *, bytes_max: int) -> tuple[bytes, int]:
    """The body's beginning, and how long it was, as far as we read on. Invalid when it breaks off."""
    kept, size = bytearray(), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Invalid("The connection was closed before the whole ping had come.")
        piece: bytes = message.get("body", b"")
        size += len(piece)
        kept += piece[: BODY_KEPT - len(kept)]
        if not message.get("more_body", False) or size > bytes_max:
            return bytes(kept), size


def _refusal(error: MainstayError) -> Reply:
    return Reply(status_of(error), error.sentence.encode(), _TEXT)


def _unseen(requests_n: int) -> None:
    """A crowd of pings holds up no settling."""


async def _plain(status: int, words: str, scope: Scope, receive: Receive, send: Send) -> None:
    await send_reply(send, Reply(status, words.encode(), _TEXT), *_ANYWHERE)
