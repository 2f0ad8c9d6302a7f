"""A hundred thousand alerts in a minute (P11, P12): what is acknowledged is there, people are not
flooded, and a fault of its own is heard through it.

`MAINSTAY_PROOF_ROUNDS` set: the whole storm; else three seconds of it.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest
from clients import Line
from install import SERVICES, Install, Server

from databases import CHOSEN
from fakes.world import World
from peers import wait_until

FULL = "MAINSTAY_PROOF_ROUNDS" in os.environ
STORM_S = 60 if FULL else 3
RATE = 100_000 / 60
"""Alerts a second."""
AT_ONCE = 20
"""Alerts in a request."""
SENDERS = 8
HEARD_WITHIN_S = 30
DRAINED_WITHIN_S = 300
MEMORY_MIB_MAX = 512
LOOK_EVERY_S = 0.25


class Storm:
    """Eight senders that together keep the pace, and what they were told."""

    def __init__(self, install: Install) -> None:
        self.acknowledged: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self._install = install
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def send(self, sender: int) -> None:
        """One sender's share, in step with the clock; what is refused is sent again, as told."""
        line = Line(self._install.port, self._install.key)
        requests = round(STORM_S * RATE / AT_ONCE / SENDERS)
        for number in range(requests):
            ahead_s = self._began + STORM_S * number / requests - time.monotonic()
            if ahead_s > 0:
                threading.Event().wait(ahead_s)
            names = [f"s{sender}r{number}a{n}" for n in range(AT_ONCE)]
            while not self._taken(line, names):
                threading.Event().wait(1)

    def _taken(self, line: Line, names: list[str]) -> bool:
        body = [_alert(name, n, "warning") for n, name in enumerate(names)]
        status, _ = line.ask("POST", "/api/v2/alerts", body)
        with self._lock:
            self.statuses[status] += 1
            if status == 200:
                self.acknowledged.update(names)
        return status == 200


class Watch:
    """What it costs the server, and how long its list takes meanwhile."""

    def __init__(self, install: Install, server: Server) -> None:
        self.memory_mib = 0.0
        self.lists_s: list[float] = []
        self.statuses: set[int] = set()
        self._install, self._process = install, psutil.Process(server.process.pid)

    def look(self, over: threading.Event) -> None:
        """Until it is over."""
        line = Line(self._install.port, self._install.token)
        while not over.wait(LOOK_EVERY_S):
            began = time.monotonic()
            status, _ = line.ask("GET", "/mainstay/v1/alerts?limit=100")
            self.statuses.add(status)
            self.lists_s.append(time.monotonic() - began)
            self.memory_mib = max(self.memory_mib, self._process.memory_info().rss / 2**20)


@(pytest.mark.both if FULL else pytest.mark.timeout(300))
@pytest.mark.timeout(STORM_S + DRAINED_WITHIN_S + 120)
def test_a_storm_loses_nothing_floods_nobody_and_hides_no_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with World() as world:
        phone = world.provider("ntfy")
        install = Install.make(tmp_path, phone, kind="ntfy")
        with install.server() as server, ExitStack() as ending:
            storm, watch, over = Storm(install), Watch(install, server), threading.Event()
            senders = [threading.Thread(target=storm.send, args=(n,)) for n in range(SENDERS)]
            watching = threading.Thread(target=watch.look, args=(over,))
            for thread in [*senders, watching]:
                thread.start()
            ending.callback(watching.join)
            ending.callback(over.set)
            threading.Event().wait(STORM_S / 2)
            asked = time.monotonic()
            line = Line(install.port, install.key)
            assert (
                line.ask(
                    "POST", "/api/v2/alerts", [_alert("Fire", 0, "critical", f"s{SERVICES - 1}")]
                )[0]
                == 200
            )
            heard_s = _heard(phone, "Fire") - asked
            for thread in senders:
                thread.join()
            ended = time.monotonic()
            wait_until(lambda: _waiting(install) == 0, within_s=DRAINED_WITHIN_S, what="no backlog")
            drained_s = time.monotonic() - ended
        stored = {json.loads(labels)["alertname"] for (labels,) in install.rows(_STORED)}
        pages = Counter(hit.json["topic"] for hit in phone.hits if "Fire" not in _text(hit))
        minutes = (time.monotonic() - storm._began) / 60
        lists = sorted(watch.lists_s)
        with capsys.disabled():
            print(
                f"\nstorm on {CHOSEN.engine}: {len(storm.acknowledged):,} alerts acknowledged in {STORM_S} s "
                f"({storm.statuses[429]} requests told to come again), "
                f"{len(storm.acknowledged - stored)} lost; backlog gone {drained_s:.1f} s later; "
                f"a fault of its own heard after {heard_s:.1f} s; pages {dict(pages)}; "
                f"list p95 {lists[int(0.95 * len(lists))]:.2f} s; {watch.memory_mib:.0f} MiB"
            )
        assert storm.acknowledged <= stored
        assert set(storm.statuses) <= {200, 429}
        assert watch.statuses == {200}, "the list was not to be had meanwhile"
        assert max(pages.values()) <= minutes + 1, "more than a page a minute"
        assert watch.memory_mib < MEMORY_MIB_MAX


_STORED = "SELECT labels FROM alerts_alert"


def _alert(name: str, number: int, severity: str, service: str | None = None) -> dict[str, Any]:
    labels = {
        "alertname": name,
        "service": service or f"s{number % (SERVICES - 1)}",
        "severity": severity,
    }
    return {"labels": labels, "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z"}


def _heard(phone: Any, word: str) -> float:
    """When a page with the word in it arrived."""

    def found() -> float | None:
        return next((hit.at for hit in phone.hits if word in _text(hit)), None)

    return wait_until(found, within_s=HEARD_WITHIN_S, what=f"a page about {word}") or 0.0


def _text(hit: Any) -> str:
    return hit.body.decode()


def _waiting(install: Install) -> int:
    return install.rows("SELECT count(*) FROM signals_request WHERE state = 'waiting'")[0][0]
