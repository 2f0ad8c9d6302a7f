"""A whole Mainstay on a real socket: its loops and its server run in threads, its phones are fake.

    with live(tmp_path) as mainstay:
        key = mainstay.key("prometheus")
        answer = mainstay.call("POST", "/api/v2/alerts", [...], key=key)
        mainstay.phone("mara").wait(1)

For tests of what comes in over HTTP. Stories, which move the clock, run no threads.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import uvloop

from databases import fresh
from mainstay import acts, app, estate, loops, people, pipeline
from mainstay.api import Server, limits_of, make_server
from mainstay.foundation.settings import Settings
from mainstay.paging.channels import Answer, Page, To
from mainstay.runtime import Runtime
from peers import wait_until

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
  other: {format: alertmanager}
  hooks: {format: alertmanager-webhook}
  agents: {format: pagerduty}
  batch: {format: json, map: {key: $.job, summary: $.text, resolve: "$.state == 'OK'"}}
  apprise: {format: json, map: {key: $.title, summary: $.message}}
  desk: {format: report}
routes:
  - {match: {service: "~.+"}, to: "service:{service}"}
  - {to: service:unrouted}
schedules:
  payops-oncall:
    layers:
      - {rotate: weekly, handover: "mon 09:00", order: [mara], starts: 2026-01-05}
escalations:
  payops:
    - {after: 0m, notify: [schedule:payops-oncall]}
    - {after: 10m, notify: [person:ben]}
  fallback: [{after: 0m, notify: [person:head]}]
services:
  pay-api: {tier: 1, owner: payops, depends: [pay-db]}
  pay-db: {tier: 1, owner: payops, type: database}
  unrouted: {tier: 3, owner: payops}
"""
ROOT = people.person("root", "admin")
WITHIN_S = 15.0


