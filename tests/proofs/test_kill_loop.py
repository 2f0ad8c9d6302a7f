"""Killed with -9 again and again under eight writers: what heard 2xx is there, and is paged for.

`MAINSTAY_PROOF_ROUNDS=40` runs the full count. The last test breaks the server on purpose: a proof
that cannot fail proves nothing.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from fakes.world import Hit, Provider, World
from mainstay import acts, app, estate, people, pipeline
from mainstay.foundation.settings import Settings
from peers import free_port, wait_until

ROUNDS = int(os.environ.get("MAINSTAY_PROOF_ROUNDS", "6"))
WRITERS = 8
SERVICES = 60
UP_WITHIN_S = 30.0
DRAINED_WITHIN_S = 90.0
ESTATE = """
mainstay: 1
org: {name: Alpenpay, timezone: UTC}
teams:
  payops: {members: [mara]}
people:
  mara: {name: Mara Keller}
sources:
  prometheus: {format: alertmanager}
routes:
  - {match: {service: "~.+"}, to: "service:{service}"}
  - {to: service:s0}
escalations:
  payops: [{after: 0m, notify: [person:mara]}]
  fallback: [{after: 0m, notify: [person:mara]}]
services:
"""
SERVE = [sys.executable, "-m", "mainstay", "serve"]
EARLY_ANSWER = """
import asyncio, sys
from mainstay import running as program
from mainstay.api.doors import Intake

durable = Intake.keep

async def keep(self, arrived):
    "Answers before the commit: the lie that the proof must find."
    async def later():
        await asyncio.sleep(0.1)
        await durable(self, arrived)
    self.__dict__.setdefault("later", set()).add(asyncio.create_task(later()))

Intake.keep = keep
program.main()
"""


@dataclass
class Ledger:
    """What the senders know: which alerts heard 2xx. It lives outside of what is killed."""

    acknowledged: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True)
class Found:
    """What is left after the last kill, drained."""

    kills: int
    acknowledged: int
    lost: set[str]
    doubled: set[str]
    """Alerts that are stored twice."""
    never_attempted: set[str]
    """Incidents that no receiver ever heard of."""
    untold: set[str]
    """Alerts of which the webhook never heard."""
    copies: int
    """Pages that came again under their own key."""
    unsaid: int
    """Copies that did not say so."""
    keys_of_pages: bool
    """Whether each page that the outbox calls sent reached the receiver under its key."""

    def __str__(self) -> str:
        return (
            f"{self.kills} × kill -9 under {WRITERS} writers: {self.acknowledged} acknowledged, "
            f"{len(self.lost)} lost, {len(self.doubled)} doubled, "
            f"{len(self.never_attempted)} incidents never paged, {len(self.untold)} alerts untold, "
            f"{self.copies} pages sent again, {self.unsaid} of them without saying so"
        )


@pytest.mark.timeout(60 + 20 * ROUNDS)
def test_killed_again_and_again_nothing_acknowledged_is_lost_and_every_page_is_attempted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = kill_loop(tmp_path, rounds=ROUNDS, command=SERVE)
    with capsys.disabled():
        print(f"\n{found}")
    assert found.acknowledged > 10 * ROUNDS
    assert not found.lost
    assert not found.doubled
    assert not found.never_attempted
    assert not found.untold
    assert found.keys_of_pages
    assert found.unsaid == 0
    assert found.copies <= WRITERS * found.kills


def test_a_server_that_answers_before_it_has_committed_is_found_out(tmp_path: Path) -> None:
    liar = tmp_path / "liar.py"
    liar.write_text(EARLY_ANSWER)
    found = kill_loop(tmp_path, rounds=2, command=[sys.executable, str(liar), "serve"])
    assert found.lost, str(found)


# -- the loop --------------------------------------------------------------------------------------


def kill_loop(folder: Path, *, rounds: int, command: list[str]) -> Found:
    """Post, kill, start again, `rounds` times; then let it drain and count."""
    ledger, dice = Ledger(), random.Random(7)  # the kills fall where they fall, every run alike
    with World() as world:
        hook = world.provider("webhook")
        key = _set_up(folder, hook)
        port = free_port()
        with _writers(ledger, key, port):
            for _ in range(rounds):
                with _server(command, folder, hook, port) as server:
                    before = len(ledger.acknowledged)
                    wait_until(
                        lambda before=before: len(ledger.acknowledged) > before + WRITERS,
                        within_s=UP_WITHIN_S, what="acknowledged alerts",
                    )  # fmt: skip
                    threading.Event().wait(dice.uniform(0.05, 0.8))
                    server.kill()
        with _server(SERVE, folder, hook, port):
            wait_until(lambda: _is_drained(folder), within_s=DRAINED_WITHIN_S, what="an empty desk")
            _wait_until_told(folder, hook)
        return _count(folder, ledger, hook.hits, kills=rounds)


def _set_up(folder: Path, hook: Provider) -> str:
    """An estate, mara's webhook, and a key for Prometheus."""
    services = "".join(f"  s{n}: {{tier: 1, owner: payops}}\n" for n in range(SERVICES))
    (folder / "estate").mkdir()
    (folder / "estate" / "estate.yaml").write_text(dedent(ESTATE) + services)
    settings = Settings(data_dir=folder / "data", egress={"allow": [hook.at]})
    made = app.open_app(settings, environment={})
    root, now = people.person("root", "admin"), made.clock.now()

    def act(command: acts.Command) -> acts.Done:
        return made.db.run(lambda tx: pipeline.act(tx, made.ground, command, actor=root, now=now))

    act(acts.commands.Apply(estate.read(folder / "estate")))
    act(acts.commands.AddAddress("mara", "webhook", f"{hook.url}/mara"))
    key = act(acts.commands.CreateKey("prometheus")).secret
    made.close()
    assert key is not None
    return key


