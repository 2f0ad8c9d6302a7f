"""The console as one part of the application: finds the screen, passes the gate, adds the headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from inspect import iscoroutinefunction
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import compile_path

from mainstay.console.answering import show
from mainstay.console.desk.asking import Offer
from mainstay.console.desk.serving import offer_after
from mainstay.console.gate import Screen, Visit, enter
from mainstay.console.kit import make_kit
from mainstay.console.screens import SCREENS
from mainstay.console.sso import make_provider
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import MainstayError, NotFound, Refused
from mainstay.foundation.limits import Limits
from mainstay.runtime import Runtime
from mainstay.signin import Origin
from mainstay.web import Receive, Respond, Scope, Send, more_headers, outcome, status_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; manifest-src 'self'; worker-src 'self'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    # Not no-referrer: with that, a browser sends `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""On every answer of the console; an answer may set its own cache-control."""
HSTS = "max-age=31536000"
_NOT_OURS = ("/mainstay/", "/api/", "/openapi.json", "/livez", "/readyz", "/ping/")


class Console:
    """Every screen of `SCREENS`, by its path."""

    def __init__(self, app: Runtime, limits: Limits, *, environment: Mapping[str, str]) -> None:
        """Invalid when single sign-on is set and cannot be."""
        self._app = app
        self._limits = limits
        sso = make_provider(app.settings, environment=environment, clock=app.clock)
        self._kit = make_kit(app, sso)
        self._headers = dict(HEADERS)
        if app.settings.public_url.startswith("https:"):
            self._headers["strict-transport-security"] = HSTS
        paths: dict[str, list[Screen]] = {}
        for screen in SCREENS:
            paths.setdefault(screen.path, []).append(screen)
        self._paths: list[tuple[re.Pattern[str], dict[str, Any], list[Screen]]] = [
            (*compile_path(path)[::2], screens) for path, screens in paths.items()
        ]

    def end(self) -> None:
        """The server ends: no stream stays open."""
        self._kit.watcher.end()

    def match(self, scope: Scope) -> Respond | None:
        """Who answers this path. A browser that asks for what is not there reads a screen too."""
        for pattern, convertors, screens in self._paths:
            found = pattern.match(scope["path"])
            if found is not None:
                values = found.groupdict().items()
                scope["path_params"] = {name: convertors[name].convert(v) for name, v in values}
                method = "GET" if scope["method"] == "HEAD" else scope["method"]
                screen = next((one for one in screens if one.method == method), None)
                if screen is None:
                    return partial(self._not_so, [one.method for one in screens])
                return partial(self._answer, screen)
        accepts = next((v for k, v in scope["headers"] if k == b"accept"), b"")
        if b"text/html" in accepts and not scope["path"].startswith(_NOT_OURS):
            return self._nothing
        return None

    async def _answer(self, screen: Screen, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        template = f"{screen.method} {screen.path}"
        got = await outcome(self._work(screen, request), template=template)
        if isinstance(got, MainstayError):
            got = await run_in_threadpool(self._refusal, request, got)
        await self._send(got, scope, receive, send)

    async def _work(self, screen: Screen, request: Request) -> Response:
        visit = await enter(self._app, self._kit, self._limits, screen, request)
        if isinstance(visit, Response):
            return visit
        if iscoroutinefunction(screen.run):
            response: Response = await screen.run(visit)
            return response
        return await run_in_threadpool(screen.run, visit)

    async def _nothing(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = NotFound("There is no screen at this address.")
        response = await run_in_threadpool(self._refusal, Request(scope, receive), error)
        await self._send(response, scope, receive, send)

    async def _not_so(self, methods: list[str], scope: Scope, receive: Receive, send: Send) -> None:
        allow = {"allow": ", ".join(methods)}
        response = PlainTextResponse("Not with this method.", 405, headers=allow)
        await self._send(response, scope, receive, send)

    def _refusal(self, request: Request, error: MainstayError) -> Response:
        """What went wrong, as a screen."""
        visit: Visit | None = getattr(request.state, "visit", None)
        if visit is not None and not visit.is_part and isinstance(error, Refused):
            offer = self._app.db.read(partial(_offered, visit, error))
            words = {"error": error, "offer": offer}
            response = show(visit, "refused_inside.html", status=status_of(error), **words)
        else:
            visit = Visit(self._app, self._kit, request, self._app.clock.now(), Origin("unknown"))
            response = show(visit, "refused.html", status=status_of(error), error=error)
        for name, value in more_headers(error):
            if name != b"www-authenticate":
                response.headers[name.decode()] = value.decode()
        return response

    async def _send(self, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
        for name, value in self._headers.items():
            response.headers.setdefault(name, value)
        await response(scope, receive, send)


def _offered(visit: Visit, error: MainstayError, tx: Tx) -> Offer | None:
    return offer_after(visit, tx, error)
