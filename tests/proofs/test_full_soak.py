"""A day's work in minutes (P12): does the server need more memory at its end than at noon?

An alert fires, is repeated and is resolved, again and again, as many as five a second would be in 24
hours. What is stored grows; what the process holds must not. The slope is that of the second half.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from clients import Line
from install import SERVICES, Install

from databases import CHOSEN
from fakes.world import World
from peers import wait_until

DAY = 24 * 3600 * 5
"""Events."""
NAMES = 1_200
"""Alerts that come and go."""
AT_ONCE = 40
SENDERS = 4
ROUNDS = ("fires", "fires", "fires", "resolves")
SLOPE_MIB_MAX = 1.0
"""For each 100,000 events."""
MEMORY_MIB_MAX = 512
LONGEST_S = 900
Say = Callable[[str], None]


class Day:
    """Senders that go through the alerts round by round, and what the process holds meanwhile.

    It is over when all of it is settled, not when it is taken.
    """

    def __init__(self, install: Install, pid: int) -> None:
        self.sent = 0
        self.looks: list[tuple[int, float]] = []
        """Events settled so far, and MiB."""
        self._install, self._process = install, psutil.Process(pid)
        self._lock = threading.Lock()
        self._over = threading.Event()

    def passes(self) -> None:
        """Until it is over; every sender has names of its own."""
        threads = [threading.Thread(target=self._send, args=(n,)) for n in range(SENDERS)]
        for thread in threads:
            thread.start()
        try:
            wait_until(self._is_over, within_s=LONGEST_S, what="the end of the day")
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def slope(self) -> float:
        """MiB that the second half took for each 100,000 events, by least squares."""
        half = [(done / 1e5, mib) for done, mib in self.looks if done > DAY / 2]
        at = sum(done for done, _ in half) / len(half)
        mean = sum(mib for _, mib in half) / len(half)
        along = sum((done - at) * (mib - mean) for done, mib in half)
        return along / sum((done - at) ** 2 for done, _ in half)

    def _is_over(self) -> bool:
        [(waiting,)] = self._install.rows(
            "SELECT count(*) FROM signals_request WHERE state = 'waiting'"
        )
        done = self.sent - waiting * AT_ONCE
        self.looks.append((done, self._process.memory_info().rss / 2**20))
        return done >= DAY

    def _send(self, sender: int) -> None:
        line = Line(self._install.port, self._install.key)
        while self.sent < DAY and not self._over.is_set():
            for what in ROUNDS:
                for first in range(sender * AT_ONCE, NAMES, SENDERS * AT_ONCE):
                    self._post(line, [_alert(first + n, what) for n in range(AT_ONCE)])

    def _post(self, line: Line, body: list[dict[str, Any]]) -> None:
        while line.ask("POST", "/api/v2/alerts", body)[0] != 200:
            if self._over.wait(0.5):
                return
        with self._lock:
            self.sent += len(body)


@pytest.mark.both
@pytest.mark.timeout(LONGEST_S + 300)
def test_a_day_takes_no_memory_with_it(tmp_path: Path, say: Say) -> None:
    with World() as world:
        install = Install.make(tmp_path, world.provider("webhook"))
        with install.server() as server:
            began = time.monotonic()
            day = Day(install, server.process.pid)
            day.passes()
    mib = [one for _, one in day.looks]
    say(
        f"{CHOSEN.engine}: {day.sent:,} events in {time.monotonic() - began:.0f} s: at most "
        f"{max(mib):.0f} MiB, {day.slope():+.2f} MiB for each 100,000 in the second half"
    )
    assert max(mib) <= MEMORY_MIB_MAX
    assert day.slope() <= SLOPE_MIB_MAX


def _alert(number: int, what: str) -> dict[str, Any]:
    labels = {"alertname": f"n{number}", "service": f"s{number % SERVICES}", "severity": "warning"}
    body = {"labels": labels, "startsAt": "2026-01-01T00:00:00Z"}
    if what == "resolves":
        body["endsAt"] = datetime.now(UTC).isoformat()
    return body
