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
from collections.abc import Callable, Iterator
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
def clients(install: Install, ledger: Ledger, *, writers: int = WRITERS) -> Iterator[None]:
    """Eight writers and a person, until the block ends."""
    stop = threading.Event()
    work: list[Callable[[], None]] = [
        lambda n=n: _write(n, install, ledger, stop)  # type: ignore[misc]
        for n in range(writers)
    ]
    work.append(lambda: _attend(install, ledger, stop))
    threads = [threading.Thread(target=one, daemon=True) for one in work]
    with ExitStack() as ending:
        for thread in threads:
            thread.start()
            ending.callback(thread.join, 20)
        ending.callback(stop.set)
        yield


def alert(name: str, number: int) -> list[dict[str, Any]]:
    """One alert as Prometheus posts it."""
    labels = {"alertname": name, "service": f"s{number % SERVICES}", "severity": "critical"}
    return [{"labels": labels, "startsAt": "2026-01-01T00:00:00Z",
             "endsAt": "2099-01-01T00:00:00Z"}]  # fmt: skip


class Line:
    """A kept-alive connection that is made again whenever it breaks."""

    def __init__(self, port: int, secret: str) -> None:
        self._port = port
        self._headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Status and body; status 0 when there was no whole answer."""
        raw = None if body is None else json.dumps(body)
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
            self._connection.request(method, path, raw, self._headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self._connection = None
            return 0, b""


def _write(writer: int, install: Install, ledger: Ledger, stop: threading.Event) -> None:
    """Distinct alerts, one after the other; one without an answer is sent again until it has one."""
    line, number = Line(install.port, install.key), 0
    while not stop.is_set():
        name = f"w{writer}n{number}"
        status, _ = line.ask("POST", "/api/v2/alerts", alert(name, writer + number))
        ledger.heard(status)
        if status == 200:
            ledger.took(name)
            number += 1
        elif status == 0:
            stop.wait(AWAY_S)
        else:
            stop.wait(5 * AWAY_S)


def _attend(install: Install, ledger: Ledger, stop: threading.Event) -> None:
    """Takes the oldest of the newest incidents and, the next time round, resolves what it took."""
    line, mine = Line(install.port, install.token), ""
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
