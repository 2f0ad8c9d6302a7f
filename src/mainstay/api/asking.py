"""How a request to our own API is met: its token first, then its body, then whoever answers it.

A guarded route checks who asks and whether they may *before* it reads the body. What a body may
hold is checked strictly here; FastAPI's own reader answers 500 to half a surrogate pair.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from mainstay import people, signals
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Impossible, Invalid, MainstayError, Stuck, Unknown
from mainstay.foundation.limits import Limits
from mainstay.foundation.observe import logs
from mainstay.people import OPERATOR, Actor
from mainstay.runtime import Runtime
from mainstay.web import Call, full_disk, read_body, require

T = TypeVar("T")
PERMISSION = "x-permission"
"""The word in the OpenAPI document under which each route declares what it needs."""
TOKEN_IN_QUERY = "x-token-in-query"  # noqa: S105 (a name, no secret)
"""Set on the few routes that calendar programs call: they cannot send headers."""
_JSON_TYPES = ("application/json", "application/merge-patch+json")


def call_of(request: Request) -> Call:
    """The call that the guard has let through."""
    call: Call = request.state.call
    return call


async def _call(request: Request) -> Call:
    return call_of(request)


Asked = Annotated[Call, Depends(_call)]
"""The parameter of every route that wants to know who asks."""


class CheckedRequest(Request):
    """A request whose body is already read and known to be lawful JSON, or absent."""

    checked: bytes = b""
    value: Any = None

    async def body(self) -> bytes:
        """What was read."""
        return self.checked

    async def json(self) -> Any:
        """What was parsed."""
        return self.value


class GuardedRoute(APIRoute):
    """A route that declares a permission. Without one it cannot be made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        declared = (self.openapi_extra or {}).get(PERMISSION)
        if declared not in people.PERMISSIONS:
            raise Impossible(f"The route {self.path} declares no permission.")
        self.permission = str(declared)
        self.token_in_query = bool((self.openapi_extra or {}).get(TOKEN_IN_QUERY))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's, behind the guard."""
        answer = super().get_route_handler()
        known = {field.alias for field in self.dependant.query_params}

        async def guarded(request: Request) -> Response:
            app: Runtime = request.app.state.runtime
            limits: Limits = request.app.state.limits
            token = token_of(request.headers)
            if token is None and self.token_in_query:
                token = request.query_params.get("token")
            logs.learn(route=self.path)
            label = f"{request.method} {self.path}"
            call = await run_in_threadpool(admit, app, token, self.permission, what=label)
            _check_query(request, known)
            checked = CheckedRequest(request.scope, request.receive)
            checked.state.call = call
            checked.checked = await read_body(request.receive, request.headers.raw, limits=limits)
            if checked.checked:
                _check_type(request.headers.get("content-type", ""))
                checked.value = strict_json(checked.checked)
            try:
                return await answer(checked)
            except MainstayError as error:
                raise full_disk(error) from error

        return guarded


# -- who asks --------------------------------------------------------------------------------------


def token_of(headers: Mapping[str, str], path_token: str | None = None) -> str | None:
    """The API token: in the path, as Bearer, or as Basic with the token for password or user."""
    if path_token:
        return path_token
    scheme, _, words = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return words.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(words, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return password or user or None


def admit(app: Runtime, token: str | None, permission: str, *, what: str) -> Call:
    """The call of whoever holds `token`; Unknown or Forbidden otherwise. May wait: use a thread.

    `what` names the route by its template. A denied attempt is recorded.
    """
    now = app.clock.now()
    actor, stale = app.db.read(lambda tx: _actor(tx, app, token, now))
    if actor is None:
        raise Unknown(
            "No token, or none that is in force. Send `Authorization: Bearer mst_…`; "
            "`mainstay token create` makes one."
        )
    call = Call(app, actor, now)
    require(call, permission, what=what)
    if stale and actor.token_id is not None:
        token_id = actor.token_id
        with contextlib.suppress(Stuck):  # a full disk must not keep anybody from reading
            app.db.run(lambda tx: people.touch_token(tx, token_id, now=now))
    return call


def _actor(tx: Tx, app: Runtime, token: str | None, now: datetime) -> tuple[Actor | None, bool]:
    if not token:
        return None, False
    view = app.ground.views.current_or_empty(tx)
    known = {*view.estate.people, OPERATOR.id} if view.version else None
    actor = people.verify_token(tx, token, now=now, people=known)
    if actor is None or actor.token_id is None:
        return actor, False
    return actor, people.is_stale(tx, actor.token_id, now=now)


# -- what they ask ---------------------------------------------------------------------------------


def strict_json(body: bytes) -> Any:
    """The body as plain values. Invalid, with a pointer, for what no reader should guess at."""
    value = signals.json_tree(body)
    json.loads(body, object_pairs_hook=_without_doubles)  # its depth and numbers are checked
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Invalid(
                f"The key {key[:80]!r} stands twice in one object; leave one of them out."
            )
        found[key] = value
    return found


def _check_type(content_type: str) -> None:
    name, _, words = content_type.lower().partition(";")
    if name.strip() and name.strip() not in _JSON_TYPES:
        raise Invalid(
            f"The body is said to be {name.strip()[:80]!r}; send application/json.", http_status=415
        )
    signals.check_headers({"content-type": f"{name};{words}"})


def _check_query(request: Request, known: set[str]) -> None:
    for name in request.query_params:
        if name not in known:
            fits = ", ".join(sorted(known)) or "none"
            raise Invalid(f"There is no parameter {name[:80]!r} here; known: {fits}.")
