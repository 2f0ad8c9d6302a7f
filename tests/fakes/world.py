"""A small world of providers, on real sockets: what pages reach, and what can go wrong there.

    with World() as world:
        slack = world.provider("slack")          # an HTTP server on a port of its own
        slack.then(Status(429, retry_after="7"), RESET)   # the next two requests; then it works
        …
        hit = slack.wait(1)[0]                   # journal, in order of arrival

The journal is the only witness of what was delivered: it is written before the answer leaves, and
also when the answer never leaves. Nothing here imports Mainstay.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Hit:
    """One request that arrived."""

    at: float
    """time.monotonic() when its last byte had come."""
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def key(self) -> str | None:
        """The idempotency key that it came under."""
        return self.headers.get("idempotency-key")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True)
class Status:
    """An answer with this status."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    retry_after: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def wire(self) -> bytes:
        lines = [
            f"HTTP/1.1 {self.status} X",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
        ]
        if self.retry_after is not None:
            lines.append(f"Retry-After: {self.retry_after}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(frozen=True)
class Raw:
    """These bytes, then the end of the connection."""

    data: bytes


RESET = "reset"
"""Takes the request, then resets the connection."""
CLOSE = "close"
"""Takes the request, then closes without a word."""
NEVER = "never"
"""Takes the request and never answers."""
Fault = Status | Raw | str
Works = Callable[[Hit], Status]


def _ok(hit: Hit) -> Status:
    return Status(200, b"ok", "text/plain")


def _ntfy(hit: Hit) -> Status:
    return Status(200, json.dumps({"id": "msg-1", "event": "message"}).encode())


def _twilio(hit: Hit) -> Status:
    answer = {"sid": "SM0001", "status": "queued", "error_code": None, "error_message": None}
    return Status(201, json.dumps(answer).encode())


def _webhook(hit: Hit) -> Status:
    return Status(204)


def _push(hit: Hit) -> Status:
    return Status(201, headers={"Location": "https://push.example/message/secret-receipt"})


WORKS: dict[str, Works] = {
    "slack": _ok,
    "ntfy": _ntfy,
    "sms": _twilio,
    "webhook": _webhook,
    "push": _push,
}


class Provider:
    """One HTTP server with a journal and a script of faults."""

    def __init__(self, kind: str, host: str, works: Works) -> None:
        self.kind = kind
        self.host = host
        self.port = 0
        self.scheme = "http"
        self.connections = 0
        """Ever accepted."""
        self.works = works
        self.thinks_s = 0.0
        """How long it takes over each answer, as a real one does."""
        self.always: Fault | None = None
        """Set: every request meets this fault."""
        self._script: deque[Fault] = deque()
        self._hits: list[Hit] = []
        self._changed = threading.Condition()

    @property
    def at(self) -> str:
        """`host:port`, as `egress.allow` wants it."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.at}"

    @property
    def hits(self) -> list[Hit]:
        with self._changed:
            return list(self._hits)

    def then(self, *faults: Fault) -> None:
        """What the next requests meet, one each."""
        self._script.extend(faults)

    def wait(self, count: int, within_s: float = 10.0) -> list[Hit]:
        """The journal, as soon as it holds `count` hits."""
        with self._changed:
            come = self._changed.wait_for(lambda: len(self._hits) >= count, within_s)
            assert come, f"{self.kind}: {len(self._hits)} of {count} requests within {within_s} s"
            return list(self._hits)

    def answer(self, hit: Hit) -> Fault:
        with self._changed:
            self._hits.append(hit)
            self._changed.notify_all()
            if self.always is not None:
                return self.always
            return self._script.popleft() if self._script else self.works(hit)


class World:
    """Every provider, on one event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="world", daemon=True)
        self._servers: list[asyncio.Server] = []
        self.providers: list[Provider] = []

    def __enter__(self) -> World:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def provider(
        self,
        kind: str = "webhook",
        *,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
        works: Works | None = None,
    ) -> Provider:
        """A new provider on a free port; `works` replaces what the kind answers when well."""
        provider = Provider(kind, host, works or WORKS[kind])
        provider.scheme = "https" if tls else "http"
        self._run(self._open(provider, tls))
        self.providers.append(provider)
        return provider

    def _run(self, work: Any) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(30)

    async def _open(self, provider: Provider, tls: ssl.SSLContext | None) -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await _talk(provider, reader, writer)
            writer.close()

        server = await asyncio.start_server(talk, provider.host, 0, ssl=tls)
        provider.port = server.sockets[0].getsockname()[1]
        self._servers.append(server)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        mine = asyncio.current_task()
        rest = [task for task in asyncio.all_tasks() if task is not mine]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


async def _talk(
    provider: Provider, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    provider.connections += 1
    while True:
        hit = await _request(reader)
        fault = provider.answer(hit)
        if provider.thinks_s:
            await asyncio.wait([asyncio.Future()], timeout=provider.thinks_s)
        match fault:
            case Status():
                writer.write(fault.wire())
                await writer.drain()
            case Raw(data):
                writer.write(data)
                await writer.drain()
                return
            case "never":
                await reader.read()  # until the other side, or the world, gives up
                return
            case "reset":
                _reset(writer)
                return
            case _:
                return


async def _request(reader: asyncio.StreamReader) -> Hit:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Hit(time.monotonic(), method, path, headers, body)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, as a crashed peer or a firewall does."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
