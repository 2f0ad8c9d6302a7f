"""A day at Alpenpay, told through the real doors: HTTP in, loops stepped by hand, a clock that is moved.

The console is served for real, on a socket. Nothing is written into a table past an act or a signal.

    with alpenpay(folder) as day:
        day.at("05:18"); day.fires("pay-db", "ReplicaLag", "critical", "…")
        day.settle()
"""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import uvloop

from mainstay import acts, app, estate, people, pipeline, presence, signin
from mainstay.acts import commands
from mainstay.api import Server, limits_of, make_server
from mainstay.foundation.clock import ManualClock
from mainstay.foundation.errors import MainstayError
from mainstay.foundation.settings import Settings
from mainstay.paging.channels import Answer, Channel, Page, To
from mainstay.people import Grant
from mainstay.runtime import Runtime
from peers import wait_until

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "alpenpay"
ZURICH = ZoneInfo("Europe/Zurich")
TUESDAY = datetime(2026, 11, 24, tzinfo=ZURICH)
NIGHTLY, YEARLY = 'schedule: "15 1 * * *"', 'schedule: "15 1 1 1 *"'
"""No job pings in these days: the backup is not due in them, and opens no incident."""
HANDING_OVER = "    handover: {accept_within: 10m}\n"
PASSWORD = "a long walk by the lake"
WORDS = {
    "ntfy": "taken, published to the phone",
    "sms": "queued, then delivered by the carrier",
    "mail": "250 2.0.0 Ok: queued",
}


@dataclass
class Way:
    """A channel whose phones are fake; `fault` makes the provider refuse."""

    kind: str
    pages: list[Page] = field(default_factory=list)
    fault: MainstayError | None = None

    def check(self, address: str) -> str:
        return address

    async def send(self, page: Page, to: To) -> Answer:
        if self.fault is not None:
            raise self.fault
        self.pages.append(page)
        return Answer(provider_id=f"{self.kind}-{len(self.pages)}", words=WORDS[self.kind])


class Day:
    """One install and its people. Time stands still until it is told to pass."""

    def __init__(self, runtime: Runtime, clock: ManualClock, ways: dict[str, Way]) -> None:
        self.runtime = runtime
        self.clock = clock
        self.ways = ways
        self.server: Server | None = None
        self.thread = threading.current_thread()
        self._keys: dict[str, str] = {}
        self._hand = ThreadPoolExecutor(1)
        """Steps the loops in a thread of its own: the browser's driver holds the one of the test."""

    @property
    def url(self) -> str:
        """As a browser reaches it."""
        assert self.server is not None
        return f"http://localhost:{self.server.port}"

    # -- time ----------------------------------------------------------------------------------------

    def at(self, clock: str, *, day: int = 0) -> None:
        """Time passes until this wall-clock time in Zurich; `day` counts from Tuesday 24 November."""
        hour, minute = clock.split(":")
        then = (TUESDAY + timedelta(days=day)).replace(hour=int(hour), minute=int(minute))
        while self.clock.now() < then.astimezone(UTC):
            left = (then - self.clock.now()).total_seconds()
            self.clock.forward(seconds=min(60.0, left))
            self.settle()

    def settle(self) -> None:
        """Step every loop until nothing is due."""
        self._hand.submit(self._step).result()

    def _step(self) -> None:
        presence.alive(self.runtime, self.clock.now())
        app.drain(self.runtime)

    # -- what comes in -------------------------------------------------------------------------------

    def fires(
        self, service: str, name: str, severity: str, summary: str, *, labels: Any = None,
        over: bool = False, lasts_h: int = 72,
    ) -> None:  # fmt: skip
        """Prometheus posts an alert, or its end."""
        now = self.clock.now()
        words = {"alertname": name, "service": service, "severity": severity, **(labels or {})}
        ends = now if over else now + timedelta(hours=lasts_h)
        body = [{
            "labels": words, "annotations": {"summary": summary},
            "startsAt": now.isoformat(), "endsAt": ends.isoformat(),
            "generatorURL": "https://prometheus.alpenpay.example/graph?g0.expr=up",
        }]  # fmt: skip
        self._post("/api/v2/alerts", body, "prometheus")
        self.settle()

    def batch(self, job: str, text: str, *, sev: str = "2", state: str = "NOK") -> None:
        """The mainframe's scheduler tells of a job."""
        message = {
            "job": job,
            "text": text,
            "sev": sev,
            "state": state,
            "host-name": "mf01",
            "links": [],
        }
        self._post("/hook", {"messages": [message]}, "mainframe")
        self.settle()

    def changes(self, service: str, summary: str) -> None:
        """A pipeline tells what it changed."""
        body = {
            "payload": {
                "summary": summary, "source": "pipeline", "timestamp": self.clock.now().isoformat(),
                "custom_details": {"service": service},
            }
        }  # fmt: skip
        key = self._key("pagerduty-agents")
        self._send("/v2/change/enqueue", body | {"routing_key": key}, None)
        self.settle()

    # -- what people do ------------------------------------------------------------------------------

    def act(self, who: str, command: acts.Command, *, role: str = "lead") -> acts.Done:
        """Somebody does something, by any door; what follows happens."""
        actor, now = people.person(who, role), self.clock.now()
        done = self.runtime.db.run(
            lambda tx: pipeline.act(tx, self.runtime.ground, command, actor=actor, now=now)
        )
        self.settle()
        return done

    def grants(self, person: str, *roles: str, team: str | None = None) -> None:
        """Somebody holds these roles from now on."""
        runtime, now = self.runtime, self.clock.now()

        def work(tx: Any) -> None:
            held = {str(one) for one in people.roles_of(tx, person)}
            for role in roles:
                if str(Grant(role, team)) in held:
                    continue
                people.grant(
                    tx,
                    runtime.ground.ids,
                    person=person,
                    what=Grant(role, team),
                    by="root",
                    now=now,
                )

        runtime.db.run(work)

    def link(self, person: str) -> str:
        """The path of a one-time invitation; a password is chosen there."""
        now = self.clock.now()
        text = self.runtime.db.run(
            lambda tx: signin.make_link(tx, "invite", person=person, made_by="root", now=now)
        )
        return str(signin.PATH + text)

    # -- within --------------------------------------------------------------------------------------

    def _key(self, source: str) -> str:
        if source not in self._keys:
            self._keys[source] = (
                self.act("root", commands.CreateKey(source), role="admin").secret or ""
            )
            self.runtime.wake.doors()  # as every door does that made a key
        return self._keys[source]

    def _post(self, path: str, body: Any, source: str) -> None:
        self._send(path, body, self._key(source))

    def _send(self, path: str, body: Any, key: str | None) -> None:
        assert self.server is not None
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        try:
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status < 300, (path, answer.status, text)
        finally:
            connection.close()


