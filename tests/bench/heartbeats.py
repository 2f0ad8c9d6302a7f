"""Figures of heartbeats: what a ping costs, and how soon the late ones are told.

    .venv/bin/python tests/bench/heartbeats.py

A real `mainstay serve`, every ping on the disk before its answer. Healthchecks as its docs run it
(uWSGI, PostgreSQL) was measured on the machine of these figures before: 173 to 191 CPU-s for 10,000
pings, 67 with persistent connections; from deadline to alert p99 12 s, 500 at once after 36.6 s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import load
import servers

PINGS = 10_000
BEATS = 500
CONNECTIONS = 8
PERIOD_S, GRACE_S = 20, 5
HEALTHCHECKS = {"a new connection each": 173.0, "kept-alive connections": 67.0}
"""CPU seconds for 10,000 pings, the better of what was measured."""
LATE_WITHIN_S = 90


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pings", type=int, default=PINGS)
    pings = parser.parse_args().pings
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.mainstay(Path(folder) / "m", "http://127.0.0.1:9/hook") as server,
    ):
        paths = [made(server, number) for number in range(BEATS)]
        for name, fresh in (("a new connection each", True), ("kept-alive connections", False)):
            elapsed, cpu = cost_of(server, paths, pings, fresh=fresh)
            each = cpu * 10_000 / pings
            share = HEALTHCHECKS[name] / each
            print(
                f"{name}: {pings / elapsed:,.0f}/s, {each:.2f} CPU-s for 10,000 pings, folded"
                f" included (Healthchecks {HEALTHCHECKS[name]:.0f}: 1/{share:.0f})"
            )
        late(server, paths)


def made(server: servers.Server, number: int) -> str:
    """A heartbeat; the path that pings it."""
    body = {"name": f"job-{number}", "period": f"{PERIOD_S}s", "grace": f"{GRACE_S}s"}
    url: str = server.post("/mainstay/v1/heartbeats", body)["heartbeat"]["ping_url"]
    return "/ping/" + url.rpartition("/")[2]


def cost_of(
    server: servers.Server, paths: list[str], pings: int, *, fresh: bool
) -> tuple[float, float]:
    """Seconds, and CPU seconds of the server, until every ping is folded."""
    host = server.base.partition("://")[2]
    close = "Connection: close\r\n" if fresh else ""
    requests = [
        f"GET {paths[n % BEATS]} HTTP/1.1\r\nHost: {host}\r\n{close}\r\n".encode()
        for n in range(pings)
    ]
    before = sum(pings_n(server))
    cpu, began = server.cost()[0], time.perf_counter()
    if fresh:
        answers = asyncio.run(one_by_one(host, requests))
    else:
        answers = asyncio.run(load.send(server.base, requests, CONNECTIONS)).statuses
    elapsed = time.perf_counter() - began
    assert answers == {200: pings}, answers
    while sum(pings_n(server)) < before + pings:
        time.sleep(0.1)
    return elapsed, server.cost()[0] - cpu


async def one_by_one(host: str, requests: list[bytes]) -> dict[int, int]:
    """Each on a connection of its own, as curl does, `CONNECTIONS` at a time."""
    name, _, port = host.partition(":")
    waiting, answers = iter(requests), dict[int, int]()

    async def worker() -> None:
        for request in waiting:
            reader, writer = await asyncio.open_connection(name, int(port))
            writer.write(request)
            status = int((await reader.read())[9:12])
            answers[status] = answers.get(status, 0) + 1
            writer.close()

    await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))
    return answers


def late(server: servers.Server, paths: list[str]) -> None:
    """All of them ping once more, together; then none does. When is each told?"""
    host = server.base.partition("://")[2]
    requests = [f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() for path in paths]
    asyncio.run(load.send(server.base, requests, CONNECTIONS))
    until = time.monotonic() + LATE_WITHIN_S
    while len(told := told_late(server)) < BEATS:
        assert time.monotonic() < until, f"only {len(told)} of {BEATS} were told"
        time.sleep(0.5)
    lags = sorted(told)
    after = statistics.quantiles(lags, n=100)
    print(
        f"deadline to signal, {BEATS} late together: p50 {after[49] * 1000:.0f} ms,"
        f" p99 {after[98] * 1000:.0f} ms, the last {lags[-1] * 1000:.0f} ms"
        " (Healthchecks: p99 12 s, 500 at once 36.6 s)"
    )


def told_late(server: servers.Server) -> list[float]:
    """Seconds from the deadline of each to its signal."""
    last = rows(server, "SELECT id, last_at FROM checks_beat")
    deadline = {one["id"]: one["last_at"] / 1e6 + PERIOD_S + GRACE_S for one in last}
    signals = rows(
        server, "SELECT received_at, body FROM signals_request WHERE source = 'heartbeats'"
    )
    newest = {}
    for one in signals:
        event = json.loads(one["body"])
        if event["event_action"] == "trigger":
            newest[event["dedup_key"]] = one["received_at"] / 1e6
    return [at - deadline[id_] for id_, at in newest.items() if at >= deadline[id_]]


def pings_n(server: servers.Server) -> list[int]:
    """Pings that were folded, of each heartbeat."""
    return [one["pings_n"] for one in rows(server, "SELECT pings_n FROM checks_beat")]


def rows(server: servers.Server, sql: str) -> list[Any]:
    """What is stored, read beside the server."""
    [file] = (server.folder / "data").glob("*.db")
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return db.execute(sql).fetchall()


if __name__ == "__main__":
    main()
