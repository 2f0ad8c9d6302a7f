"""SQLite beside PostgreSQL, in one run on the same disk: `python tests/bench/engines.py`.

    accepted  alerts a second that heard 2xx, 100 a request and 1 a request, 8 connections
    settled   alerts a second from the first request of a burst of 20,000 until nothing waits
    told      POST to the webhook receiver's hit, one alert at a time

PostgreSQL is Debian's with its own settings but 512 MB of shared buffers, on this machine, by its
socket; its processes share the processors with ours. Prints one JSON line a figure.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from corridor import Hook, backlog, load, post, show
from load import alert
from servers import Server, mainstay

from clusters import Cluster

ENGINES = ("sqlite", "postgresql")
BURST = 20_000
NUMBERS = count(1)


@contextmanager
def fresh(engine: str, cluster: Cluster, *, services: int = 0) -> Iterator[tuple[Server, Hook]]:
    """A server on an empty database of this engine, with a receiver."""
    url = cluster.create(f"bench_{next(NUMBERS)}") if engine == "postgresql" else ""
    hook = Hook()
    with tempfile.TemporaryDirectory() as folder:
        running = mainstay(Path(folder) / "m", hook.url, services=services, database=url)
        with running as server:
            yield server, hook
    hook.close()


def accepted(cluster: Cluster) -> None:
    """Alerts a second that are on the disk."""
    for batch, total in ((100, BURST), (1, 5_000)):
        for engine in ENGINES:
            with fresh(engine, cluster) as (server, _):
                figures = load(server, total=total, batch=batch)
                show("accepted", {"engine": engine} | figures)


def settled(cluster: Cluster) -> None:
    """A burst, 100 a request, until nothing waits."""
    for engine in ENGINES:
        with fresh(engine, cluster) as (server, _):
            began = time.monotonic()
            load(server, total=BURST, batch=100)
            sent = time.monotonic()
            while backlog(server):
                time.sleep(0.1)
            drained = time.monotonic()
            show("settled", {
                "engine": engine, "sent_s": round(sent - began, 2),
                "drained_s": round(drained - began, 2),
                "settled_s": round(BURST / (drained - began)),
            })  # fmt: skip


def told(cluster: Cluster) -> None:
    """100 single alerts, 30 ms apart, each of a service of its own."""
    for engine in ENGINES:
        with fresh(engine, cluster, services=100) as (server, hook):
            sent = {}
            for n in range(100):
                sent[f"a{n}"] = time.perf_counter()
                post(server, json.dumps([alert(n, f"s{n}")]).encode())
                time.sleep(0.03)
            until = time.monotonic() + 20
            while len(hook.first) < 100 and time.monotonic() < until:
                time.sleep(0.05)
            took = sorted(hook.first[i] - at for i, at in sent.items() if i in hook.first)
            show("told", {
                "engine": engine, "told": len(took),
                "p50_ms": round(1e3 * statistics.median(took), 1),
                "max_ms": round(1e3 * took[-1], 1),
            })  # fmt: skip


def main() -> None:
    """Run all, as often as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reps", type=int, default=2)
    reps = parser.parse_args().reps
    with Cluster.made(memory=False, shared_buffers="512MB", autovacuum="on") as cluster:
        for _ in range(reps):
            accepted(cluster)
            settled(cluster)
            told(cluster)


if __name__ == "__main__":
    main()
