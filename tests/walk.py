"""The corridor walked by hand: a Mainstay without threads, stepped, killed and opened again.

For properties, which open hundreds of them: the database is copied from one made once, and does
not wait for the disk (what these tests kill is the process, never the machine).
"""

from __future__ import annotations

import asyncio
import atexit
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from textwrap import dedent
from typing import Any

from databases import CHOSEN, drop, fresh, template
from mainstay import (
    acts,
    app,
    estate,
    incidents,
    loops,
    paging,
    people,
    pipeline,
    presence,
    signals,
)
from mainstay.alerts import Alert, every_open
from mainstay.foundation.clock import ManualClock, to_us
from mainstay.foundation.errors import MainstayError
from mainstay.foundation.settings import Settings
from mainstay.paging.channels import Answer, Page, To
from mainstay.runtime import Runtime

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
CHAIN = ("checkout", "pay-api", "pay-db")
ALONE = ("alpha", "beta", "gamma", "delta")
SERVICES = CHAIN + ALONE
ESTATE = """
mainstay: 1
org: {name: Alpenpay, timezone: Europe/Zurich}
teams:
  payops: {members: [mara, ben]}
  dataops: {members: [ben]}
people:
  mara: {name: Mara Keller}
  ben: {name: Ben Okafor}
  head: {name: Priya Raman}
sources:
  prometheus: {format: alertmanager}
  agents: {format: pagerduty}
routes:
  - {match: {service: "~.+"}, to: "service:{service}"}
  - {to: service:alpha}
schedules:
  payops-oncall:
    layers:
      - {rotate: weekly, handover: "mon 09:00", order: [mara, ben], starts: 2026-11-23}
escalations:
  payops:
    - {after: 0m, notify: [schedule:payops-oncall], repeat: {times: 1, every: 5m}}
    - {after: 10m, notify: [person:ben]}
  dataops: [{after: 0m, notify: [person:ben]}]
  fallback: [{after: 0m, notify: [person:head]}]
services:
  checkout: {tier: 1, owner: payops, depends: [pay-api]}
  pay-api: {tier: 1, owner: payops, depends: [pay-db]}
  pay-db: {tier: 1, owner: payops, type: database}
  alpha: {tier: 1, owner: payops}
  beta: {tier: 2, owner: payops}
  gamma: {tier: 3, owner: payops}
  delta: {tier: 3, owner: payops}
  web: {tier: 1, owner: payops, depends: [lake]}
  mobile: {tier: 1, owner: payops, depends: [lake]}
  lake: {tier: 1, owner: dataops}
"""
ROOT = people.person("root", "admin")


@dataclass(frozen=True, slots=True)
class Try:
    """One page that a channel was handed."""

    at: datetime
    kind: str
    page: Page


class Provider:
    """A channel with a journal. `fault` makes every send fail; `watch` sees each one first."""

    def __init__(self, kind: str, clock: ManualClock, journal: list[Try]) -> None:
        self.kind = kind
        self.clock = clock
        self.journal = journal
        self.fault: BaseException | None = None
        self.watch: Callable[[Page], None] = lambda page: None

    def check(self, address: str) -> str:
        return address

    async def send(self, page: Page, to: To) -> Answer:
        self.watch(page)
        self.journal.append(Try(self.clock.now(), self.kind, page))
        if self.fault is not None:
            raise self.fault
        return Answer(provider_id=None, words="accepted")


