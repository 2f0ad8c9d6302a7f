"""A whole Mainstay in-process: a fresh database, a clock that is moved by hand, fake phones.

Stories run no threads: `world.settle()` steps every loop until nothing is due.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

from databases import fresh
from mainstay import acts, app, estate, incidents, paging, people, pipeline, signals
from mainstay.foundation import record
from mainstay.foundation.clock import ManualClock, to_us
from mainstay.foundation.errors import MainstayError
from mainstay.foundation.settings import Settings
from mainstay.foundation.settings.values import DiagnosisSettings
from mainstay.foundation.settings.values import Egress as Allowed
from mainstay.ground import source_in
from mainstay.paging.channels import Answer, Page, To

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

ESTATE = """
mainstay: 1
org: {name: Alpenpay, timezone: Europe/Zurich}
teams:
  payops: {members: [mara, ben]}
people:
  mara: {name: Mara Keller}
  ben: {name: Ben Okafor}
  head: {name: Priya Raman}
sources:
  prometheus: {format: alertmanager}
  agents: {format: pagerduty}
routes:
  - {match: {service: "~.+"}, to: "service:{service}"}
  - {to: service:unrouted}
schedules:
  payops-oncall:
    layers:
      - {rotate: weekly, handover: "mon 09:00", order: [mara, ben], starts: 2026-11-23}
escalations:
  payops:
    - {after: 0m, notify: [schedule:payops-oncall]}
    - {after: 10m, notify: [person:ben]}
  fallback: [{after: 0m, notify: [person:head]}]
services:
  checkout: {tier: 1, owner: payops, depends: [pay-api]}
  pay-api: {tier: 1, owner: payops, depends: [pay-db]}
  pay-db: {tier: 1, owner: payops, type: database}
  reports: {tier: 3, owner: payops}
  unrouted: {tier: 3, owner: payops}
"""


class Phone:
    """What one person was sent, by every channel; `fails` makes the world answer badly."""

    def __init__(self) -> None:
        self.pages: list[Page] = []

    def expects(self, *words: str) -> Page:
        """The next page, which must hold these words."""
        assert self.pages, f"no page came; expected {words}"
        page = self.pages.pop(0)
        for word in words:
            assert word in page.subject + page.text, (word, page.subject, page.text)
        return page

    def is_quiet(self) -> bool:
        """Whether nothing (more) came."""
        return not self.pages


class FakeChannel:
    """A channel that delivers to fake phones. The address is the person's id, perhaps `id/more`."""

    def __init__(self, kind: str, phones: dict[str, Phone]) -> None:
        self.kind = kind
        self.phones = phones
        self.faults: list[MainstayError] = []
        self.always: MainstayError | None = None
        self.tried: list[str] = []

    def check(self, address: str) -> str:
        return address

    async def send(self, page: Page, to: To) -> Answer:
        self.tried.append(page.idempotency_key)
        if self.faults:
            raise self.faults.pop(0)
        if self.always is not None:
            raise self.always
        self.phones[page.person].pages.append(page)
        return Answer(provider_id=f"m{len(self.tried)}", words="accepted")


