"""The corridor beside Debian's Alertmanager, in one run: `make bench`, or this file with a name.

    intake    accepted alerts a second and CPU, 1 and 100 a request, 8 connections
    settle    a burst of 20,000: backlog after 10 s, and how fast it was settled
    latency   POST to the webhook receiver's hit, one alert at a time
    hundred   100,000 open alerts: memory, and the first page of the list

Prints one JSON line a figure; `docs/performance.md` keeps them with the day and the machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from load import alert
from servers import Server, alertmanager, free_port, mainstay

HERE = Path(__file__).parent
PATH = "/api/v2/alerts"
SERVERS = ("alertmanager", "mainstay")


class Hook:
    """A webhook receiver that notes when each alert id was first told."""

    def __init__(self) -> None:
        self.first: dict[str, float] = {}
        self.hits = 0
        hook = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                at = time.perf_counter()
                words = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.hits += 1
                for one in words.get("alerts", []):
                    hook.first.setdefault(one["labels"]["id"], at)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        class Listener(ThreadingHTTPServer):
            request_queue_size = 128

            def handle_error(self, *_: Any) -> None:
                """A server that is killed at the end of a run hangs up; that is no news."""

        self._server = Listener(("127.0.0.1", free_port()), Door)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()


@contextmanager
def fresh(name: str, *, services: int = 0, at_once: bool = False) -> Iterator[tuple[Server, Hook]]:
    """One server, fresh, with a receiver of its own; the other one is not running."""
    hook = Hook()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / name
        if name == "mainstay":
            running = mainstay(place, hook.url, services=services)
        else:
            running = alertmanager(place, hook.url, at_once=at_once)
        with running as server:
            yield server, hook
    hook.close()


def load(server: Server, *, total: int, batch: int, start: int = 0) -> dict[str, Any]:
    """Send distinct alerts; what the sender saw, and what it cost the server meanwhile."""
    job = {
        "base": server.base, "path": PATH, "headers": server.headers, "total": total,
        "batch": batch, "start": start, "connections": 8,
    }  # fmt: skip
    before, _ = server.cost()
    done = subprocess.run(
        [sys.executable, str(HERE / "load.py")], input=json.dumps(job), text=True,
        capture_output=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr + (server.folder / "log").read_text())
    after, memory = server.cost()
    result = json.loads(done.stdout)
    accepted = sum(n for status, n in result["statuses"].items() if status.startswith("2")) * batch
    latencies = sorted(result["latencies_s"])
    return {
        "server": server.name, "batch": batch, "accepted": accepted,
        "alerts_s": round(accepted / result["elapsed_s"]),
        "cpu_s_per_10k": round((after - before) * 1e4 / max(accepted, 1), 3),
        "p50_ms": round(1e3 * _share(latencies, 0.50), 2),
        "p99_ms": round(1e3 * _share(latencies, 0.99), 2),
        "rss_mib": round(memory), "statuses": result["statuses"],
    }  # fmt: skip


def intake(reps: int) -> None:
    """Accepted alerts a second, in turn, and the ratio of the medians."""
    for batch, total in ((100, 100_000), (1, 10_000)):
        seen: dict[str, list[dict[str, Any]]] = {}
        for _ in range(reps):
            for name in SERVERS:
                with fresh(name) as (server, _):
                    before, _ = server.cost()
                    figures = load(server, total=total, batch=batch)
                    figures["cpu_s_per_10k_settled"] = _settled_cost(server, figures, before)
                    show("intake", figures)
                    seen.setdefault(name, []).append(figures)
        middle = {
            name: {k: statistics.median(r[k] for r in runs) for k in ("alerts_s", "cpu_s_per_10k")}
            for name, runs in seen.items()
        }
        ours, peer = middle["mainstay"], middle["alertmanager"]
        ratios = {k: round(ours[k] / peer[k], 2) for k in ours}
        show("intake ratio", {"batch": batch, **ratios})


def _settled_cost(server: Server, figures: dict[str, Any], before_s: float) -> float | None:
    """CPU for 10,000 alerts from the first request until everything is settled; ours only."""
    if server.name != "mainstay":
        return None
    until = time.monotonic() + 120
    while backlog(server) and time.monotonic() < until:
        time.sleep(0.2)
    return round((server.cost()[0] - before_s) * 1e4 / figures["accepted"], 3)


def settle(reps: int) -> None:
    """A burst of 20,000, 100 a request: the backlog every half second after it."""
    for _ in range(reps):
        with fresh("mainstay") as (server, _):
            began = time.monotonic()
            load(server, total=20_000, batch=100)
            sent = time.monotonic()
            while backlog(server):
                time.sleep(0.1)
            drained = time.monotonic()
            status = server.get("/mainstay/v1/status")
            figures = {
                "sent_s": round(sent - began, 2), "drained_after_burst_s": round(drained - sent, 2),
                "settled_s": round(20_000 / (drained - began)), "open": status["open_alerts"],
            }  # fmt: skip
            show("settle", figures)


def latency(reps: int) -> None:
    """200 single alerts, 30 ms apart, each of a service of its own."""
    for _ in range(reps):
        for name in SERVERS:
            with fresh(name, services=200, at_once=True) as (server, hook):
                sent = {}
                for n in range(200):
                    body = json.dumps([alert(n, f"s{n}")]).encode()
                    sent[f"a{n}"] = time.perf_counter()
                    post(server, body)
                    time.sleep(0.03)
                until = time.monotonic() + 10
                while len(hook.first) < 200 and time.monotonic() < until:
                    time.sleep(0.05)
                took = sorted(hook.first[i] - at for i, at in sent.items() if i in hook.first)
                figures = {
                    "server": server.name, "told": len(took),
                    "p50_ms": round(1e3 * _share(took, 0.5), 1),
                    "p99_ms": round(1e3 * _share(took, 0.99), 1),
                    "max_ms": round(1e3 * took[-1], 1),
                }  # fmt: skip
                show("latency", figures)


def hundred(reps: int) -> None:
    """100,000 open alerts: resident memory once settled, and the list."""
    for _ in range(reps):
        for name in SERVERS:
            with fresh(name) as (server, _):
                load(server, total=100_000, batch=100)
                if server.name == "mainstay":
                    while backlog(server):
                        time.sleep(0.2)
                time.sleep(5)
                path = "/mainstay/v1/alerts" if server.name == "mainstay" else "/api/v2/alerts"
                began = time.perf_counter()
                server.get(path)
                first = time.perf_counter() - began
                figures = {
                    "server": server.name, "rss_mib": round(server.cost()[1]),
                    "list_s": round(first, 3), "what": path,
                }  # fmt: skip
                show("100k open", figures)


def post(server: Server, body: bytes) -> None:
    """One request on a connection of its own."""
    headers = {**server.headers, "Content-Type": "application/json"}
    request = urllib.request.Request(server.base + PATH, body, headers, method="POST")
    urllib.request.urlopen(request, timeout=10).read()


def backlog(server: Server) -> int:
    """Signals that wait to be settled."""
    return server.get("/mainstay/v1/status")["backlog"]


def show(what: str, figures: dict[str, Any]) -> None:
    """One line."""
    print(json.dumps({"bench": what, **figures}), flush=True)


def _share(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main() -> None:
    """Run what is named, or all."""
    benches = {"intake": intake, "settle": settle, "latency": latency, "hundred": hundred}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=[[], *benches], default=list(benches))
    parser.add_argument("--reps", type=int, default=3)
    asked = parser.parse_args()
    for name in asked.what:
        benches[name](asked.reps)


if __name__ == "__main__":
    main()