class Walk:
    """One install and its world. Nothing happens until it is told to."""

    def __init__(
        self, folder: Path | None = None, *, kinds: tuple[str, ...] = ("sms",), clock: Any = None
    ) -> None:
        self.folder = folder or Path(mkdtemp(prefix="walk-", dir=_scratch()))
        self.clock = clock or ManualClock(MONDAY)
        self.node = "walk"
        self.journal: list[Try] = []
        self.providers = {
            kind: Provider(kind, self.clock, self.journal) for kind in ("sms", "mail", "webhook")
        }
        self.database = _copy(kinds, CHOSEN.engine, self.folder / "data")
        self.app = self.open()

    def open(self) -> Runtime:
        opened = app.open_app(
            Settings(data_dir=self.folder / "data", database=self.database), environment={},
            clock=self.clock, channels=dict(self.providers), node=self.node,
        )  # fmt: skip
        if not self.database:
            opened.db.engine.writer.execute("PRAGMA synchronous = OFF")
        return opened

    def restart(self) -> None:
        """The process is gone, with all that it had in memory; another opens the same database."""
        self.app.close()
        self.app = self.open()

    def end(self) -> None:
        self.app.close()
        drop(self.database)
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- what comes in ------------------------------------------------------------------------------

    def sends(self, items: list[dict[str, Any]], *, source: str = "prometheus") -> str:
        """A request at a door; durable, and not settled yet."""
        return receive(self.app, items, source=source)

    def fires(self, service: str, name: str = "A", *, severity: str = "critical") -> None:
        """An alert fires, and everything that follows now happens."""
        self.sends([fire(service, name, severity)])
        self.settle()

    def clears(self, service: str, name: str = "A", *, severity: str = "critical") -> None:
        """It is over at the source."""
        self.sends([over(service, name, severity, self.clock.now())])
        self.settle()

    def settle(self) -> None:
        """Step every loop until nothing is due."""
        app.drain(self.app)

    def forward(self, *, each_s: float = 60, **span: float) -> None:
        """Time passes, a minute at a time, and the loops with it."""
        end = ManualClock(self.clock.now()).forward(**span)
        while self.clock.now() < end:
            self.clock.forward(seconds=min(each_s, (end - self.clock.now()).total_seconds()))
            self.settle()

    def act(self, command: acts.Command, *, who: people.Actor = ROOT) -> acts.Done:
        """Somebody does something; what follows from it has not happened yet."""
        now = self.clock.now()
        return self.app.db.run(
            lambda tx: pipeline.act(tx, self.app.ground, command, actor=who, now=now)
        )

    def address(self, person: str, kind: str) -> Any:
        """One more address for somebody."""
        command = acts.commands.AddAddress(person, kind, f"{person}/{kind}")
        return self.act(command).value

    def begin(self) -> list[pipeline.Ready]:
        """Fire what is due and commit the attempts, handing nothing to a channel."""
        now = self.clock.now()
        loops.settle(self.app, now)
        self.app.db.run(lambda tx: pipeline.fire_steps(tx, self.app.ground, now=now))
        return self.app.db.run(lambda tx: pipeline.begin_sends(tx, self.app.ground, now=now))

    def finish(self, ready: pipeline.Ready, outcome: Answer | MainstayError | None = None) -> None:
        """Commit what the provider said; None: hand the page to its channel and see."""
        if outcome is None:
            outcome = asyncio.run(self.app.send(ready.address, ready.page))  # type: ignore[arg-type]
        now = self.clock.now()
        self.app.db.run(
            lambda tx: pipeline.finish_send(
                tx, self.app.ground, ready, outcome, jitter=0.0, now=now
            )
        )

    # -- what can be seen ---------------------------------------------------------------------------

    def alerts(self) -> list[Alert]:
        """The open ones."""
        return self.app.db.read(every_open)

    def incidents(self) -> list[incidents.Incident]:
        """All of them, oldest first."""
        found = self.app.db.read(
            lambda tx: incidents.page(tx, open_only=False, before=None, limit=500)
        )
        return sorted(found, key=lambda one: one.number)

    def incident(self, number: int = 1) -> incidents.Incident:
        found = self.app.db.read(lambda tx: incidents.by_number(tx, number))
        assert found is not None
        return found

    def pages(self, number: int = 1) -> list[paging.Send]:
        """The outbox rows of one incident."""
        one = self.incident(number)
        return self.app.db.read(lambda tx: paging.sends_of_incident(tx, one.id))

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """What is stored."""
        return self.app.db.read(lambda tx: [dict(row) for row in tx.all(sql, **params)])

    def told(self, kind: str) -> list[str]:
        """The sentences of one kind in the record."""
        found = self.rows(
            "SELECT because FROM foundation_record WHERE kind = :kind ORDER BY seq", kind=kind
        )
        return [row["because"] for row in found]


def receive(app: Runtime, items: list[dict[str, Any]], *, source: str = "prometheus") -> str:
    """A request at a door of `source`: its receipt."""
    now, raw = app.clock.now(), json.dumps(items).encode()
    receipt = app.ground.ids.new("rcp", now)
    view = app.db.read(app.ground.views.current)
    declared = view.estate.sources[source]
    door = next(door for door in signals.DOORS if door.format == declared.format)
    reading = door.read(raw, declared, signals.Arrival(receipt, to_us(now)))
    request = signals.Arrived(
        receipt, now, source, door.name, view.version, {}, raw, reading.verdict
    )
    app.db.run(lambda tx: pipeline.accept(tx, request))
    return receipt


def fire(service: str, name: str = "A", severity: str = "critical") -> dict[str, Any]:
    """One alert as Prometheus posts it, far from its own end."""
    labels = {"alertname": name, "service": service, "severity": severity}
    return {
        "labels": labels, "annotations": {"summary": f"{name} on {service}"},
        "startsAt": "2026-11-23T07:59:00Z", "endsAt": "2027-11-23T07:59:00Z",
    }  # fmt: skip


def over(service: str, name: str, severity: str, at: datetime) -> dict[str, Any]:
    """The same, resolved."""
    return fire(service, name, severity) | {"endsAt": at.isoformat()}


@cache
def _scratch() -> Path:
    """In memory where the machine offers it: nothing here is about the disk."""
    shm = Path("/dev/shm")
    folder = Path(mkdtemp(prefix="mainstay-", dir=shm if shm.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _copy(kinds: tuple[str, ...], engine: str, data: Path) -> str:
    """An install with the estate in force and an address of each kind for everybody; its URL."""
    if engine == "postgresql":
        return fresh(_server_template(kinds))
    shutil.copytree(_file_template(kinds), data)
    return ""


@cache
def _file_template(kinds: tuple[str, ...]) -> Path:
    folder = Path(mkdtemp(prefix="template-", dir=_scratch()))
    _fill(folder, kinds, "")
    return folder / "data"


@cache
def _server_template(kinds: tuple[str, ...]) -> str:
    folder = Path(mkdtemp(prefix="template-", dir=_scratch()))
    return template("walk_" + "_".join(kinds), lambda url: _fill(folder, kinds, url))


def _fill(folder: Path, kinds: tuple[str, ...], url: str) -> None:
    (folder / "estate").mkdir()
    (folder / "estate" / "estate.yaml").write_text(dedent(ESTATE))
    declared = estate.read(folder / "estate")
    clock = ManualClock(MONDAY)
    providers = {kind: Provider(kind, clock, []) for kind in kinds}
    made = app.open_app(
        Settings(data_dir=folder / "data", database=url), environment={}, clock=clock,
        channels=providers, node="template",
    )  # fmt: skip

    def act(command: acts.Command) -> None:
        made.db.run(lambda tx: pipeline.act(tx, made.ground, command, actor=ROOT, now=clock.now()))

    act(acts.commands.Apply(declared))
    for person in declared.people:
        for kind in kinds:
            act(acts.commands.AddAddress(person, kind, f"{person}/{kind}"))
    presence.sign_off(made, clock.now())  # a walk is at another place, and frees nothing of ours
    made.close()
