"""Real programs to test against: Debian's prometheus, prometheus-alertmanager and amtool.

Each runs unmodified on a free loopback port, in a temporary folder and a process group of its
own, and is stopped by its id. A configuration is given as a dict: JSON is YAML.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest

READY_WITHIN_S = 20
STOP_WITHIN_S = 10
LOOK_EVERY_S = 0.05
PORTS = (10_240, 32_000)
"""Registered ports. The kernel gives its own from 32,768 up (`ip_local_port_range`)."""
NEEDED = frozenset(
    {"prometheus", "promtool", "alertmanager", "amtool", "with_history", "victoria_metrics"}
)
Config = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Peer:
    """A running program."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        """host:port"""
        return urlsplit(self.url).netloc

    def log(self) -> str:
        """What it has printed so far."""
        return (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace")

    def get(self, path: str) -> Any:
        """The JSON that it answers to a GET; raises AssertionError unless the status is 200."""
        status, body = fetch(self.url + path)
        assert status == 200, f"GET {path}: {status} {body[:300]!r}"
        return json.loads(body)

    def stop(self) -> None:
        """End the whole process group: asked first, killed if it does not."""
        if self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


StartPrometheus = Callable[..., Peer]
StartAlertmanager = Callable[[Config], Peer]
RunAmtool = Callable[..., "subprocess.CompletedProcess[str]"]
RunPromtool = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[StartPrometheus]:
    """`prometheus(config, **{"rules.yml": rules})`: a ready server; files lie beside the config."""
    program = _program("prometheus")
    running: list[Peer] = []

    def start(config: Config, **files: Config) -> Peer:
        folder = _folder(
            tmp_path, f"prometheus-{len(running)}", {"prometheus.yml": config, **files}
        )
        port = free_port()
        flags = (
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
            # It finds its Alertmanagers 5 s after the first alert, and by default would speak
            # again only a minute later.
            "--rules.alert.resend-delay=1s",
        )
        running.append(_start([program, *flags], folder, port))
        return running[-1]

    yield start
    for peer in running:
        peer.stop()


@pytest.fixture
def with_history(tmp_path: Path) -> Iterator[Callable[[str], Peer]]:
    """`with_history(openmetrics)`: a Prometheus that already holds those samples."""
    program, tool = _program("prometheus"), _program("promtool")
    running: list[Peer] = []

    def start(samples: str) -> Peer:
        config: Config = {"global": {"scrape_interval": "15s"}}
        folder = _folder(tmp_path, f"history-{len(running)}", {"prometheus.yml": config})
        (folder / "samples.txt").write_text(samples)
        port = free_port()
        subprocess.run(
            [tool, "tsdb", "create-blocks-from", "openmetrics", "samples.txt", "tsdb"],
            cwd=folder, check=True, timeout=60, capture_output=True,
        )  # fmt: skip
        flags = (
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{port}",
        )
        running.append(_start([program, *flags], folder, port))
        return running[-1]

    yield start
    for peer in running:
        peer.stop()


@pytest.fixture
def victoria_metrics(tmp_path: Path) -> Iterator[Callable[[str], Peer]]:
    """`victoria_metrics(text)`: a VictoriaMetrics that holds those samples (text format, ms)."""
    program = _program("victoria-metrics")
    running: list[Peer] = []

    def start(samples: str) -> Peer:
        folder = _folder(tmp_path, f"victoria-{len(running)}", {})
        port = free_port()
        flags = (
            f"-storageDataPath={folder / 'data'}", f"-httpListenAddr=127.0.0.1:{port}",
            "-retentionPeriod=100y", "-search.latencyOffset=0s", "-memory.allowedBytes=256MB",
        )  # fmt: skip
        running.append(_start([program, *flags], folder, port))
        _post(running[-1], "/api/v1/import/prometheus", samples.encode())
        assert fetch(running[-1].url + "/internal/force_flush")[0] == 200
        return running[-1]

    yield start
    for peer in running:
        peer.stop()


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[StartAlertmanager]:
    """`alertmanager(config)`: a ready server without a cluster."""
    program = _program("prometheus-alertmanager")
    running: list[Peer] = []

    def start(config: Config) -> Peer:
        folder = _folder(tmp_path, f"alertmanager-{len(running)}", {"alertmanager.yml": config})
        port = free_port()
        flags = (
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'state'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        )
        running.append(_start([program, *flags], folder, port))
        return running[-1]

    yield start
    for peer in running:
        peer.stop()


@pytest.fixture
def amtool(tmp_path: Path) -> RunAmtool:
    """`amtool(url, "alert", "query")`: the finished process, whatever its exit status."""
    program = _program("amtool")

    def run(url: str, *words: str) -> subprocess.CompletedProcess[str]:
        command = [program, f"--alertmanager.url={url}", *words]
        return subprocess.run(
            command, env=_environment(tmp_path), capture_output=True, text=True, timeout=30
        )

    return run


@pytest.fixture
def promtool(tmp_path: Path) -> RunPromtool:
    """`promtool(text, "check", "metrics")`: the finished process, `text` on its standard input."""
    program = _program("promtool")

    def run(text: bytes, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *words], env=_environment(tmp_path), input=text.decode(), text=True,
            capture_output=True, timeout=30,
        )  # fmt: skip

    return run


@pytest.fixture(name="free_port")
def _free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on."""
    return free_port()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a real program, so that `-m "not real"` leaves it out."""
    for item in items:
        if NEEDED.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.real)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on now, and no connection will be given.

    A server that a test stops and starts again wants the same port twice. Of the kernel's own
    choice, any program that connects in between may be given it; these lie below that range.
    """
    while True:
        port = random.randint(*PORTS)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_until(question: Callable[[], T], *, within_s: float, what: str) -> T:
    """The first true answer; an AssertionError that says `what` was awaited when none came.

    The one place where tests wait for another process: by asking, never by a fixed pause.
    """
    deadline = time.monotonic() + within_s
    while not (answer := question()):
        assert time.monotonic() < deadline, f"waited {within_s} s in vain: {what}"
        time.sleep(LOOK_EVERY_S)
    return answer


