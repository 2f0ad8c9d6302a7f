"""The listening server: uvicorn in our process, with the patience of PROMISES P16 and no more.

uvicorn bounds only the pause between two requests. Our protocol class adds the rest at nearly no
cost: each connection notes until when its client must have done what we wait for (a float), and
the server's own tick, ten times a second, looks over all of them. No timer is made per request.

A connection waits for its client while it is idle, while headers come and while a body comes;
then `due` is a number. While the application works, `due` is infinite.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import resource
import socket
from collections.abc import Awaitable, Callable
from enum import Enum
from functools import partial
from math import inf
from typing import Any, assert_never, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mainstay.foundation.errors import Conflict, Invalid
from mainstay.foundation.limits import Limits

App = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI 3 application."""

BACKLOG = 2048
TICK_S = 0.1
"""uvicorn's own period between two looks at its connections."""
SHUTDOWN_S = 10
"""How long requests under way may take to finish after the order to stop."""
LINGER_S = 2.0
"""How long we go on reading a body that we have already refused, so that the client sees why."""
FILES_BESIDE = 128
"""Open files that the rest of the program needs beside the connections."""
_TITLES = {
    400: "This is not HTTP that we can read",
    408: "The request took too long to arrive",
    431: "The headers are too large",
    503: "Too many connections",
}


_PROBLEM = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]


