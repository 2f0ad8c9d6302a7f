"""Keeps the process that keeps telemetry: starts it, tells it the estate's rules, ends it with us.

It may die as it likes: nobody who pages waits for it, and it is started again, each time a little
later while it keeps dying.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from mainstay import telemetry
from mainstay.foundation.errors import MainstayError
from mainstay.foundation.settings import Settings
from mainstay.logstore import told_by, write_told
from mainstay.runtime import Runtime

log = logging.getLogger("mainstay.storekeeper")

LOOK_EVERY_S = 0.5
LASTED_S = 60.0
"""Who lived so long had no trouble with its start."""
AGAIN_AFTER_S = (0.5, 2.0, 10.0, 30.0, 120.0)
"""Before it is started again, for the first, second … time in a row."""
ENDS_WITHIN_S = 4.0


@contextmanager
def telemetry_kept(app: Runtime) -> Iterator[None]:
    """Telemetry is kept in here, if the settings want it."""
    if not app.settings.telemetry.keep:
        yield
        return
    if not telemetry.can_keep():
        log.error("%s", telemetry.standing(app.settings, now=app.clock.now())[1])
        yield
        return
    keeper = StoreKeeper(app)
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


class StoreKeeper:
    """One such process at a time, whatever becomes of it."""

    def __init__(
        self, app: Runtime, *, spawn: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen
    ) -> None:
        self._app, self._spawn = app, spawn
        self._folder = telemetry.folder_of(app.settings)
        self._version: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="storekeeper", daemon=True)

    def start(self) -> None:
        """From now on there is one."""
        self._thread.start()

    def stop(self) -> None:
        """No more; the one that runs ends."""
        self._stop.set()
        self._thread.join(timeout=ENDS_WITHIN_S + 1)

    def _keep(self) -> None:
        failures = 0
        while not self._stop.is_set():
            begun = monotonic()
            process = self._started()
            if process is not None:
                self._watch_over(process)
            failures = 1 if monotonic() - begun > LASTED_S else failures + 1
            self._stop.wait(AGAIN_AFTER_S[min(failures, len(AGAIN_AFTER_S)) - 1])

    def _started(self) -> subprocess.Popen[bytes] | None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._version = None
            if not self._tell():
                return None
            words = command(self._app.settings, self._told_at)
            return self._spawn(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        except OSError as error:
            log.error("the process that keeps telemetry cannot be started: %s", error.strerror)
            return None

    def _watch_over(self, process: subprocess.Popen[bytes]) -> None:
        """Returns when it is gone: by itself, or because we stop."""
        while process.poll() is None and not self._stop.wait(LOOK_EVERY_S):
            with contextlib.suppress(OSError):
                self._tell()
        if self._stop.is_set():
            _end(process)
            return
        assert process.stdin is not None
        process.stdin.close()
        log.error("the process that keeps telemetry ended with %s; starting it again", process.returncode)  # fmt: skip

    @property
    def _told_at(self) -> Path:
        return self._folder / "told.json"

    def _tell(self) -> bool:
        """Write down what the estate says, when it says something new. False: it cannot be read."""
        try:
            view = self._app.db.read(self._app.ground.views.current_or_empty)
        except MainstayError as error:
            log.warning("the estate cannot be read: %s", error.sentence)
            return False
        if view.version != self._version:
            write_told(self._told_at, told_by(view.estate, self._app.settings.egress.allow))
            self._version = view.version
        return True


def command(settings: Settings, told_at: Path) -> Sequence[str]:
    """How it is started. No secret stands in it: a command line can be read by others."""
    own = settings.telemetry
    words = [
        sys.executable, "-m", "mainstay.logstore", "keep", "--ends-with-stdin",
        "--folder", str(telemetry.folder_of(settings)), "--told", str(told_at),
        "--listen", own.listen, "--days", str(own.days), "--max-gib", str(own.logs_gib),
        "--metrics-gib", str(own.metrics_gib), "--traces-gib", str(own.traces_gib),
    ]  # fmt: skip
    for one in own.days_of:
        words += ["--days-of", one]
    if own.syslog is not None:
        words += ["--syslog", own.syslog]
    if own.key is not None:
        words += ["--key", own.key]
    if settings.tls_cert is not None and settings.tls_key is not None:
        words += ["--tls-cert", str(settings.tls_cert), "--tls-key", str(settings.tls_key)]
    return words


def _end(process: subprocess.Popen[bytes]) -> None:
    """Its input ends, and so does it; by force, if it does not."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(timeout=ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