class World:
    """The story's whole world."""

    def __init__(self, folder: Path, text: str, *, allow: tuple[str, ...] = ()) -> None:
        self.allow = allow
        self.folder = folder
        self.clock = ManualClock(MONDAY)
        self.phones: dict[str, Phone] = {}
        self.sms = FakeChannel("sms", self.phones)
        self.mail = FakeChannel("mail", self.phones)
        self.webhook = FakeChannel("webhook", self.phones)
        self.push = FakeChannel("push", self.phones)
        self.database = fresh()
        self.app = self._open()
        self.text = text
        self.apply(text)

    def _open(self) -> Any:
        return app.open_app(
            Settings(
                data_dir=self.folder / "data",
                database=self.database,
                egress=Allowed(allow=self.allow),
            ),
            environment={},
            clock=self.clock,
            channels={c.kind: c for c in (self.sms, self.mail, self.webhook, self.push)},
            node="story",
        )

    def use(self, *, collectors: Any, budget_s: float = 20) -> None:
        """Other collectors from now on, and another budget for them."""
        wanted = DiagnosisSettings(budget_s=budget_s)
        settings = self.app.settings.model_copy(update={"diagnosis": wanted})
        self.app = replace(self.app, collectors=collectors, settings=settings)

    def restart(self) -> None:
        """Close, and open again on the same database."""
        self.app.close()
        self.app = self._open()

    def apply(self, text: str, *, rebase: bool = False) -> None:
        """Put an estate in force; everybody in it has an SMS address."""
        folder = self.folder / "estate"
        folder.mkdir(exist_ok=True)
        (folder / "estate.yaml").write_text(dedent(text))
        declared = estate.read(folder)
        self.act(acts.commands.Apply(declared, rebase), who="root", role="admin")
        for person in declared.people:
            if person not in self.phones:
                self.phones[person] = Phone()
                self.address(person, "sms")

    def address(self, person: str, kind: str, *, secret: str | None = None) -> Any:
        """Another address for somebody."""
        command = acts.commands.AddAddress(person, kind, f"{person}/{kind}", secret)
        return self.act(command, who="root", role="admin").value

    def addresses(self, person: str) -> list[people.Address]:
        """Where somebody can be reached now."""
        return list(self.app.db.read(lambda tx: people.addresses(tx, person)))

    def __getattr__(self, person: str) -> Any:
        if person in self.__dict__.get("phones", {}):
            return self.phones[person]
        raise AttributeError(person)

    # -- what the world does -----------------------------------------------------------------------

    def sends(self, source: str, body: Any) -> str:
        """A request at a source's door; returns its receipt. Nothing is settled yet."""
        now = self.clock.now()
        raw = json.dumps(body).encode()
        receipt = self.app.ground.ids.new("rcp", now)
        view = self.app.db.read(self.app.ground.views.current)
        declared = source_in(view, source)
        door = _door(declared.format)
        reading = door.read(raw, declared, signals.Arrival(receipt, to_us(now)))
        request = signals.Arrived(
            receipt, now, source, door.name, view.version, {}, raw, reading.verdict
        )
        self.app.db.run(lambda tx: pipeline.accept(tx, request))
        return receipt

    def fires(self, service: str, name: str = "HighLatency", *, severity: str = "critical",
              labels: dict[str, str] | None = None) -> str:  # fmt: skip
        """Prometheus fires an alert; everything that follows now happens."""
        receipt = self.sends("prometheus", [_alert(service, name, severity, labels)])
        self.settle()
        return receipt

    def clears(self, service: str, name: str = "HighLatency", *, severity: str = "critical") -> str:
        """Prometheus says that it is over."""
        over = _alert(service, name, severity, None)
        over["endsAt"] = self.clock.now().isoformat()
        receipt = self.sends("prometheus", [over])
        self.settle()
        return receipt

    def settle(self) -> None:
        """Step every loop until nothing is due."""
        app.drain(self.app)

    def forward(self, *, keep: tuple[str, ...] = (), **span: float) -> None:
        """Time passes, minute by minute, as it does; `keep`: services that go on firing."""
        target = self.clock.now() + timedelta(**span)
        while self.clock.now() < target:
            left = (target - self.clock.now()).total_seconds()
            self.clock.forward(seconds=min(60, left))
            for service in keep:
                self.sends("prometheus", [_alert(service, "HighLatency", "critical", None)])
            self.settle()

    # -- what people do ----------------------------------------------------------------------------

    def act(self, command: Any, *, who: str, role: str = "responder") -> Any:
        """Somebody does something; what follows happens."""
        actor = people.person(who, role)
        now = self.clock.now()
        done = self.app.db.run(
            lambda tx: pipeline.act(tx, self.app.ground, command, actor=actor, now=now)
        )
        self.settle()
        return done

    def acknowledges(self, who: str, number: int = 1) -> Any:
        """`who` takes an incident."""
        return self.act(acts.commands.Acknowledge(f"INC-{number}"), who=who)

    # -- what can be seen --------------------------------------------------------------------------

    def incident(self, number: int = 1) -> incidents.Incident:
        """By number; it must be there."""
        found = self.app.db.read(lambda tx: incidents.by_number(tx, number))
        assert found is not None
        return found

    def incidents(self) -> list[incidents.Incident]:
        """All, newest first."""
        return self.app.db.read(
            lambda tx: incidents.page(tx, open_only=False, before=None, limit=100)
        )

    def sends_of(self, number: int = 1) -> list[paging.Send]:
        """Every page of an incident."""
        incident = self.incident(number)
        return self.app.db.read(lambda tx: paging.sends_of_incident(tx, incident.id))

    def timeline(self, number: int = 1) -> list[str]:
        """The sentences of an incident's timeline."""
        incident = self.incident(number)
        rows = self.app.db.read(lambda tx: record.by_incident(tx, incident.id))
        return [f"{row['kind']}: {row['because']}" for row in rows]


def _alert(service: str, name: str, severity: str, labels: dict[str, str] | None) -> dict[str, Any]:
    words = {"alertname": name, "service": service, "severity": severity, **(labels or {})}
    return {
        "labels": words,
        "annotations": {"summary": f"{name} on {service}"},
        "startsAt": "2026-11-23T07:59:00Z",
    }


def _door(format: str) -> signals.Door:
    return next(door for door in signals.DOORS if door.format == format)
