"""What the estate tells, followed while the process runs: new rules and exporters need no restart."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from mainstay.foundation.errors import MainstayError
from mainstay.logstore.told import Told, read_told
from mainstay.telemetry.store import Rule

log = logging.getLogger("mainstay.logstore")

LOOK_EVERY_S = 0.5


class News:
    """What the estate tells, read again when its file has changed. `heard` is called then."""

    def __init__(self, path: Path | None, rules: list[Rule]) -> None:
        self._path, self._rules = path, rules
        self._over = threading.Event()
        self._seen = self._stamp()
        self.told = read_told(path) if path else Told()
        self.heard: Callable[[], None] = lambda: None

    def rules(self) -> list[Rule]:
        """Those of the command line and of the estate."""
        return [*self._rules, *(Rule(name, text) for name, text in self.told.blanks.items())]

    def look_on(self) -> None:
        """Again and again, until `end`; a file that cannot be read changes nothing."""
        while not self._over.wait(LOOK_EVERY_S):
            if self._path is None or (stamp := self._stamp()) == self._seen:
                continue
            try:
                self.told, self._seen = read_told(self._path), stamp
                self.heard()
            except MainstayError as error:
                log.error("what the estate tells stays as it was: %s", error.sentence)

    def end(self) -> None:
        """Look no more."""
        self._over.set()

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat() if self._path else None
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_ino) if status else None
