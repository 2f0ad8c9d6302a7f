"""Who talks to a server that is killed: eight that send alerts, and one that takes incidents.

Each keeps what it was told in a ledger on the disk, synced before it goes on: the ledger is the
only witness of what was acknowledged, and it lives outside of what is killed.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from install import SERVICES, Install

WRITERS = 8
AWAY_S = 0.02
"""How long a client waits before it asks a server again that is not there."""


class Ledger:
    """What heard 2xx. Thread-safe; each line is synced to the disk."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()
        self.acknowledged: set[str] = set()
        """Alerts, by name."""
        self.acts: list[tuple[str, str]] = []
        """(incident, what was done to it)."""
        self.statuses: Counter[int] = Counter()

    def took(self, alert: str) -> None:
        with self._lock:
            self._keep(f"alert {alert}")
            self.acknowledged.add(alert)

    def did(self, incident: str, act: str) -> None:
        with self._lock:
            self._keep(f"{act} {incident}")
            self.acts.append((incident, act))

    def heard(self, status: int) -> None:
        with self._lock:
            self.statuses[status] += 1

    def _keep(self, line: str) -> None:
        os.write(self._file, f"{line}\n".encode())
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


@contextmanager
def clients(
    install: Install, ledger: Ledger, *, writers: int = WRITERS, beside: Sequence[Install] = (),
    pause_s: float = 0,
) -> Iterator[None]:  # fmt: skip
    """Eight writers, each waiting `pause_s` after a yes, and a person, until the block ends.

    `beside`: other nodes of the same install. Each begins with one of them, and goes on to the next
    when that does not say yes, as behind a load balancer.
    """
    stop = threading.Event()
    nodes = [install, *beside]

    def line(first: int, secret: str) -> Line:
        turn = first % len(nodes)
        return Line(install.port, secret, nodes=[*nodes[turn:], *nodes[:turn]])

    work: list[Callable[[], None]] = [
        lambda n=n: _write(n, install, line(n, install.key), ledger, stop, pause_s)  # type: ignore[misc]
        for n in range(writers)
    ]
    work.append(lambda: _attend(line(0, install.token), ledger, stop))
    threads = [threading.Thread(target=one, daemon=True) for one in work]
    with ExitStack() as ending:
        for thread in threads:
            thread.start()
            ending.callback(thread.join, 20)
        ending.callback(stop.set)
        yield


def alert(name: str, number: int, *, services: int = SERVICES) -> list[dict[str, Any]]:
    """One alert as Prometheus posts it."""
    labels = {"alertname": name, "service": f"s{number % services}", "severity": "critical"}
    return [{"labels": labels, "startsAt": "2026-01-01T00:00:00Z",
             "endsAt": "2099-01-01T00:00:00Z"}]  # fmt: skip


class Line:
    """A kept-alive connection that is made again whenever it breaks, to the next node."""

    def __init__(self, port: int, secret: str, *, nodes: Sequence[Install] = ()) -> None:
        """To this machine's `port`, or to the first of `nodes`."""
        self._places = [(node.host, node.port) for node in nodes] or [("127.0.0.1", port)]
        self._turn = 0
        self._headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Status and body; status 0 when there was no whole answer."""
        raw = None if body is None else json.dumps(body)
        try:
            if self._connection is None:
                host, port = self._places[self._turn % len(self._places)]
                self._connection = http.client.HTTPConnection(host, port, timeout=10)
            self._connection.request(method, path, raw, self._headers)
            answer = self._connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self._next()
            return 0, b""
        if answer.status >= 500:
            self._next()
        return answer.status, body

    def _next(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._turn += 1


def _write(
    writer: int, install: Install, line: Line, ledger: Ledger, stop: threading.Event, pause_s: float
) -> None:
    """Distinct alerts, one after the other; one without an answer is sent again until it has one."""
    number = 0
    while not stop.is_set():
        name = f"w{writer}n{number}"
        body = alert(name, writer + WRITERS * number, services=install.services)
        status, _ = line.ask("POST", "/api/v2/alerts", body)
        ledger.heard(status)
        if status == 200:
            ledger.took(name)
            number += 1
            stop.wait(pause_s)
        elif status == 0:
            stop.wait(AWAY_S)
        else:
            stop.wait(5 * AWAY_S)


def _attend(line: Line, ledger: Ledger, stop: threading.Event) -> None:
    """Takes the oldest of the newest incidents and, the next time round, resolves what it took."""
    mine = ""
    while not stop.is_set():
        if mine:
            status, _ = line.ask("POST", f"/mainstay/v1/incidents/{mine}/resolve", {})
            if status == 200:
                ledger.did(mine, "resolve")
            mine = "" if status else mine
        status, body = line.ask("GET", "/mainstay/v1/incidents?limit=20")
        found = json.loads(body)["items"] if status == 200 else []
        untaken = [one["name"] for one in found if one["acknowledged_by"] is None]
        if not untaken:
            stop.wait(5 * AWAY_S)
            continue
        status, _ = line.ask("POST", f"/mainstay/v1/incidents/{untaken[-1]}/acknowledge")
        if status == 200:
            ledger.did(untaken[-1], "acknowledge")
            mine = untaken[-1]
        stop.wait(AWAY_S)
