"""What every request is counted and logged under: its route's template, never its path or query."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from mainstay.foundation.observe import logs
from mainstay.measures import Measures
from mainstay.web import Receive, Scope, Send

OTHER = "other"
"""The route of what is at no path of ours, and the method of what is no method: a client may make
up as many of both as it likes."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Counted:
    """The application, counted: one dict, one closure and two counters for each request."""

    def __init__(self, app: App, measures: Measures) -> None:
        self._app, self._measures = app, measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer it, and count it whatever comes of it."""
        if scope["type"] != "http":
            return
        ids: dict[str, str] = {}
        logs.begin(ids)
        begun, status = perf_counter(), 0

        async def noted(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            method = scope["method"] if scope["method"] in METHODS else OTHER
            route = ids.get("route", OTHER)
            self._measures.requests.add(method, route, str(status))
            self._measures.request_time.observe(perf_counter() - begun, method, route)
