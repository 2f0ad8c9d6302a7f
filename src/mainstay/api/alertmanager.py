"""Alertmanager's API v2, so that amtool, Grafana and karma work against Mainstay unchanged.

Alerts are those that are open here, of every source; receivers are escalation policies; groups are
services. A token that may read alerts opens the lists, one that may silence opens silences; it
comes as Bearer, Basic, or in the path: `/k/{token}/api/v2/…`. Posting alerts is a door (`doors`).

A silence is named by a UUID there: the same 128 bits that stand behind our `sil_…`.
Source: Alertmanager 0.25, api/v2/openapi.yaml, and what it was seen to answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
import re2
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool

from mainstay import __version__, alerts, pipeline, signals
from mainstay.acts.commands import AddSilence, EndSilence
from mainstay.alerts import Alert, Matcher, Silence, fits_all
from mainstay.api.asking import admit, strict_json, token_of
from mainstay.api.doors import KEY_PREFIX
from mainstay.api.routes.shapes import When
from mainstay.estate import View
from mainstay.foundation.clock import text_of_us, to_text, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid, MainstayError, NotFound
from mainstay.foundation.ids import decode, encode
from mainstay.foundation.limits import Limits
from mainstay.runtime import Runtime
from mainstay.signals import Reply
from mainstay.web import (
    Answered,
    Call,
    Pieces,
    Receive,
    Respond,
    Scope,
    Send,
    answer,
    read_body,
    send_reply,
    status_of,
)

SPOKEN = "0.25.0"
"""Whose API this is: amtool warns of any other version than its own."""
AT_ONCE = 1_000
"""Alerts read and encoded in one go: about 30 ms of a thread, 300 kB on the wire."""
FILTERS_MAX = 50
ENDED_WITHIN = timedelta(days=5)
"""How long a silence that is over is still listed: Alertmanager's own default."""
UNTIL_TOLD = timedelta(hours=1)
"""`endsAt` of an alert that never expires by itself; the protocol has no word for never."""
_SILENCE = re.compile(r"/api/v2/silence/([^/]+)")
_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Question:
    """One request for something: who asks, the query, the body, the id in the path."""

    call: Call
    query: dict[str, list[str]]
    body: bytes
    id: str


@dataclass(frozen=True, slots=True)
class Way:
    """How one path is answered."""

    template: str
    permission: str
    answer: Callable[[Question], Any]


class PostedMatcher(BaseModel):
    """A matcher as Alertmanager writes it."""

    name: str
    value: str
    isRegex: bool
    isEqual: bool = True


class PostedSilence(BaseModel):
    """A silence as Alertmanager's clients post it; with `id` it replaces that one."""

    id: str | None = None
    matchers: list[PostedMatcher]
    startsAt: When
    endsAt: When
    createdBy: str
    comment: str


