"""An acknowledgement races the next step of the policy: once it is committed, no page begins (P3).

Each incident is taken within 50 ms of the instant when the second step is due. The order of events is
written down by the database itself, in triggers: it has one writer, so its order is the order.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from live import FakeChannel, Phone
from mainstay import acts, app, estate, loops, people, pipeline
from mainstay.foundation.clock import ManualClock
from mainstay.foundation.settings import Settings
from mainstay.runtime import Runtime
from peers import wait_until
from walk import fire, receive

ACKS = 1_000 if "MAINSTAY_PROOF_ROUNDS" in os.environ else 150
APART = timedelta(milliseconds=10)
"""Between the due times of two incidents."""
SPREAD_S = 0.05
STEP = timedelta(minutes=1)
ROOT = people.person("root", "admin")
ESTATE = """
mainstay: 1
org: {name: Alpenpay, timezone: UTC}
teams:
  payops: {members: [mara, ben]}
people:
  mara: {name: Mara Keller}
  ben: {name: Ben Okafor}
sources:
  prometheus: {format: alertmanager}
routes:
  - {match: {service: "~.+"}, to: "service:{service}"}
  - {to: service:s0}
escalations:
  payops: [{after: 0m, notify: [person:mara]}, {after: 1m, notify: [person:ben]}]
  fallback: [{after: 0m, notify: [person:mara]}]
services:
"""
WITNESS = (
    "CREATE TABLE race (seq INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT, incident TEXT)",
    "CREATE TRIGGER race_begun AFTER UPDATE OF state ON paging_send"
    " WHEN NEW.state = 'sending' AND NEW.step = 1"
    " BEGIN INSERT INTO race (what, incident) VALUES ('begun', NEW.incident); END",
    "CREATE TRIGGER race_taken AFTER UPDATE OF acked_by ON incidents_incident"
    " WHEN NEW.acked_by IS NOT NULL AND OLD.acked_by IS NULL"
    " BEGIN INSERT INTO race (what, incident) VALUES ('taken', NEW.id); END",
)


class Running:
    """A clock that was stopped and goes on, in step with the machine's."""

    def __init__(self, start: datetime) -> None:
        self._start, self._began = start, time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._began)

    def jumped(self) -> timedelta:
        return timedelta(0)

    def follow(self, by: timedelta) -> None:
        raise NotImplementedError

    def keep_up(self, moved_us: object) -> None:
        """It is nobody else's."""


def test_once_somebody_has_it_no_later_page_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phones: dict[str, Phone] = {}
    dues = _incidents(tmp_path, phones)
    first = min(dues.values())
    with _running(tmp_path, phones, Running(first - timedelta(seconds=1))) as runtime:
        _take_them(runtime, dues)
        last = max(dues.values()) + timedelta(seconds=2)
        wait_until(
            lambda: runtime.clock.now() > last and not _is_under_way(runtime), within_s=60,
            what="the last step",
        )  # fmt: skip
        order = runtime.db.read(
            lambda tx: [
                tuple(row) for row in tx.all("SELECT incident, what FROM race ORDER BY seq")
            ]
        )
    seen: dict[str, list[str]] = {}
    for incident, what in order:
        seen.setdefault(incident, []).append(what)
    assert set(seen) == set(dues)
    assert all(events in (["taken"], ["begun", "taken"]) for events in seen.values()), seen
    begun = [incident for incident, events in seen.items() if events[0] == "begun"]
    paged = [page for page in phones["ben"].pages if page.facts["event"] == "page"]
    assert len(paged) == len(begun)
    assert ACKS * 0.02 < len(begun) < ACKS * 0.98, "nothing raced"
    with capsys.disabled():
        print(f"\n{len(dues)} acknowledgements at due time ± 50 ms: {len(begun)} pages were under "
              "way by then, 0 began after one")  # fmt: skip


def _open(folder: Path, phones: dict[str, Phone], clock: ManualClock | Running) -> Runtime:
    return app.open_app(
        Settings(data_dir=folder / "data"), environment={}, clock=clock, node="race",
        channels={"webhook": FakeChannel("webhook", phones)},
    )  # fmt: skip


def _incidents(folder: Path, phones: dict[str, Phone]) -> dict[str, datetime]:
    """As many, each with its first page sent: incident → when its second step is due."""
    services = "".join(f"  s{n}: {{tier: 1, owner: payops}}\n" for n in range(ACKS))
    (folder / "estate").mkdir()
    (folder / "estate" / "estate.yaml").write_text(dedent(ESTATE) + services)
    clock = ManualClock(datetime(2026, 11, 23, 8, tzinfo=UTC))
    runtime = _open(folder, phones, clock)
    _act(runtime, acts.commands.Apply(estate.read(folder / "estate")))
    for person in ("mara", "ben"):
        _act(runtime, acts.commands.AddAddress(person, "webhook", f"http://127.0.0.1:1/{person}"))
    for statement in WITNESS:
        runtime.db.run(lambda tx, statement=statement: tx.run(statement))
    for number in range(ACKS):
        clock.forward(milliseconds=APART / timedelta(milliseconds=1))
        receive(runtime, [fire(f"s{number}")])
        loops.settle(runtime, clock.now())
    app.drain(runtime)
    rows = runtime.db.read(lambda tx: tx.all("SELECT incident, started_at FROM paging_escalation"))
    found = {row["incident"]: row["started_at"] for row in rows}
    runtime.close()
    assert len(found) == ACKS
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return {id: epoch + timedelta(microseconds=at) + STEP for id, at in found.items()}


def _act(runtime: Runtime, command: acts.Command) -> None:
    now = runtime.clock.now()
    runtime.db.run(lambda tx: pipeline.act(tx, runtime.ground, command, actor=ROOT, now=now))


@contextmanager
def _running(folder: Path, phones: dict[str, Phone], clock: Running) -> Iterator[Runtime]:
    runtime = _open(folder, phones, clock)
    runtime.db.start()
    threads = loops.Threads(runtime)
    threads.start()
    try:
        yield runtime
    finally:
        threads.stop()
        runtime.close()


def _take_them(runtime: Runtime, dues: dict[str, datetime]) -> None:
    """Each at its due time, 50 ms sooner or later; sixteen people at once."""
    dice = random.Random(3)
    plan = sorted((at + timedelta(seconds=dice.uniform(-SPREAD_S, SPREAD_S)), id)
                  for id, at in dues.items())  # fmt: skip

    def take(at: datetime, incident: str) -> None:
        threading.Event().wait(max((at - runtime.clock.now()).total_seconds(), 0))
        _act(runtime, acts.commands.Acknowledge(incident))

    with ThreadPoolExecutor(16) as people_at_once:
        list(people_at_once.map(lambda one: take(*one), plan))


def _is_under_way(runtime: Runtime) -> bool:
    count = "SELECT count(*) FROM paging_send WHERE state IN ('waiting', 'sending')"
    return bool(runtime.db.read(lambda tx: tx.value(count)))