@contextmanager
def _server(
    command: list[str], folder: Path, hook: Provider, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    """One that answers; killed with -9 at the end, whatever it is doing."""
    flags = ["--data", str(folder / "data"), "--listen", f"127.0.0.1:{port}", "--allow-root",
             "--egress-allow", hook.at]  # fmt: skip
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen([*command, *flags], stdout=log, stderr=log, env=environment)
    try:
        wait_until(lambda: _answers(process, port, folder), within_s=UP_WITHIN_S, what="a server")
        yield process
    finally:
        process.kill()
        process.wait()


def _answers(process: subprocess.Popen[bytes], port: int, folder: Path) -> bool:
    assert process.poll() is None, (folder / "server.log").read_text()[-2000:]
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as connection:
            connection.request("GET", "/livez")
            return connection.getresponse().status == 200
    except OSError:
        return False


@contextmanager
def _writers(ledger: Ledger, key: str, port: int) -> Iterator[None]:
    stop, lock = threading.Event(), threading.Lock()
    threads = [
        threading.Thread(target=_write, args=(n, ledger, lock, stop, key, port), daemon=True)
        for n in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)


def _write(
    writer: int, ledger: Ledger, lock: threading.Lock, stop: threading.Event, key: str, port: int
) -> None:
    """Distinct alerts, one after the other; one without an answer is sent again until it has one."""
    number = 0
    connection: http.client.HTTPConnection | None = None
    while not stop.is_set():
        name = f"w{writer}n{number}"
        labels = {"alertname": name, "service": f"s{number % SERVICES}", "severity": "critical"}
        body = json.dumps([{"labels": labels, "startsAt": "2026-01-01T00:00:00Z",
                            "endsAt": "2099-01-01T00:00:00Z"}])  # fmt: skip
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        try:
            connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("POST", "/api/v2/alerts", body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection = None
            with lock:
                ledger.unknown.add(name)
            stop.wait(0.02)
            continue
        with lock:
            ledger.statuses[answer.status] += 1
            if answer.status == 200:
                ledger.acknowledged.add(name)
                number += 1


# -- the count -------------------------------------------------------------------------------------


def _rows(folder: Path, sql: str) -> list[Any]:
    uri = f"file:{folder}/data/mainstay.db?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=10)) as connection:
        return connection.execute(sql).fetchall()


def _is_drained(folder: Path) -> bool:
    """Nothing waits: no signal to be settled, no step, no page, no update on its way."""
    (waiting,) = _rows(folder, "SELECT count(*) FROM signals_request WHERE state = 'waiting'")[0]
    (due,) = _rows(
        folder,
        "SELECT count(*) FROM foundation_due WHERE kind IN ('paging.send', 'paging.feed')"
        " OR (kind = 'paging.step' AND facts LIKE '%\"step\":0%')",
    )[0]
    return waiting == 0 and due == 0


def _wait_until_told(folder: Path, hook: Provider) -> None:
    """As long as the webhook is told more, it may still be told all."""
    stored = {row[0] for row in _rows(folder, "SELECT id FROM alerts_alert")}
    try:
        wait_until(lambda: stored <= _told(hook.hits), within_s=10, what="every alert told")
    except AssertionError:
        return  # the count says which


def _told(hits: list[Hit]) -> set[str]:
    return {alert["id"] for hit in hits for alert in hit.json["alerts"]}


def _count(folder: Path, ledger: Ledger, hits: list[Hit], *, kills: int) -> Found:
    stored = Counter(
        json.loads(labels)["alertname"]
        for (labels,) in _rows(folder, "SELECT labels FROM alerts_alert")
    )
    pages = [hit for hit in hits if hit.json["event"] == "page"]
    paged = {hit.json["incident"]["id"] for hit in pages}
    by_key = Counter(hit.key for hit in pages)
    first_said = Counter(hit.key for hit in pages if not hit.json["repeat"])
    sent = {key for (key,) in _rows(
        folder, "SELECT idempotency_key FROM paging_send WHERE state = 'sent'")}  # fmt: skip
    return Found(
        kills=kills,
        acknowledged=len(ledger.acknowledged),
        lost=ledger.acknowledged - set(stored),
        doubled={name for name, count in stored.items() if count > 1},
        never_attempted={row[0] for row in _rows(folder, "SELECT id FROM incidents_incident")}
        - paged,
        untold={row[0] for row in _rows(folder, "SELECT id FROM alerts_alert")} - _told(hits),
        copies=sum(count - 1 for count in by_key.values()),
        unsaid=sum(count - 1 for count in first_said.values() if count > 1),
        keys_of_pages=sent <= set(by_key),
    )
