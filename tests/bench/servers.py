"""The two servers of a run, each as its users start it: Debian's Alertmanager and Mainstay."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ALERTMANAGER = """
route:
  {{receiver: r, group_by: [{group_by}], group_wait: {wait}, group_interval: {interval},
    repeat_interval: 4h}}
receivers: [{{name: r, webhook_configs: [{{url: '{hook}', send_resolved: false}}]}}]
"""
ESTATE = """
mainstay: 1
org: {name: Bench, timezone: UTC}
teams: {ops: {members: [ana]}}
people: {ana: {name: Ana}}
sources: {prometheus: {format: alertmanager, resolve_timeout: 4h}}
routes:
  - {match: {service: "~.+"}, to: "service:{service}"}
  - {to: service:unrouted}
escalations:
  fallback: [{after: 0m, notify: [person:ana]}]
services:
  unrouted: {tier: 1, owner: ops}
"""


@dataclass
class Server:
    """A running server, and how to speak to it."""

    name: str
    process: subprocess.Popen[bytes]
    base: str
    headers: dict[str, str] = field(default_factory=dict)
    operator: dict[str, str] = field(default_factory=dict)
    folder: Path = Path()

    def cost(self) -> tuple[float, float]:
        """(CPU seconds so far, resident MiB) of the process and its children."""
        cpu = memory = 0.0
        main = psutil.Process(self.process.pid)
        for process in [main, *main.children(recursive=True)]:
            times = process.cpu_times()
            cpu += times.user + times.system
            memory += process.memory_info().rss
        return cpu, memory / 2**20

    def get(self, path: str, *, timeout: float = 60) -> Any:
        """JSON of a GET, as an operator."""
        request = urllib.request.Request(self.base + path, headers=self.operator)
        with urllib.request.urlopen(request, timeout=timeout) as reply:
            return json.loads(reply.read())

    def post(self, path: str, words: Any) -> Any:
        """JSON of a POST, as an operator."""
        body = json.dumps(words).encode()
        headers = {**self.operator, "Content-Type": "application/json"}
        request = urllib.request.Request(self.base + path, body, headers, method="POST")
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.loads(reply.read() or b"null")


def free_port() -> int:
    """A port of the loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def alertmanager(folder: Path, hook: str, *, at_once: bool = False) -> Iterator[Server]:
    """Debian's, in memory as it is; with its usual grouping, or telling of each alert at once."""
    folder.mkdir(parents=True)
    group_by, wait, interval = ("'...'", "0s", "1s") if at_once else ("alertname", "30s", "5m")
    (folder / "am.yml").write_text(
        ALERTMANAGER.format(hook=hook, group_by=group_by, wait=wait, interval=interval)
    )
    base = f"http://127.0.0.1:{free_port()}"
    command = [
        "prometheus-alertmanager", f"--config.file={folder}/am.yml",
        f"--storage.path={folder}/data", f"--web.listen-address={base[7:]}",
        "--cluster.listen-address=", "--log.level=error",
    ]  # fmt: skip
    with _running("alertmanager", command, base, f"{base}/-/ready", folder) as server:
        yield server


@contextlib.contextmanager
def mainstay(folder: Path, hook: str, *, services: int = 0, database: str = "") -> Iterator[Server]:
    """Ours, every commit on the disk as always; ana's webhook is `hook`."""
    estate = folder / "estate"
    estate.mkdir(parents=True)
    more = "".join(f"  s{n}: {{tier: 1, owner: ops}}\n" for n in range(services))
    (estate / "estate.yaml").write_text(ESTATE + more)
    base = f"http://127.0.0.1:{free_port()}"
    command = [
        sys.executable, "-m", "mainstay", "serve", "--data", str(folder / "data"),
        "--listen", base[7:], "--estate", str(estate), "--allow-root",
    ]  # fmt: skip
    environment = {
        "MAINSTAY_EGRESS__ALLOW": hook.split("/")[2], "MAINSTAY_DATABASE": database,
    }  # fmt: skip
    with _running("mainstay", command, base, f"{base}/readyz", folder, environment) as server:
        token = json.loads((folder / "data" / "cli.json").read_text())["token"]
        server.operator = {"Authorization": f"Bearer {token}"}
        key = server.post("/mainstay/v1/keys", {"source": "prometheus"})["key"]
        server.headers = {"Authorization": f"Bearer {key}"}
        words = {"kind": "webhook", "address": hook}
        server.post("/mainstay/v1/people/ana/addresses", words)
        yield server


@contextlib.contextmanager
def _running(
    name: str, command: list[str], base: str, ready: str, folder: Path,
    environment: dict[str, str] | None = None,
) -> Iterator[Server]:  # fmt: skip
    log = (folder / "log").open("wb")
    env = {**os.environ, **(environment or {})}
    process = subprocess.Popen(
        command, stdout=log, stderr=log, start_new_session=True, env=env, cwd=folder
    )
    server = Server(name, process, base, folder=folder)
    try:
        _wait(ready, process, folder)
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(ready: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit((folder / "log").read_text())
        with contextlib.suppress(OSError, urllib.error.HTTPError):
            urllib.request.urlopen(ready, timeout=2)
            return
        time.sleep(0.05)
    raise SystemExit(f"{ready} does not answer:\n{(folder / 'log').read_text()}")