class Alertmanager:
    """The part of the application at `/api/v2/…` and `/-/…`."""

    def __init__(self, app: Runtime, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._started_at = app.clock.now()
        read, mute = "alerts.read", "alerts.silence"
        self._ways = {
            ("GET", "/api/v2/alerts"): Way("/api/v2/alerts", read, _alerts),
            ("GET", "/api/v2/alerts/groups"): Way("/api/v2/alerts/groups", read, _groups),
            ("GET", "/api/v2/status"): Way("/api/v2/status", read, self._status),
            ("GET", "/api/v2/receivers"): Way("/api/v2/receivers", read, _receivers),
            ("GET", "/api/v2/silences"): Way("/api/v2/silences", read, _silences),
            ("POST", "/api/v2/silences"): Way("/api/v2/silences", mute, _post_silence),
            ("GET", "/api/v2/silence/"): Way("/api/v2/silence/{id}", read, _silence),
            ("DELETE", "/api/v2/silence/"): Way("/api/v2/silence/{id}", mute, _end_silence),
        }

    def match(self, scope: Scope) -> Respond | None:
        """Who answers this path; another method at a path of ours is refused here too."""
        path: str = scope["path"]
        token = None
        if path.startswith(KEY_PREFIX):
            token, slash, rest = path[len(KEY_PREFIX) :].partition("/")
            path = slash + rest
        if path in ("/-/healthy", "/-/ready"):
            return _ok
        if not path.startswith("/api/v2/"):
            return None
        named = _SILENCE.fullmatch(path)
        place = "/api/v2/silence/" if named else path
        way = self._ways.get((scope["method"], place))
        if way is None:
            allowed = [method for method, known in self._ways if known == place]
            return partial(_no_way, allowed)
        return partial(self._respond, way, token, named[1] if named else "")

    async def _respond(
        self, way: Way, token: str | None, id: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        work = self._answered(way, token, id, scope, receive)
        await answer(send, work, refuse=_refusal, template=way.template)

    async def _answered(
        self, way: Way, token: str | None, id: str, scope: Scope, receive: Receive
    ) -> Answered:
        question = await self._question(way, token, id, scope, receive)
        value = await run_in_threadpool(way.answer, question)
        if isinstance(value, Pieces):
            return value, ()
        return Reply(200, b"" if value is None else _json(value)), ()

    async def _question(
        self, way: Way, token: str | None, id: str, scope: Scope, receive: Receive
    ) -> Question:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        shown = f"{scope['method']} {way.template}"
        call = await run_in_threadpool(
            admit, self._app, token_of(headers, token), way.permission, what=shown
        )
        body = await read_body(receive, scope["headers"], limits=self._limits)
        try:
            words = scope["query_string"].decode("ascii")
            query = parse_qs(words, max_num_fields=FILTERS_MAX + 10, keep_blank_values=True)
        except ValueError:
            raise Invalid("The query cannot be read, or holds too many fields.") from None
        return Question(call, query, body, id)

    def _status(self, question: Question) -> dict[str, Any]:
        names = ["mainstay", *question.call.view().estate.escalations]
        config = {"route": {"receiver": "mainstay"}, "receivers": [{"name": n} for n in names]}
        version = {"version": SPOKEN, "branch": "mainstay", "revision": __version__}
        version |= dict.fromkeys(("buildDate", "buildUser", "goVersion"), "")
        return {
            "cluster": {"status": "disabled", "peers": []},
            "config": {"original": json.dumps(config, indent=1)},
            "uptime": to_text(self._started_at),
            "versionInfo": version,
        }


# -- alerts ----------------------------------------------------------------------------------------


class Wanted:
    """Which alerts a query asks for."""

    def __init__(self, query: dict[str, list[str]]) -> None:
        """Invalid for a matcher, a flag or an expression that cannot be read."""
        self._matchers = _filters(query)
        flags = {n: _flag(query, n) for n in ("active", "silenced", "inhibited", "unprocessed")}
        self._active, self._silenced = flags["active"], flags["silenced"]
        self._receiver = _receiver(query)

    def fits(self, alert: Alert, receiver: str) -> bool:
        """Whether to list it. Nothing here is ever inhibited or unprocessed."""
        if not (self._active if alert.silence is None else self._silenced):
            return False
        if self._receiver is not None and self._receiver.fullmatch(receiver) is None:
            return False
        return not self._matchers or fits_all(self._matchers, alerts.matched_labels(alert))


def _alerts(question: Question) -> Pieces:
    """The list in pieces, so that 100,000 alerts never stand in memory at once."""
    wanted, view = Wanted(question.query), question.call.view()
    pieces = _pieces(_listed(question.call, wanted, view))
    return Pieces(next(pieces), pieces)


def _pieces(found: Iterator[list[tuple[Alert, bytes]]]) -> Iterator[bytes]:
    opening = b"["
    for batch in found:
        if batch:
            yield opening + b",".join([encoded for _, encoded in batch])
            opening = b","
    yield b"[]" if opening == b"[" else b"]"


def _groups(question: Question) -> list[dict[str, Any]]:
    """One group for each service."""
    wanted, view = Wanted(question.query), question.call.view()
    groups: dict[str, list[msgspec.Raw]] = {}
    for batch in _listed(question.call, wanted, view):
        for alert, encoded in batch:
            groups.setdefault(alert.service, []).append(msgspec.Raw(encoded))
    return [
        {
            "labels": {"service": service},
            "receiver": {"name": view.policy_of(service)},
            "alerts": found,
        }
        for service, found in sorted(groups.items())
    ]


def _listed(call: Call, wanted: Wanted, view: View) -> Iterator[list[tuple[Alert, bytes]]]:
    """Open alerts that are wanted, newest first, with their JSON."""
    before: tuple[int, str] | None = None
    hidden = call.hidden("alerts.read")
    ends = to_text(call.now + UNTIL_TOLD)
    while True:
        rows = call.read(partial(_page, before, hidden))
        yield [
            (row, _json(_shown(row, view.policy_of(row.service), ends)))
            for row in rows
            if wanted.fits(row, view.policy_of(row.service))
        ]
        if len(rows) < AT_ONCE:
            return
        before = (rows[-1].opened_at, rows[-1].id)


def _page(before: tuple[int, str] | None, hidden: frozenset[str], tx: Tx) -> list[Alert]:
    return alerts.page_open(tx, service=None, before=before, limit=AT_ONCE, hidden=hidden)


def _shown(alert: Alert, receiver: str, ends: str) -> dict[str, Any]:
    """A `gettableAlert`. Labels of other sources get ours, so that a silence made of them fits."""
    labels = alert.labels if "alertname" in alert.labels else alerts.matched_labels(alert)
    annotations = alert.annotations
    if "summary" not in annotations:
        annotations = {**annotations, "summary": alert.summary}
    muted = alert.silence is not None
    words: dict[str, Any] = {
        "annotations": annotations,
        "endsAt": text_of_us(alert.expires_at) or ends,
        "fingerprint": signals.fingerprint(labels),
        "receivers": [{"name": receiver}],
        "startsAt": text_of_us(alert.started_at),
        "status": {
            "inhibitedBy": [],
            "silencedBy": [uuid_of(alert.silence)] if alert.silence is not None else [],
            "state": "suppressed" if muted else "active",
        },
        "updatedAt": text_of_us(alert.last_at),
        "labels": labels,
    }
    if alert.url:
        words["generatorURL"] = alert.url
    return words


def _receivers(question: Question) -> list[dict[str, str]]:
    return [{"name": name} for name in question.call.view().estate.escalations]


# -- silences --------------------------------------------------------------------------------------


def uuid_of(silence: str) -> str:
    """`sil_…` as the UUID of the same 128 bits."""
    return str(UUID(int=decode(silence.removeprefix("sil_"))))


def silence_of(uuid: str) -> str:
    """The `sil_…` of a UUID. NotFound for a text that is none."""
    try:
        return f"sil_{encode(UUID(uuid).int)}"
    except ValueError:
        raise NotFound("silence not found") from None


def _silences(question: Question) -> list[dict[str, Any]]:
    matchers, now = _filters(question.query), question.call.now
    since = to_us(now - ENDED_WITHIN)
    found = question.call.read(lambda tx: alerts.silences(tx, ended_since_us=since))
    return [
        _shown_silence(one, now)
        for one in found
        if fits_all(matchers, {m.name: m.value for m in one.matchers})
    ]


def _silence(question: Question) -> dict[str, Any]:
    name = silence_of(question.id)
    found = question.call.read(lambda tx: alerts.get_silence(tx, name))
    if found is None:
        raise NotFound("silence not found")
    return _shown_silence(found, question.call.now)


def _post_silence(question: Question) -> dict[str, str]:
    """Make one. With the id of another: make the new one, then end the old, in one transaction."""
    call = question.call
    try:
        posted = PostedSilence.model_validate(strict_json(question.body))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise Invalid(f"{where} in body: {first['msg']}") from None
    command = AddSilence(
        matchers=tuple(_matcher(one) for one in posted.matchers),
        starts_at=max(posted.startsAt, call.now),
        ends_at=posted.endsAt,
        reason=posted.comment,
        author=posted.createdBy.strip() or None,
    )
    old = silence_of(posted.id) if posted.id else None
    made = call.app.db.run(lambda tx: _replace(tx, call, command, old))
    call.app.wake.deliver()
    return {"silenceID": uuid_of(made)}


def _replace(tx: Tx, call: Call, command: AddSilence, old: str | None) -> str:
    """The new silence's id. It is made before the old one ends, so that nothing speaks in between."""
    ground = call.app.ground
    standing = alerts.get_silence(tx, old) if old is not None else None
    if old is not None and standing is None:
        raise NotFound("silence not found")
    made = pipeline.act(tx, ground, command, actor=call.actor, now=call.now)
    if standing is not None and not _is_over(standing, call.now):
        pipeline.act(tx, ground, EndSilence(standing.id), actor=call.actor, now=call.now)
    return made.subject


def _end_silence(question: Question) -> None:
    question.call.act(EndSilence(silence_of(question.id)))


def _matcher(posted: PostedMatcher) -> Matcher:
    if posted.isRegex:
        return Matcher(posted.name, "=~" if posted.isEqual else "!~", posted.value)
    return Matcher(posted.name, "=" if posted.isEqual else "!=", posted.value)


def _is_over(silence: Silence, now: datetime) -> bool:
    return silence.ended_at is not None or silence.ends_at <= to_us(now)


def _shown_silence(silence: Silence, now: datetime) -> dict[str, Any]:
    state = "pending" if silence.starts_at > to_us(now) else "active"
    return {
        "id": uuid_of(silence.id),
        "status": {"state": "expired" if _is_over(silence, now) else state},
        "updatedAt": text_of_us(silence.ended_at or silence.created_at),
        "comment": silence.reason,
        "createdBy": silence.author,
        "startsAt": text_of_us(silence.starts_at),
        "endsAt": text_of_us(silence.ended_at or silence.ends_at),
        "matchers": [
            {
                "name": one.name,
                "value": one.value,
                "isRegex": one.op in ("=~", "!~"),
                "isEqual": one.op in ("=", "=~"),
            }
            for one in silence.matchers
        ],
    }


# -- the words of a query, and of an answer --------------------------------------------------------


def _filters(query: dict[str, list[str]]) -> tuple[Matcher, ...]:
    return tuple(alerts.parse(text) for text in query.get("filter", ()))


def _flag(query: dict[str, list[str]], name: str) -> bool:
    text = query.get(name, ["true"])[-1]
    if text not in ("true", "false"):
        raise Invalid(f"parameter {name} is true or false, not {text[:40]!r}")
    return text == "true"


def _receiver(query: dict[str, list[str]]) -> Any:
    """The compiled expression that `receiver` gives; RE2, so that it cannot run away."""
    if "receiver" not in query:
        return None
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(query["receiver"][-1], options)
    except re2.error:
        raise Invalid("failed to parse receiver param: no regular expression (RE2)") from None


def _refusal(error: MainstayError) -> Reply:
    """A JSON text where the words were wrong, {code, message} for the rest: as Alertmanager does."""
    status = status_of(error)
    if status in (400, 404, 409):
        return Reply(status if status != 409 else 404, _json(error.sentence))
    return Reply(status, _json({"code": status, "message": error.sentence}))


async def _ok(scope: Scope, receive: Receive, send: Send) -> None:
    await send_reply(send, Reply(200, b"OK", "text/plain; charset=utf-8"))


async def _no_way(allowed: list[str], scope: Scope, receive: Receive, send: Send) -> None:
    if not allowed:
        words = {"code": 404, "message": "path not found"}
        await send_reply(send, Reply(404, _json(words)))
        return
    words = {"code": 405, "message": f"method {scope['method']} is not allowed here"}
    await send_reply(send, Reply(405, _json(words)), (b"allow", ", ".join(allowed).encode()))
