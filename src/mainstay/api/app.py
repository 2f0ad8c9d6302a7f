"""The whole of HTTP as one ASGI application: signal doors first, then the rest, then our own API."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from functools import cache
from threading import Lock
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from mainstay import __version__
from mainstay.api.alertmanager import Alertmanager
from mainstay.api.asking import GuardedRoute
from mainstay.api.beats import Management, Pings
from mainstay.api.doors import Doors
from mainstay.api.health import Counted, Health, Metrics
from mainstay.api.links import Links
from mainstay.api.openapi import document, invalid_request
from mainstay.api.routes import PREFIX, ROUTES
from mainstay.api.server import App
from mainstay.foundation.errors import Broken, Invalid, MainstayError, NotFound, Refused
from mainstay.foundation.limits import Limits
from mainstay.foundation.observe import logs
from mainstay.runtime import Runtime
from mainstay.signals import Reply
from mainstay.web import (
    JSON,
    SAFE,
    Part,
    Receive,
    Scope,
    Send,
    full_disk,
    more_headers,
    problem,
)

log = logging.getLogger("mainstay.api")


def make_app(
    app: Runtime,
    *,
    environment: Mapping[str, str] = MappingProxyType({}),
    beside: tuple[Part, ...] = (),
) -> App:
    """Everything that Mainstay answers over HTTP. `environment`: where `env:` references point.

    `beside`: further parts, such as the console; what none of them wants is asked of our own API.
    """
    limits = limits_of(app)
    doors = Doors(app, limits)
    parts: tuple[Part, ...] = (
        doors, Pings(app, limits), Management(app, limits), Alertmanager(app, limits), Links(app, limits, environment),
        Health(app, doors.knock), Metrics(app), *beside,
    )  # fmt: skip
    own = _own_api(app, limits)

    async def whole(scope: Scope, receive: Receive, send: Send) -> None:
        for part in parts:
            found = part.match(scope)
            if found is not None:
                await found(scope, receive, send)
                return
        request = app.ground.ids.new("req", app.clock.now())
        logs.learn(request=request)
        await own(scope, receive, send)

    return Counted(whole, app.measures)


def limits_of(app: Runtime) -> Limits:
    """The limits of the settings, as every door holds them."""
    return Limits(**app.settings.limits.model_dump())


def _own_api(app: Runtime, limits: Limits) -> App:
    """FastAPI, made from the one route table; its own documentation screens are off."""
    api = FastAPI(
        title="Mainstay", version=__version__, docs_url=None, redoc_url=None, openapi_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )  # fmt: skip
    api.state.runtime, api.state.limits = app, limits
    api.state.started_at = app.clock.now()
    for route in ROUTES:
        api.router.add_api_route(
            PREFIX + route.path,
            route.run,
            methods=[route.method],
            status_code=route.status,
            response_model=route.answer,
            openapi_extra=route.declared(),
            route_class_override=GuardedRoute,
            **route.words(),
        )
    words, turn = cache(lambda: document(api)), Lock()  # a quarter of a second: not at each start

    def openapi(request: Request) -> Response:
        with turn:
            return _response(Reply(200, words(), JSON))

    api.add_route("/openapi.json", openapi, methods=["GET"])
    api.add_exception_handler(MainstayError, _refuse)
    api.add_exception_handler(RequestValidationError, _refuse_words)
    api.add_exception_handler(HTTPException, _refuse_plain)
    api.add_exception_handler(Exception, _break)
    return _Safe(api)


class _Safe:
    """Adds the headers of `SAFE` to what FastAPI answers."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                have = {name for name, _ in message["headers"]}
                message["headers"] += [one for one in SAFE if one[0] not in have]
            await send(message)

        # Starlette raises again what `_break` has logged and answered.
        with contextlib.suppress(Exception):
            await self.app(scope, receive, with_headers)


def _response(reply: Reply, *headers: tuple[bytes, bytes]) -> Response:
    named = {name.decode(): value.decode() for name, value in headers}
    return Response(reply.body, reply.status, named, media_type=reply.content_type)


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, MainstayError)
    error = full_disk(error)
    if not isinstance(error, Refused):
        log.error("%s: %s", _template(request), error.sentence, exc_info=error)
    return _response(problem(error), *more_headers(error))


async def _refuse_words(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _response(problem(invalid_request(error)))


async def _refuse_plain(request: Request, error: Exception) -> Response:
    """What the router says: no such path, or not with this method."""
    assert isinstance(error, HTTPException)
    if error.status_code != 405:
        words = "There is nothing at this path; /openapi.json lists what there is."
        return _response(problem(NotFound(words)))
    refused = Invalid(f"This path does not take {request.method}.", http_status=405)
    allowed = ", ".join(_methods_at(request))
    return _response(problem(refused), (b"allow", allowed.encode()))


def _methods_at(request: Request) -> list[str]:
    """Every method that the path of a request takes; Starlette names only its first route's."""
    routes = request.app.routes
    here = [one for one in routes if one.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for one in here for method in one.methods or ()})


async def _break(request: Request, error: Exception) -> Response:
    """We are wrong. Starlette has logged nothing yet: the log gets the template and the trace."""
    log.error("%s failed", _template(request), exc_info=error)
    return _response(problem(Broken("Mainstay failed at this request; its log says why.")))


def _template(request: Request) -> str:
    """The route as declared: never the path or the query, which may hold a secret."""
    route = request.scope.get("route")
    return f"{request.method} {getattr(route, 'path', '(no route)')}"
