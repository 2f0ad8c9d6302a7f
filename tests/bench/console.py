"""How long the console takes: Today with 500 services and 200 open alerts, a list of 10,000 alerts.

Run from the repository: `PYTHONPATH=tests:tests/browser .venv/bin/python tests/bench/console.py`.
"""

from __future__ import annotations

import http.client
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from alpenpay import PASSWORD, Day, alpenpay

from mainstay import estate
from mainstay.acts import commands

ROUNDS = 30


def many(day: Day, services: int, alerts: int) -> None:
    """So many services, each needing the one before; so many open alerts on forty of them."""
    found = day.runtime.db.read(day.runtime.ground.views.current).estate
    more = {
        f"svc-{n}": estate.Service(
            tier=1 + n % 3, owner="payops", depends=[f"svc-{n - 1}"] if n % 5 else []
        )
        for n in range(services - len(found.services))
    }  # fmt: skip
    applied = found.model_copy(update={"services": found.services | more})
    day.act("root", commands.Apply(applied), role="admin")
    _fire(day, alerts)


def _fire(day: Day, alerts: int) -> None:
    now = day.clock.now().isoformat()
    items = [
        {
            "labels": {"alertname": f"A{n}", "service": f"svc-{(n % 40) * 5}", "severity": "error", "host": f"h{n}"},
            "annotations": {"summary": f"svc-{n % 40} fails on host h{n}"},
            "startsAt": now, "endsAt": "2027-01-01T00:00:00Z",
        }
        for n in range(alerts)
    ]  # fmt: skip
    for at in range(0, alerts, 400):
        day._post("/api/v2/alerts", items[at : at + 400], "prometheus")
        day.settle()


def cookie(day: Day, person: str) -> str:
    """A session, by an invitation."""
    day.grants(person, "lead", "admin")
    body = f"password={PASSWORD}&again={PASSWORD}".replace(" ", "+")
    headers = {"Origin": day.url, "Content-Type": "application/x-www-form-urlencoded"}
    answer = _ask(day, "POST", day.link(person), body, headers)
    return str(answer.getheader("set-cookie")).partition(";")[0]


def _ask(day: Day, method: str, path: str, body: str | None, headers: Any) -> Any:
    assert day.server is not None
    connection = http.client.HTTPConnection("127.0.0.1", day.server.port, timeout=60)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.content = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


def measure(day: Day, session: str, path: str) -> None:
    """Print the median and the 95th percentile of asking for one screen."""
    times, size = [], 0
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = _ask(day, "GET", path, None, {"Cookie": session})
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status == 200, (path, answer.status)
        size = len(answer.content)
    times.sort()
    p95 = times[int(len(times) * 0.95)]
    print(
        f"{path:<28} median {statistics.median(times):6.1f} ms  p95 {p95:6.1f} ms  {size:,} bytes"
    )


def main() -> None:
    """Both sizes, in one run."""
    for services, alerts, paths in (
        (500, 200, ("/", "/services", "/parts/today/head")),
        (500, 10_000, ("/alerts?severity=error", "/alerts", "/", "/alerts?q=host+h99")),
    ):
        with tempfile.TemporaryDirectory() as folder, alpenpay(Path(folder)) as day:
            many(day, services, alerts)
            session = cookie(day, "ana")
            print(f"{services} services, {alerts:,} open alerts")
            for path in paths:
                measure(day, session, path)


if __name__ == "__main__":
    sys.exit(main())