@dataclass(frozen=True)
class Reply:
    """An answer as it came over the wire; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Phone:
    """What one person was sent."""

    pages: list[Page] = field(default_factory=list)

    def wait(self, count: int = 1) -> Page:
        """The newest page, as soon as there are `count`."""
        wait_until(lambda: len(self.pages) >= count, within_s=WITHIN_S, what=f"{count} pages")
        return self.pages[-1]


class FakeChannel:
    """Delivers to fake phones; `kind` is the only thing about it that is real."""

    def __init__(self, kind: str, phones: dict[str, Phone]) -> None:
        self.kind = kind
        self.phones = phones

    def check(self, address: str) -> str:
        return address

    async def send(self, page: Page, to: To) -> Answer:
        self.phones.setdefault(page.person, Phone()).pages.append(page)
        return Answer(provider_id=None, words="accepted")


class Live:
    """A running Mainstay, and what a test does with it."""

    def __init__(self, runtime: Runtime, phones: dict[str, Phone]) -> None:
        self.runtime = runtime
        self.server: Server | None = None
        self.environment: dict[str, str] = {}
        self._phones = phones
        self._keys: dict[str, str] = {}
        self._tokens: dict[str, str] = {}

    @property
    def port(self) -> int:
        assert self.server is not None
        return self.server.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def phone(self, person: str) -> Phone:
        """Somebody's phone."""
        return self._phones.setdefault(person, Phone())

    def act(self, command: acts.Command) -> acts.Done:
        """Done by root, past every door."""
        now = self.runtime.clock.now()
        return self.runtime.db.run(
            lambda tx: pipeline.act(tx, self.runtime.ground, command, actor=ROOT, now=now)
        )

    def key(self, source: str) -> str:
        """An intake key of a source; the same one each time."""
        if source not in self._keys:
            self._keys[source] = self.act(acts.commands.CreateKey(source)).secret or ""
        return self._keys[source]

    def token(self, role: str, person: str = "mara", team: str | None = None) -> str:
        """An API token of a role; the same one each time."""
        name = f"{role}/{person}/{team}"
        if name not in self._tokens:
            command = acts.commands.CreateToken(person, role, "a test", team)
            self._tokens[name] = self.act(command).secret or ""
        return self._tokens[name]

    def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None,
        role: str | None = None, headers: Mapping[str, str] | None = None,
    ) -> Reply:  # fmt: skip
        """One request on a connection of its own. A body that is no bytes is sent as JSON."""
        bearer = key or (self.token(role) if role else None)
        sent = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        raw = body
        if body is not None and not isinstance(body, bytes):
            raw = json.dumps(body).encode()
        if body is not None:
            sent["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, raw, sent | dict(headers or {}))
            answer = connection.getresponse()
            names: dict[str, str] = {}
            for name, value in answer.getheaders():
                have = names.get(name.lower())
                names[name.lower()] = value if have is None else f"{have}, {value}"
            return Reply(answer.status, names, answer.read())
        finally:
            connection.close()

    def own(self, method: str, path: str, body: Any = None, *, role: str = "admin") -> Reply:
        """A request to our own API."""
        return self.call(method, f"/mainstay/v1{path}", body, role=role)

    def until(self, path: str, wanted: Any, *, what: str) -> Any:
        """The answer of our own API at `path`, as soon as `wanted(answer)` is true."""

        def ask() -> Any:
            answer = self.own("GET", path).json
            return answer if wanted(answer) else None

        return wait_until(ask, within_s=WITHIN_S, what=what)

    def alerts(self, count: int) -> list[Any]:
        """The open alerts, as soon as there are `count`."""
        found = self.until(
            "/alerts", lambda a: len(a["items"]) >= count, what=f"{count} open alerts"
        )
        items: list[Any] = found["items"]
        return items

    def rows(self, sql: str, **params: Any) -> list[tuple[Any, ...]]:
        """What is stored."""
        return self.runtime.db.read(lambda tx: [tuple(row) for row in tx.all(sql, **params)])


@contextmanager
def live(
    folder: Path, *, text: str = ESTATE, run_loops: bool = True,
    environment: Mapping[str, str] | None = None, port: int = 0, **settings: Any,
) -> Iterator[Live]:  # fmt: skip
    """A Mainstay with this estate in force; everybody in it has an SMS address `+41…`.

    `run_loops=False`: signals are stored and nobody settles them. `port` 0: a free one.
    """
    phones: dict[str, Phone] = {}
    channels = {kind: FakeChannel(kind, phones) for kind in ("sms", "mail", "webhook")}
    runtime = app.open_app(
        Settings(
            **{"data_dir": folder / "data", "database": fresh(), "reserve_mib": 0, **settings}
        ),
        environment=environment or {},
        channels=channels, node="live",
    )  # fmt: skip
    runtime.db.start()
    mainstay = Live(runtime, phones)
    mainstay.act(acts.commands.Apply(_declared(folder, text)))
    for number, person in enumerate(_declared(folder, text).people):
        address = f"+4179000000{number}"
        mainstay.act(acts.commands.AddAddress(person, "sms", address))
    for source in _declared(folder, text).sources:
        mainstay.key(source)
    threads = loops.Threads(runtime)
    if run_loops:
        threads.start()
    served = app.over_http(runtime, environment=environment or {})
    mainstay.server = make_server(
        served.app, host="127.0.0.1", port=port, limits=limits_of(runtime), at_end=served.end
    )
    server = threading.Thread(target=_run, args=(mainstay.server,), daemon=True)
    server.start()
    wait_until(lambda: mainstay.server and mainstay.server.started, within_s=10, what="the server")
    try:
        yield mainstay
    finally:
        mainstay.server.should_exit = True
        server.join(timeout=15)
        if run_loops:
            threads.stop()
        runtime.close()


def _run(server: Server) -> None:
    """As `serve` runs it: on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve())


def _declared(folder: Path, text: str) -> estate.Estate:
    files = folder / "estate"
    files.mkdir(exist_ok=True)
    (files / "estate.yaml").write_text(dedent(text))
    return estate.read(files)
