"""The server as a child process: started, watched, and started again when somebody kills it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from mainstay.cli import TOKEN_FILE
from mainstay.demo.stage import Stage
from mainstay.demo.wire import Wire
from mainstay.foundation.errors import Rejected, Unreachable

STOP_WITHIN_S = 12.0
"""`serve` ends itself within ten seconds."""


class Child:
    """One `mainstay serve`. It is in a group of its own, so that Ctrl-C reaches the demo alone."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; `is_ready` says when it answers."""
        command = [sys.executable, "-m", "mainstay", "serve", "--config", str(self._stage.config)]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")
        }
        with self._stage.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own program)
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                process_group=0,
            )  # fmt: skip

    def ended(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.poll() if self._process is not None else None

    def is_ready(self) -> bool:
        """Whether it takes requests."""
        try:
            return bool(Wire(self._stage.port).get("/readyz").get("ok"))
        except (Unreachable, Rejected):
            return False

    def wire(self) -> Wire:
        """Its API, as the operator."""
        known = json.loads((self._stage.folder / TOKEN_FILE).read_text(encoding="utf-8"))
        return Wire(self._stage.port, known["token"])

    def setup_link(self) -> str | None:
        """The way in to the console while it has no administrator; None when it has one."""
        command = [
            sys.executable, "-m", "mainstay", "--config", str(self._stage.config), "--json",
            "setup-link",
        ]  # fmt: skip
        asked = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 (our own)
        return str(json.loads(asked.stdout)["link"]) if asked.returncode == 0 else None

    def last_words(self) -> str:
        """The last line that it wrote."""
        return _last_line(self._stage.log)

    def stop(self) -> None:
        """Ask it to end; end it if it does not."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
