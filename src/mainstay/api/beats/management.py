"""Healthchecks' management API (versions 1 to 3), as far as its clients use it.

An API token stands where the API key does: `X-Api-Key`, or `api_key` in a posted body. Whom a
heartbeat pages is its service's escalation, so `channels` are read and count for nothing; a tag
`service=pay-db` names the service, since these clients have no other word for it. Heartbeats that
the estate declares are listed, pinged and paused here, and changed there.
Source: healthchecks.io/docs/api, and what Healthchecks 4 was seen to answer.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.concurrency import run_in_threadpool

from mainstay.acts import PERMISSION, commands
from mainstay.api.asking import admit, strict_json
from mainstay.api.beats.spec import Spec, applied, declared, said
from mainstay.checks import heartbeats
from mainstay.checks.heartbeats import Beat, Ping, Status
from mainstay.foundation.clock import from_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Forbidden, Invalid, MainstayError, NotFound, Unknown
from mainstay.foundation.limits import Limits
from mainstay.foundation.secrets import digest
from mainstay.runtime import Runtime
from mainstay.signals import Reply
from mainstay.web import (
    Answered,
    Call,
    Receive,
    Respond,
    Scope,
    Send,
    answer,
    read_body,
    send_reply,
    status_of,
)

PLACE = re.compile(r"/api/v([123])/(checks|channels|badges)(?:/(.*))?")
_ONE = re.compile(r"([0-9a-fA-F-]{36})(?:/(pause|resume|pings|flips|pings/(\d{1,15})/body))?/?")
FIELDS_MAX = 20
FLIPS_SINCE = timedelta(days=3660)
_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: who asks, of which version, about which heartbeat, with what."""

    call: Call
    version: str
    uuid: str
    number: int
    query: dict[str, list[str]]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Way:
    """How one path is answered with one method."""

    template: str
    permission: str
    answer: Callable[[Asked], Reply]


