"""A real `mainstay serve` in a process and folder of its own, and the command line beside it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mainstay.cli import program, run
from peers import fetch, free_port, wait_until

START_WITHIN_S = 40
STOP_WITHIN_S = 15


@dataclass
class Install:
    """One data folder; `start` and `stop` its server as often as wanted."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text(encoding="utf-8")

    @property
    def greeting(self) -> str:
        return (self.folder / "greeting.txt").read_text(encoding="utf-8")

    def environment(self) -> dict[str, str]:
        """Nothing of whoever runs the tests."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "MAINSTAY_RESERVE_MIB": "1",
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "mainstay", *arguments, "--data", str(self.data)]

    def launch(self, *flags: str, **more: str) -> subprocess.Popen[bytes]:
        """A server process, not yet waited for."""
        command = self.command("serve", "--allow-root", "--listen", f"127.0.0.1:{self.port}")
        with (
            (self.folder / "log.txt").open("ab") as log,
            (self.folder / "greeting.txt").open("wb") as greeting,
        ):
            return subprocess.Popen(
                [*command, *flags], cwd=self.folder, env={**self.environment(), **more},
                stdin=subprocess.DEVNULL, stdout=greeting, stderr=log,
            )  # fmt: skip

    def start(self, *flags: str, **more: str) -> None:
        """Serve, and be ready."""
        process = self.process = self.launch(*flags, **more)

        def ready() -> bool:
            assert process.poll() is None, f"it ended with {process.returncode}:\n{self.log}"
            return fetch(f"{self.url}/readyz")[0] == 200

        wait_until(ready, within_s=START_WITHIN_S, what="the server to be ready")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """The exit code of the server after a signal."""
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(timeout=STOP_WITHIN_S)
        self.process = None
        return code

    def cli(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output and errors of a command, run in this process; piped, so plain."""
        self.capsys.readouterr()
        code = run(program(), ["--data", str(self.data), *arguments])
        out, err = self.capsys.readouterr()
        return code, out, err

    def says(self, *arguments: str) -> str:
        """The output of a command that must succeed."""
        code, out, err = self.cli(*arguments)
        assert code == 0, (arguments, out, err)
        return out

    def json(self, *arguments: str) -> Any:
        """The same, with `--json`."""
        return json.loads(self.says(*arguments, "--json"))

    def send_alert(self, key: str, **labels: str) -> str:
        """Post one critical alert as Prometheus does; the receipt."""
        alert = {
            "labels": {"alertname": "Lag", "severity": "critical", **labels},
            "annotations": {"summary": "replica lag 40 s"},
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request("POST", "/api/v2/alerts", json.dumps([alert]), headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (answer.status, body)
        connection.close()
        return answer.headers["Mainstay-Receipt"]

    def estate(self) -> Path:
        """The starter's estate folder, written by `init`."""
        folder = self.folder / "estate"
        if not folder.exists():
            self.says("init", str(folder))
        return folder


def kill_quietly(process: subprocess.Popen[bytes] | None) -> None:
    """End a server whatever state it is in."""
    if process is not None and process.poll() is None:
        process.kill()
        process.wait(timeout=STOP_WITHIN_S)
