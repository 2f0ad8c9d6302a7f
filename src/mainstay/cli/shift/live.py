"""The live view at work: one thread asks the server, this one draws and listens to keys.

So a server that does not answer never freezes the keys, and `q` always works.
"""

from __future__ import annotations

import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Group
from rich.live import Live

from mainstay.cli.client import Client, part
from mainstay.cli.desk import Desk
from mainstay.cli.shift.frame import frame
from mainstay.cli.shift.keys import Keys
from mainstay.cli.shift.screen import (
    Acted,
    Answered,
    Away,
    Event,
    Job,
    Mode,
    Screen,
    Traced,
    press,
    take,
)
from mainstay.foundation.errors import MainstayError

POLL_EVERY_S = 1.0
DRAW_EVERY_S = 0.25


class Asker:
    """Asks for the state each second, and for what keys want in between."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="asker", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; a request under way is left alone."""
        self._jobs.put(None)

    def ask(self, job: Job) -> None:
        """Do this next."""
        self._jobs.put(job)

    def _run(self) -> None:
        at = time.monotonic()
        while True:
            try:
                job = self._jobs.get(timeout=max(0.0, at - time.monotonic()))
            except queue.Empty:
                self.events.put(poll(self._client))
                at = time.monotonic() + POLL_EVERY_S
                continue
            if job is None:
                return
            self.events.put(do(self._client, job))
            at = time.monotonic()  # show at once what it changed


def poll(client: Client) -> Event:
    """How things are, or why that is not known."""
    try:
        return Answered(client.get("/shift"))
    except MainstayError as error:
        return Away(error.sentence)


def do(client: Client, job: Job) -> Event:
    """What became of a job."""
    try:
        if job.verb == "trace":
            return Traced(client.get(f"/trace/{part(job.name)}"))
        answer = client.post(f"/incidents/{part(job.name)}/{job.verb}", job.body)
        return Acted(str(answer.get("sentence") or "Done."), True)
    except MainstayError as error:
        return Acted(error.sentence, False)


def watch(desk: Desk, client: Client) -> None:
    """The live view, until `q` or Ctrl-C. Draws four times a second, at whatever size it finds."""
    screen = Screen(client.url)
    asker = Asker(client)
    asker.start()
    try:
        with (
            _ended_politely(),
            Keys(sys.stdin) as keys,
            Live(console=desk.out, screen=True, auto_refresh=False) as live,
        ):
            while True:
                live.update(_drawn(desk, screen), refresh=True)
                try:
                    pressed = keys.read(DRAW_EVERY_S)
                except EOFError:
                    return
                for key in pressed:
                    if key == "q" and screen.mode is not Mode.NOTE:
                        return
                    screen, job = press(screen, key)
                    if job is not None:
                        asker.ask(job)
                while not asker.events.empty():
                    screen = take(screen, asker.events.get(), now=desk.now())
    except KeyboardInterrupt:
        return
    finally:
        asker.stop()


def _drawn(desk: Desk, screen: Screen) -> Group:
    width, height = desk.out.size
    return Group(*frame(screen, look=desk.look, width=width, height=height, keys=True))


@contextmanager
def _ended_politely() -> Iterator[None]:
    """SIGTERM ends as Ctrl-C does, so that the terminal is given back as it was."""

    def stop(number: int, at: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
