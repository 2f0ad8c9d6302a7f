"""A storm, kill -9 in the middle of it, and a sender that does not repeat itself.

Every alert that heard 2xx must be in a webhook body in the end. Alertmanager, which keeps alerts in
memory and counts on Prometheus to repeat them, is beside it in the same run; its figure is printed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from clients import Line
from install import SERVICES, Install, bare

from fakes.world import Hit, Provider, World
from peers import fetch, free_port, wait_until

ALERTS = 10_000 if "MAINSTAY_PROOF_ROUNDS" in os.environ else 1_500
AT_ONCE = 10
RATE = 2_000
"""Alerts a second, while the server is there."""
QUIET_S = 3.0
"""Nothing new for so long: all has been told."""
CONFIG = {
    "route": {"receiver": "hook", "group_by": ["service"], "group_wait": "1s",
              "group_interval": "1s", "repeat_interval": "4h"},
}  # fmt: skip
"""Quicker than its defaults, which would have more in memory when it is killed."""


@dataclass(frozen=True)
class Outcome:
    """What was promised, and what came of it."""

    acknowledged: int
    never_told: int
    bodies: int

    def __str__(self) -> str:
        return (
            f"{self.acknowledged:,} of {ALERTS:,} alerts acknowledged, {self.never_told:,} of them "
            f"in no webhook body ({self.bodies:,} bodies)"
        )


Serving = Callable[[], AbstractContextManager[object]]
"""A server on what the one before has kept; it answers, and is killed with -9 at the end."""


@pytest.mark.timeout(300)
def test_every_alert_of_a_storm_that_was_killed_in_the_middle_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with World() as world:
        ours, theirs = world.provider("webhook"), world.provider("webhook")
        install = Install.make(tmp_path, ours)
        mainstay = storm(install.server, Line(install.port, install.key), ours)
        port = free_port()
        alertmanager = storm(
            lambda: _alertmanager(tmp_path, port, theirs), Line(port, "unused"), theirs
        )
    with capsys.disabled():
        print(f"\nstorm, kill -9 in the middle, no repeats. Mainstay: {mainstay}.")
        print(f"Alertmanager: {alertmanager}.")
    assert mainstay.acknowledged > ALERTS * 0.9
    assert mainstay.never_told == 0


def storm(serving: Serving, line: Line, hook: Provider) -> Outcome:
    """Half of it, kill -9, the other half; then wait until nothing more is told."""
    acknowledged: set[str] = set()
    with serving():
        acknowledged |= _post(line, range(ALERTS // 2))
    with serving():
        acknowledged |= _post(line, range(ALERTS // 2, ALERTS))
        _until_quiet(hook)
    hits = hook.hits
    return Outcome(len(acknowledged), len(acknowledged - _told(hits)), len(hits))


def _post(line: Line, numbers: range) -> set[str]:
    """At a steady pace, each once; what heard 2xx."""
    acknowledged: set[str] = set()
    began = time.monotonic()
    for first in numbers[::AT_ONCE]:
        ahead_s = began + (first - numbers[0]) / RATE - time.monotonic()
        if ahead_s > 0:
            threading.Event().wait(ahead_s)
        names = [f"a{number}" for number in range(first, first + AT_ONCE)]
        status, _ = line.ask("POST", "/api/v2/alerts", [_alert(name) for name in names])
        if 200 <= status < 300:
            acknowledged.update(names)
    return acknowledged


def _alert(name: str) -> dict[str, object]:
    service = f"s{int(name[1:]) % SERVICES}"
    labels = {"alertname": name, "service": service, "severity": "critical"}
    return {"labels": labels, "annotations": {"summary": f"{name} on {service}"}}


def _told(hits: list[Hit]) -> set[str]:
    """The alerts in any body; both write them alike."""
    return {one["labels"].get("alertname") for hit in hits for one in hit.json["alerts"]}


def _until_quiet(hook: Provider) -> None:
    """Until nothing has come for a while; for a minute at most."""
    seen = [(-1, time.monotonic())]

    def quiet() -> bool:
        if len(hook.hits) != seen[-1][0]:
            seen.append((len(hook.hits), time.monotonic()))
        return time.monotonic() - seen[-1][1] > QUIET_S

    wait_until(quiet, within_s=60, what="no more webhooks")


@contextmanager
def _alertmanager(folder: Path, port: int, hook: Provider) -> Iterator[None]:
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        pytest.skip("no Alertmanager here (make peers says how to get it)")
    config = folder / "alertmanager.json"
    receiver = {"name": "hook", "webhook_configs": [{"url": f"{hook.url}/", "max_alerts": 0}]}
    config.write_text(json.dumps(CONFIG | {"receivers": [receiver]}))
    flags = [f"--config.file={config}", f"--storage.path={folder / 'alertmanager'}",
             f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]  # fmt: skip
    with (folder / "alertmanager.log").open("ab") as log:
        process = subprocess.Popen([program, *flags], stdout=log, stderr=log, env=bare(folder))
    try:
        ready = f"http://127.0.0.1:{port}/-/ready"
        wait_until(lambda: fetch(ready)[0] == 200, within_s=30, what="Alertmanager")
        yield
    finally:
        process.kill()
        process.wait()
