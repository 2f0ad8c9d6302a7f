"""The watchdog's process. What it needs comes by its standard input, and when that ends, so does it.

Started by `serve` (`keeper.py`), never by a person: one JSON document on the first line, and then
the line stays open for as long as the server lives.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from mainstay.foundation.clock import SystemClock
from mainstay.foundation.db import peek, place_of, write_beside
from mainstay.foundation.observe.logs import start_logs
from mainstay.foundation.secrets import resolve
from mainstay.foundation.settings import Settings, references
from mainstay.watchdog.alarm import open_alarm
from mainstay.watchdog.look import Patience
from mainstay.watchdog.probes import ask_ready
from mainstay.watchdog.probes.door import Door
from mainstay.watchdog.rounds import Rounds
from mainstay.watchdog.telling import Claims

log = logging.getLogger("mainstay.watchdog")

ASK_WITHIN_S = 5.0
"""Longer than the server takes to say no (`ready.WITHIN_S`), shorter than a step of a round may be."""


def main() -> None:
    """Watch until the server is gone."""
    # A Ctrl-C or a stop of the whole group is for the server: we go when it has gone.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    given = msgspec.json.decode(sys.stdin.buffer.readline())
    threading.Thread(target=_go_with_the_server, daemon=True).start()
    settings = Settings.model_validate(given["settings"])
    secrets = [resolve(one, environment=os.environ) for one in references(settings).values()]
    start_logs(
        level=settings.log_level, json_lines=settings.log_format == "json",
        secrets=[*secrets, given["token"]],
    )  # fmt: skip
    asyncio.run(_watch(rounds(settings, given, os.environ)))


def rounds(settings: Settings, given: dict[str, Any], environment: Mapping[str, str]) -> Rounds:
    """A watchdog that is ready to go its rounds."""
    own, clock, place = (
        settings.watchdog,
        SystemClock(),
        place_of(settings, environment=environment),
    )
    door = Door(given["host"], given["port"], given["tls"], given["token"])
    return Rounds(
        data_dir=settings.data_dir,
        every=timedelta(seconds=own.every_s),
        patience=Patience(timedelta(seconds=own.grace_s), settings.page_per_minute),
        repeat_after=timedelta(seconds=own.repeat_s),
        clock=clock,
        read=partial(peek, place),
        ask=partial(ask_ready, door, within_s=ASK_WITHIN_S),
        alarm=open_alarm(settings, environment=environment, node=given["node"], clock=clock),
        claims=Claims(given["place"], partial(write_beside, place)) if place.url else None,
    )


async def _watch(watchdog: Rounds) -> None:
    watchdog.remember()
    while True:
        try:
            await watchdog.one()
        except Exception:
            log.exception("a round failed; the next one comes")
        await asyncio.sleep(watchdog.every.total_seconds())


def _go_with_the_server() -> None:
    """Standard input ends when the server does, however it died; then nothing may hold us."""
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
