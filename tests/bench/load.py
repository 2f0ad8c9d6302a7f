"""A load generator: rendered requests over kept-alive connections, each waiting for its answer.

It runs in a process of its own, so that what it costs is not charged to the server.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

import uvloop


@dataclass(slots=True)
class Result:
    """What came back. Times in seconds, latencies per request."""

    elapsed_s: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)
    generator_cpu_s: float = 0.0


class Connection(asyncio.Protocol):
    """One connection: send, wait for the whole answer, send the next."""

    def __init__(self, requests: Iterator[bytes], result: Result, done: asyncio.Future) -> None:
        self._requests, self._result, self._done = requests, result, done
        self._buffer = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._began = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        length = 0
        at = head.find(b"content-length:")
        if at >= 0:
            stop = head.find(b"\r", at)
            length = int(head[at + 15 : stop if stop > 0 else None])
        if len(self._buffer) < end + 4 + length:
            return
        self._buffer = self._buffer[end + 4 + length :]
        self._result.latencies_s.append(time.perf_counter() - self._began)
        status = int(head[9:12])
        self._result.statuses[status] = self._result.statuses.get(status, 0) + 1
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or ConnectionResetError("the server hung up"))


async def send(base: str, requests: list[bytes], connections: int) -> Result:
    """Send every request over `connections`; each connection sends one at a time."""
    at = urlsplit(base)
    result, waiting = Result(), iter(requests)
    loop = asyncio.get_running_loop()
    began, cpu = time.perf_counter(), time.process_time()
    futures = []
    for _ in range(connections):
        done = loop.create_future()
        futures.append(done)
        await loop.create_connection(
            lambda done=done: Connection(waiting, result, done), at.hostname, at.port
        )
    await asyncio.gather(*futures)
    result.elapsed_s = time.perf_counter() - began
    result.generator_cpu_s = time.process_time() - cpu
    return result


def render(base: str, path: str, headers: dict[str, str], bodies: list[bytes]) -> list[bytes]:
    """Whole requests, ready to be written."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    host = urlsplit(base).netloc
    return [
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{lines}"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
        for body in bodies
    ]


def alert(n: int, service: str | None = None) -> dict[str, object]:
    """One of the distinct alerts that every run sends."""
    name, instance = f"Alert{n % 100}", f"host-{n:06d}"
    labels = {
        "alertname": name,
        "instance": instance,
        "severity": ("critical", "warning", "info")[n % 3],
        "job": f"svc{n % 50}",
        "id": f"a{n}",
    }
    if service is not None:
        labels["service"] = service
    words = {
        "summary": f"{name} on {instance}",
        "description": "latency above threshold for 5m",
    }
    return {"labels": labels, "annotations": words, "generatorURL": "http://127.0.0.1/graph"}


def bodies(total: int, batch: int, *, start: int = 0) -> list[bytes]:
    """`total` distinct alerts, `batch` a request."""
    return [
        json.dumps([alert(i) for i in range(at, min(at + batch, start + total))]).encode()
        for at in range(start, start + total, batch)
    ]


def main() -> None:
    """Read {base, path, headers, total, batch, start, connections} from stdin; print the result."""
    job = json.load(sys.stdin)
    requests = render(
        job["base"], job["path"], job["headers"],
        bodies(job["total"], job["batch"], start=job.get("start", 0)),
    )  # fmt: skip
    result = uvloop.run(send(job["base"], requests, job["connections"]))
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    main()