class Management:
    """The part of the application at `/api/v3/checks/` and beside it."""

    def __init__(self, app: Runtime, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    def match(self, scope: Scope) -> Respond | None:
        """Who answers this path; another method at a path of ours is refused here too."""
        found = PLACE.fullmatch(scope["path"])
        if found is None:
            return None
        version, place, rest = found[1], found[2], found[3] or ""
        one = _ONE.fullmatch(rest) if place == "checks" and rest else None
        if rest and one is None:
            return partial(_plain, 404)
        what = (one[2] or "one") if one else place
        ways = WAYS.get("body" if what.endswith("/body") else what, {})
        way = ways.get(scope["method"])
        if way is None:
            return partial(_plain, 405 if ways else 404)
        number = int(one[3]) if one and one[3] else 0
        return partial(self._respond, way, version, one[1].lower() if one else "", number)

    async def _respond(
        self, way: Way, version: str, uuid: str, number: int,
        scope: Scope, receive: Receive, send: Send,
    ) -> None:  # fmt: skip
        work = self._answered(way, version, uuid, number, scope, receive)
        await answer(send, work, refuse=_refusal, template=f"/api/v{version}{way.template}")

    async def _answered(
        self, way: Way, version: str, uuid: str, number: int, scope: Scope, receive: Receive
    ) -> Answered:
        key = next((value for name, value in scope["headers"] if name == b"x-api-key"), b"")
        token = key.decode("latin-1") or None
        body: dict[str, Any] = {}
        if token is None and scope["method"] == "POST":  # the key may be in the body
            body = await self._body(scope, receive)
            token = str(body.pop("api_key", "")) or None
        shown = f"{scope['method']} {way.template}"
        call = await run_in_threadpool(admit, self._app, token, way.permission, what=shown)
        if not body and scope["method"] == "POST" and key:
            body = await self._body(scope, receive)
        query = _query(scope["query_string"])
        asked = Asked(call, version, uuid, number, query, body)
        return await run_in_threadpool(way.answer, asked), ()

    async def _body(self, scope: Scope, receive: Receive) -> dict[str, Any]:
        raw = await read_body(receive, scope["headers"], limits=self._limits)
        found = strict_json(raw) if raw.strip() else {}
        if not isinstance(found, dict):
            raise Invalid("json validation error: value is not an object")
        return found


# -- lists and one ---------------------------------------------------------------------------------


def _list(asked: Asked) -> Reply:
    wanted = set(asked.query.get("tag", []))
    slug = asked.query.get("slug", [None])[0]
    hidden = asked.call.hidden("heartbeats.read")

    def look(tx: Tx) -> list[dict[str, Any]]:
        return [
            _told(tx, asked, beat)
            for beat in heartbeats.every(tx)
            if wanted <= set(beat.words.tags)
            and slug in (None, beat.name)
            and beat.service not in hidden
        ]

    return _reply({"checks": asked.call.read(look)})


def _get(asked: Asked) -> Reply:
    beat = _found(asked, "heartbeats.read")
    return _reply(asked.call.read(lambda tx: _told(tx, asked, beat)))


def _create(asked: Asked) -> Reply:
    spec = Spec.of(asked.body)
    known = asked.call.read(heartbeats.every)
    before = spec.same_as(known)
    if before is not None:
        return _applied(asked, before, spec)
    names = {beat.name: beat for beat in known}
    name = spec.slug or heartbeats.name_for(spec.name or "heartbeat", names)
    done = asked.call.act(commands.CreateHeartbeat(declared(spec, name)))
    return _one(asked, done.value, 201)


def _update(asked: Asked) -> Reply:
    beat = _found(asked, "heartbeats.edit")
    return _applied(asked, beat, Spec.of(asked.body))


def _applied(asked: Asked, beat: Beat, spec: Spec) -> Reply:
    done = asked.call.act(commands.ChangeHeartbeat(beat.id, applied(spec, beat)))
    return _one(asked, done.value, 200)


def _delete(asked: Asked) -> Reply:
    beat = _found(asked, "heartbeats.edit")
    told = asked.call.read(lambda tx: _told(tx, asked, beat))
    asked.call.act(commands.RemoveHeartbeat(beat.id))
    asked.call.app.wake.doors()
    return _reply(told)


def _pause(asked: Asked) -> Reply:
    """Paused, also when it was."""
    beat = _found(asked, "heartbeats.pause")
    if beat.status is not Status.PAUSED:
        beat = asked.call.act(commands.PauseHeartbeat(beat.id)).value
        asked.call.app.wake.settle()
    return _one(asked, beat, 200)


def _resume(asked: Asked) -> Reply:
    beat = _found(asked, "heartbeats.pause")
    return _one(asked, asked.call.act(commands.ResumeHeartbeat(beat.id)).value, 200)


def _one(asked: Asked, beat: Beat, status: int) -> Reply:
    asked.call.app.wake.doors()
    return _reply(asked.call.read(lambda tx: _told(tx, asked, beat)), status)


# -- history ---------------------------------------------------------------------------------------


def _pings(asked: Asked) -> Reply:
    beat = _found(asked, "heartbeats.read")
    found = asked.call.read(lambda tx: heartbeats.pings(tx, beat.id, limit=heartbeats.PINGS_KEPT))
    return _reply({"pings": [_told_ping(asked, one) for one in found]})


def _told_ping(asked: Asked, ping: Ping) -> dict[str, Any]:
    site = asked.call.app.settings.public_url.rstrip("/")
    path = f"{site}/api/v{asked.version}/checks/{asked.uuid}/pings/{ping.n}/body"
    words: dict[str, Any] = {
        "type": ping.kind, "date": _iso(from_us(ping.at_us)), "n": ping.n,
        "scheme": site.partition(":")[0], "remote_addr": ping.remote, "method": ping.method,
        "ua": ping.agent, "rid": ping.rid or None, "body_url": path if ping.body_n else None,
    }  # fmt: skip
    if ping.took_us is not None:
        words["duration"] = round(ping.took_us / 1e6, 2)
    return words


def _ping_body(asked: Asked) -> Reply:
    beat = _found(asked, "heartbeats.read")
    before = asked.number + 1
    found = asked.call.read(lambda tx: heartbeats.pings(tx, beat.id, limit=1, before=before))
    if not found or found[0].n != asked.number or not found[0].body:
        raise NotFound("not found")
    return Reply(200, found[0].body, "text/plain")


def _flips(asked: Asked) -> Reply:
    beat, now = _found(asked, "heartbeats.read"), asked.call.now
    seconds, start, end = (_number(asked, name) for name in ("seconds", "start", "end"))
    since = max(
        now - FLIPS_SINCE if seconds is None else now - timedelta(seconds=seconds),
        now - FLIPS_SINCE if start is None else from_us(start * 1_000_000),
    )
    until = now if end is None else from_us(end * 1_000_000)
    found = asked.call.read(lambda tx: heartbeats.flips(tx, beat.id, since=since, until=until))
    return _reply({"flips": [{"timestamp": _iso(at), "up": int(up)} for at, up in found]})


def _number(asked: Asked, name: str) -> int | None:
    text = asked.query.get(name, [None])[0]
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        raise Invalid(f"{name} is not a number of seconds")
    return int(text)


def _nothing(name: str, value: Any, asked: Asked) -> Reply:
    """What this stands in for has more; here it is the estate's."""
    return _reply({name: value})


WAYS: dict[str, dict[str, Way]] = {
    "checks": {
        "GET": Way("/checks/", "heartbeats.read", _list),
        "POST": Way("/checks/", PERMISSION[commands.CreateHeartbeat], _create),
    },
    "one": {
        "GET": Way("/checks/{uuid}", "heartbeats.read", _get),
        "POST": Way("/checks/{uuid}", PERMISSION[commands.ChangeHeartbeat], _update),
        "DELETE": Way("/checks/{uuid}", PERMISSION[commands.RemoveHeartbeat], _delete),
    },
    "pause": {
        "POST": Way("/checks/{uuid}/pause", PERMISSION[commands.PauseHeartbeat], _pause),
    },
    "resume": {
        "POST": Way("/checks/{uuid}/resume", PERMISSION[commands.ResumeHeartbeat], _resume),
    },
    "pings": {"GET": Way("/checks/{uuid}/pings/", "heartbeats.read", _pings)},
    "body": {"GET": Way("/checks/{uuid}/pings/{n}/body", "heartbeats.read", _ping_body)},
    "flips": {"GET": Way("/checks/{uuid}/flips/", "heartbeats.read", _flips)},
    "channels": {"GET": Way("/channels/", "heartbeats.read", partial(_nothing, "channels", []))},
    "badges": {"GET": Way("/badges/", "heartbeats.read", partial(_nothing, "badges", {}))},
}
"""Place → method → way in."""


# -- words -----------------------------------------------------------------------------------------


def _found(asked: Asked, permission: str) -> Beat:
    """The heartbeat of the UUID in the path. NotFound; Forbidden when it is another team's."""
    beat = asked.call.read(lambda tx: heartbeats.by_digest(tx, digest(asked.uuid)))
    if beat is None:
        raise NotFound("not found")
    if beat.service is not None:
        asked.call.require_services(permission, [beat.service], what="/api/v3/checks/{uuid}")
    return beat


def _told(tx: Tx, asked: Asked, beat: Beat) -> dict[str, Any]:
    ring = asked.call.app.ground.ring
    uuid = heartbeats.uuid_of(tx, beat, ring=ring, now=asked.call.now)
    site = asked.call.app.settings.public_url.rstrip("/")
    told = said(beat, now=asked.call.now, uuid=uuid, site=site, version=asked.version)
    if asked.call.actor.has("heartbeats.edit"):
        return told
    secret = ("uuid", "ping_url", "update_url", "pause_url", "resume_url", "channels")
    unique_key = hashlib.sha1(uuid.encode(), usedforsecurity=False).hexdigest()
    return {name: told[name] for name in told if name not in secret} | {"unique_key": unique_key}


def _iso(at: datetime) -> str:
    return at.isoformat()


def _query(words: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(words.decode("ascii"), max_num_fields=FIELDS_MAX)
    except ValueError:
        raise Invalid("the query cannot be read, or holds too many fields") from None


def _reply(value: Any, status: int = 200) -> Reply:
    return Reply(status, _json(value))


def _refusal(error: MainstayError) -> Reply:
    """`{"error": …}`, as Healthchecks' clients expect it."""
    words = error.sentence
    if isinstance(error, Unknown):
        words = f"wrong api key; {words}"
    if isinstance(error, Forbidden):
        words = f"not allowed; {words}"
    return _reply({"error": words}, status_of(error))


async def _plain(status: int, scope: Scope, receive: Receive, send: Send) -> None:
    words = "not found" if status == 404 else "not with this method"
    await send_reply(send, _reply({"error": words}, status))