SMALL = """\
# Three small services more, that depend on nothing.
services:
  kyc-docs: {tier: 3, owner: payops}
  crm: {tier: 3, owner: payops}
  hr-portal: {tier: 3, owner: payops}
"""


def folder_of(place: Path, *, hands_over: bool = False) -> Path:
    """The example estate in a folder of its own, with three small services more.

    `hands_over`: its shifts hand over in writing; else no day has to end with a signature. No job
    is missed at night either way, and the start of day is due after the last of these hours.
    """
    root = place / "estate"
    shutil.copytree(EXAMPLE, root)
    checks = (root / "checks.yaml").read_text()
    assert NIGHTLY in checks
    (root / "checks.yaml").write_text(checks.replace(NIGHTLY, YEARLY))
    if not hands_over:
        people = (root / "people.yaml").read_text()
        assert HANDING_OVER in people
        (root / "people.yaml").write_text(people.replace(HANDING_OVER, ""))
    (root / "small.yaml").write_text(SMALL)
    return root


@contextmanager
def alpenpay(
    folder: Path,
    *,
    start: str = "08:00",
    beside: Channel | None = None,
    hands_over: bool = False,
    **settings: Any,
) -> Iterator[Day]:
    """Alpenpay on the Monday before; everybody has a phone (ntfy), a number and a mailbox.

    `beside`: one channel more, a real one.
    """
    hour, minute = start.split(":")
    monday = (TUESDAY - timedelta(days=1)).replace(hour=int(hour), minute=int(minute))
    clock = ManualClock(monday)
    ways = {kind: Way(kind) for kind in ("ntfy", "sms", "mail")}
    root = folder_of(folder, hands_over=hands_over)
    runtime = app.open_app(
        Settings(data_dir=folder / "data", estate=root, **settings), environment={}, clock=clock,
        channels={**ways, **({beside.kind: beside} if beside else {})}, node="pay-ops-1",
    )  # fmt: skip
    runtime.db.start()
    day = Day(runtime, clock, ways)
    applied = estate.read(root)
    day.act("root", commands.Apply(applied), role="admin")
    for number, person in enumerate(applied.people):
        for kind, where in (
            ("ntfy", f"alpenpay-{person}"), ("sms", f"+4179555010{number}"),
            ("mail", f"{person}@alpenpay.example"),
        ):  # fmt: skip
            day.act("root", commands.AddAddress(person, kind, where), role="admin")
    served = app.over_http(runtime, environment={})
    day.server = make_server(
        served.app, host="127.0.0.1", port=0, limits=limits_of(runtime), at_end=served.end
    )
    thread = day.thread = threading.Thread(target=_run, args=(day.server,), daemon=True)
    thread.start()
    wait_until(lambda: day.server and day.server.started, within_s=20, what="the server")
    try:
        yield day
    finally:
        day.server.should_exit = True
        thread.join(timeout=15)
        runtime.close()


def _run(server: Server) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve())