def make_server(
    app: App,
    *,
    host: str,
    port: int,
    limits: Limits,
    sock: socket.socket | None = None,
    at_end: Callable[[], None] = lambda: None,
    ticked: Callable[[float], None] = lambda late_s: None,
) -> Server:
    """A server that holds its port already; `await server.serve()` runs it until `should_exit`.

    `port` 0 takes a free one (`server.port` tells which). `Conflict` when the port is taken,
    `Invalid` when the host is not ours. A given `sock` (bound) is used as it is. `at_end` is called
    when the server begins to stop: what streams must end its streams then, or they are waited for.
    `ticked` is told how late each of the server's ticks came, in seconds.
    """
    listener = sock or _bind(host, port)
    limits_held = _within_open_files(limits)
    config = uvicorn.Config(
        cast(Any, app),
        http=cast(Any, partial(Door, limits=limits_held)),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    return Server(config, listener, at_end, ticked)


class Server(uvicorn.Server):
    """uvicorn's server on a socket of our own, looking over its connections at each tick."""

    def __init__(
        self, config: uvicorn.Config, listener: socket.socket, at_end: Callable[[], None],
        ticked: Callable[[float], None],
    ) -> None:  # fmt: skip
        super().__init__(config)
        self._ticked = ticked
        self._ticked_at: float | None = None
        self.listener = listener
        self.at_end = at_end
        self.port: int = listener.getsockname()[1]

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen until `should_exit` is set or a signal comes; then finish what is under way."""
        await super().serve(sockets or [self.listener])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """No new requests; streams end; what is under way is finished."""
        self.at_end()
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        """uvicorn's tick, every 0.1 s."""
        now = asyncio.get_running_loop().time()
        if self._ticked_at is not None:
            self._ticked(max(0.0, now - self._ticked_at - TICK_S))
        self._ticked_at = now
        for connection in list(self.server_state.connections):
            if isinstance(connection, Door) and connection.due <= now:
                connection.overdue(now)
        return await super().on_tick(counter)


class Phase(Enum):
    """What of a request we hold, when we hold only a part of it."""

    NONE = "none"
    HEAD = "head"
    BODY = "body"


class Door(HttpToolsProtocol):
    """One connection, with its limits.

    A request that comes whole in one piece, as nearly all do, costs one comparison; only what
    comes in parts is looked at closely (`_came_in_part`). uvicorn makes a new `scope` when a
    request begins, and a new `cycle` for that scope when its headers are whole.
    """

    def __init__(self, *args: Any, limits: Limits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limits = limits
        self.head_bytes_max = limits.header_bytes
        self.due = inf
        """On the loop's clock: until when the client must have done what we wait for."""
        self.since = 0.0
        """On the loop's clock: since when we wait for the client."""
        self.phase = Phase.HEAD
        self.phase_scope: object = None
        """Whose part it is; None before the first byte of a connection."""
        self.head_bytes = 0
        """Received of headers that are not whole yet."""
        self.unread_bytes = inf
        """Of our answer, when we last ran out of patience: a slow reader must get on."""

    # -- a connection's life -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(self.limits.header_s)
        if len(self.connections) > self.limits.connections and not self._make_room():
            self.refuse(503, b"retry-after: 1\r\n")

    def data_received(self, data: bytes) -> None:
        before, size = self.cycle, len(data)
        if size + self.head_bytes > self.head_bytes_max:
            app, self.app = self.app, self._measured(self.app)
            HttpToolsProtocol.data_received(self, data)
            self.app = app
        else:
            HttpToolsProtocol.data_received(self, data)
        cycle = self.cycle
        if cycle is None or cycle.more_body or cycle.scope is not self.scope:
            self._came_in_part(size, before)
            return
        if self.phase is not Phase.NONE:
            self.phase = Phase.NONE
            self.head_bytes = 0
        if not cycle.response_complete:
            self.due = inf

    def on_response_complete(self) -> None:
        """As uvicorn's, but idle time needs no timer: `due` holds it."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._wait(LINGER_S)  # what is written must also be read
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self.phase is Phase.NONE:
            self._wait(self.limits.idle_s)
        elif self.phase is Phase.BODY:
            self.due = min(self.due, self.loop.time() + LINGER_S)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.unread_bytes = inf
        self._wait(self.limits.body_s)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.phase is not Phase.NONE:
            self._wait(self.limits.body_s)
        elif self.cycle.response_complete:
            self._wait(self.limits.idle_s)
        else:
            self.due = inf

    # -- patience ------------------------------------------------------------------------------

    def overdue(self, now: float) -> None:
        """The client has let us wait too long: say so where it can be heard, and hang up."""
        unread = self.transport.get_write_buffer_size()
        if 0 < unread < self.unread_bytes:
            self.unread_bytes = unread
            self.due = now + self.limits.idle_s
        elif unread or self.transport.is_closing():
            self.transport.abort()
        elif self.flow.read_paused:
            self.due = now + self.limits.body_s  # it is we who do not read
        elif self._is_owed_an_answer():
            self.refuse(408)
        else:
            self.transport.close()
            self._wait(LINGER_S)

    def _is_owed_an_answer(self) -> bool:
        match self.phase:
            case Phase.HEAD:
                free = self.cycle is None or self.cycle.response_complete
                return free and self.phase_scope is not None
            case Phase.BODY:
                return not self.cycle.response_started
            case Phase.NONE:
                return False
        assert_never(self.phase)

    def _came_in_part(self, size: int, before: object) -> None:
        """Note what part we hold, and start its time when it is a new one."""
        if self.cycle is not None and self.cycle.scope is self.scope:
            if self.phase is not Phase.BODY or self.phase_scope is not self.scope:
                self.phase, self.phase_scope, self.head_bytes = Phase.BODY, self.scope, 0
                self._wait(self.limits.body_s)
            return
        # Behind the end of another request, nobody knows how much of `size` belongs to this one.
        alone = self.cycle is before and self.phase is not Phase.BODY
        known = self.phase_scope is None or self.phase_scope is self.scope
        if alone and known and self.phase is Phase.HEAD:
            self.phase_scope = self.scope
            self.head_bytes += size
        else:
            self.phase, self.phase_scope = Phase.HEAD, self.scope
            self.head_bytes = size if alone else 0
            self._wait(self.limits.header_s)
        if self.head_bytes > self.head_bytes_max:
            self.refuse(431)

    def refuse(self, status: int, more: bytes = b"") -> None:
        """Answer without the application, and close."""
        if self.transport.is_closing():
            return
        title = _TITLES[status]
        body = _problem(status)
        self.transport.write(
            b"HTTP/1.1 %d %s\r\n" % (status, title.encode())
            + b"content-type: application/problem+json\r\ncontent-length: %d\r\n" % len(body)
            + more
            + b"connection: close\r\n\r\n"
            + body
        )
        self.transport.close()
        self._wait(LINGER_S)

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls when the parser gives up."""
        self.refuse(400)

    def _unsupported_upgrade_warning(self) -> None:
        """A client may ask for what we do not speak; that is no line in the log."""

    def _wait(self, span_s: float) -> None:
        self.since = now = self.loop.time()
        self.due = now + span_s

    def _make_room(self) -> bool:
        """Hang up on the connection that has let us wait longest; False when all are at work."""
        oldest: Door | None = None
        for other in self.connections:
            if other is self or not isinstance(other, Door) or other.due == inf:
                continue
            if oldest is None or other.since < oldest.since:
                oldest = other
        if oldest is None:
            return False
        oldest.transport.abort()
        # asyncio tells it only in its next turn, and the next newcomer may come in this one.
        self.connections.discard(oldest)
        return True

    def _measured(self, app: Any) -> App:
        """`app` behind a look at its headers: so much has come that they may be too large."""

        async def measured(scope: Any, receive: Any, send: Any) -> None:
            lines = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
            if len(scope["raw_path"]) + len(scope["query_string"]) + lines > self.head_bytes_max:
                body = _problem(431)
                headers = [*_PROBLEM, (b"content-length", b"%d" % len(body))]
                await send({"type": "http.response.start", "status": 431, "headers": headers})
                await send({"type": "http.response.body", "body": body})
            else:
                await app(scope, receive, send)

        return measured


def _problem(status: int) -> bytes:
    """RFC 9457."""
    return json.dumps({"type": "about:blank", "title": _TITLES[status], "status": status}).encode()


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Invalid(f"Cannot listen on {host}: it is no address of this machine.") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise Conflict(
            f"Cannot listen on {host} port {port}: {(error.strerror or str(error)).lower()}. "
            "Is another Mainstay running? Otherwise choose another port."
        ) from error
    return listener


def _within_open_files(limits: Limits) -> Limits:
    """Make room for the connections in the process's open files; where that fails, take fewer."""
    wanted = limits.connections + FILES_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < wanted:
            return dataclasses.replace(limits, connections=max(soft - FILES_BESIDE, 1))
    return limits