def fetch(url: str) -> tuple[int, bytes]:
    """Status and body of a GET; status 0 when nobody answers. Goes past every proxy."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError as error:
        return 0, str(error).encode()
    finally:
        connection.close()


def _post(peer: Peer, path: str, body: bytes) -> None:
    connection = http.client.HTTPConnection(peer.address, timeout=30)
    try:
        connection.request("POST", path, body)
        answer = connection.getresponse()
        assert answer.status < 300, f"POST {path}: {answer.status} {answer.read()[:300]!r}"
    finally:
        connection.close()


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip("no Prometheus and Alertmanager here (make peers says how to get them)")
    return found


def _folder(parent: Path, name: str, files: Mapping[str, Config]) -> Path:
    folder = parent / name
    folder.mkdir()
    for file, content in files.items():
        (folder / file).write_text(json.dumps(content), encoding="utf-8")
    return folder


def _start(command: list[str], folder: Path, port: int) -> Peer:
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    peer = Peer(url=f"http://127.0.0.1:{port}", folder=folder, process=process)
    try:
        wait_until(lambda: _ready(peer), within_s=READY_WITHIN_S, what=f"{command[0]} to be ready")
    except BaseException:
        peer.stop()
        print(peer.log()[-3000:])
        raise
    return peer


def _ready(peer: Peer) -> bool:
    code = peer.process.poll()
    assert code is None, f"it ended with status {code}:\n{peer.log()[-3000:]}"
    return any(fetch(peer.url + path)[0] == 200 for path in ("/-/ready", "/health"))


def _environment(home: Path) -> dict[str, str]:
    """No proxy and no settings of whoever runs the tests."""
    return {"PATH": os.environ["PATH"], "HOME": str(home)}
