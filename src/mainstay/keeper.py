"""Keeps the watchdog: starts it, starts it again when it dies or goes silent, ends it with us."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

import msgspec

from mainstay.foundation.settings import Settings
from mainstay.runtime import Runtime
from mainstay.watchdog import last_sign

log = logging.getLogger("mainstay.keeper")

COMMAND = (sys.executable, "-m", "mainstay.watchdog")
FIRST_AFTER_S = 10.0
"""Before the first start: the server shall work off what came due while it was down."""
LOOK_EVERY_S = 0.5
SILENT_ROUNDS = 3
STEP_S = 15.0
"""Without a sign of life for three rounds and the longest step of one, it is replaced."""
LASTED_S = 60.0
"""Who lived so long had no trouble with its start."""
AGAIN_AFTER_S = (0.5, 2.0, 10.0, 30.0)
"""Before it is started again, for the first, second … time in a row."""
ENDS_WITHIN_S = 2.0


@contextmanager
def kept(app: Runtime, *, port: int) -> Iterator[None]:
    """The watchdog runs in here, if the settings want it."""
    if not app.settings.watchdog.enabled:
        log.warning("the watchdog is off: a page that is missed is missed in silence")
        yield
        return
    keeper = Keeper(app, port=port)
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


class Keeper:
    """One watchdog at a time, whatever becomes of it."""

    def __init__(
        self, app: Runtime, *, port: int, command: tuple[str, ...] = COMMAND,
        spawn: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen,
    ) -> None:  # fmt: skip
        self._app = app
        self._given = msgspec.json.encode(told(app, port)) + b"\n"
        self._command, self._spawn = command, spawn
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def start(self) -> None:
        """From now on there is one."""
        self._thread.start()

    def stop(self) -> None:
        """No more; the one that runs ends."""
        self._stop.set()
        self._thread.join(timeout=ENDS_WITHIN_S * 2)

    def _keep(self) -> None:
        every_s, failures = self._app.settings.watchdog.every_s, 0
        self._stop.wait(min(FIRST_AFTER_S, every_s))
        while not self._stop.is_set():
            started = monotonic()
            process = self._started()
            if process is not None:
                self._watch_over(process, silent_s=every_s * SILENT_ROUNDS + STEP_S)
            failures = 0 if monotonic() - started > LASTED_S else failures + 1
            self._stop.wait(AGAIN_AFTER_S[min(failures, len(AGAIN_AFTER_S) - 1)])

    def _started(self) -> subprocess.Popen[bytes] | None:
        try:
            process = self._spawn(self._command, stdin=subprocess.PIPE)
        except OSError as error:
            log.error("the watchdog cannot be started: %s", error.strerror)
            return None
        assert process.stdin is not None
        with contextlib.suppress(OSError):  # dead already; whoever waits for it sees that
            process.stdin.write(self._given)
            process.stdin.flush()
        return process

    def _watch_over(self, process: subprocess.Popen[bytes], *, silent_s: float) -> None:
        """Returns when it is gone: by itself, by us because it is silent, or because we stop."""
        heard, newest = monotonic(), None
        while process.poll() is None and not self._stop.wait(LOOK_EVERY_S):
            sign = last_sign(self._app.settings.data_dir)
            if sign is not None and sign.pid == process.pid and sign.at != newest:
                heard, newest = monotonic(), sign.at
            if monotonic() - heard > silent_s:
                log.error("the watchdog gives no sign of life")
                process.kill()
                process.wait()
        _end(process)
        if not self._stop.is_set():
            log.error("the watchdog ended with %s; starting another one", process.returncode)


def told(app: Runtime, port: int) -> dict[str, Any]:
    """What the watchdog must know: the settings, which hold no secret, and how to knock."""
    return {
        "settings": _settings(app.settings),
        "host": _host(app.settings),
        "port": port,
        "tls": app.settings.tls_cert is not None,
        "node": app.ground.node,
        "place": f"{app.node.host}:{app.node.folder}",
        "token": app.probe_token,
    }


def _settings(settings: Settings) -> Mapping[str, Any]:
    found: dict[str, Any] = settings.model_dump(mode="json")
    return found


def _host(settings: Settings) -> str:
    """Where this machine reaches its own server."""
    host = settings.address.host
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (compared, not bound)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Its input ends, and so does it."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
