"""A Mainstay of the proofs: a real `mainstay serve` on a data folder that outlives every process.

    made = Install.make(folder, hook)  # an estate, addresses, a key and a token
    with made.server() as server: …    # one that answers; killed with -9 at the end

On the engine of the test that runs (tests/databases.py), or on a database that it names.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

from databases import fresh
from fakes.world import Provider
from mainstay import acts, app, estate, people, pipeline
from mainstay.foundation.db import Place, peek
from mainstay.foundation.settings import Settings
from peers import free_port, wait_until

SERVICES = 60
STEP_S = 2
"""Between the two steps of the policy."""
UP_WITHIN_S = 90.0
SPEECHLESS_S = 0.5
"""A process that starts loads its code for longer than that before it can send a page."""
DRAINED_WITHIN_S = 180.0
ESTATE = """
mainstay: 1
org:
  name: Alpenpay
  timezone: UTC
  incidents: {reopen_within: 0s, acknowledge_for: {P1: 2s}}
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
  payops:
    - {after: 0m, notify: [person:mara]}
    - {after: 2s, notify: [person:ben]}
  fallback: [{after: 0m, notify: [person:mara]}]
services:
"""
"""Two steps, two seconds apart; whoever takes an incident has it for two seconds."""
SERVE = (sys.executable, "-m", "mainstay", "serve")
ROOT = people.person("root", "admin")


@dataclass
class Server:
    """One process."""

    process: subprocess.Popen[bytes]
    began_at: float
    """time.time() when it was started."""
    answered_at: float = 0.0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class Install:
    """What stays when the process dies."""

    folder: Path
    port: int
    key: str
    token: str
    allow: str
    database: str
    """A URL, or "" for SQLite in the data folder."""
    host: str = "127.0.0.1"
    services: int = SERVICES
    environment: dict[str, str] = field(default_factory=dict)
    """Given to every server, beside what each is given for itself."""
    starts: list[Server] = field(default_factory=list)
    born: list[float] = field(default_factory=list)
    """`time.monotonic()` before which each could not have sent anything."""

    @classmethod
    def make(
        cls, folder: Path, hook: Provider, *, text: str = ESTATE, kind: str = "webhook",
        count: int = SERVICES, database: str | None = None,
    ) -> Install:  # fmt: skip
        """The estate above in force; everybody has an address `/<person>` of `kind` at `hook`."""
        services = "".join(f"  s{n}: {{tier: 1, owner: payops}}\n" for n in range(count))
        (folder / "estate").mkdir()
        (folder / "estate" / "estate.yaml").write_text(dedent(text) + services)
        declared = estate.read(folder / "estate")
        database = fresh() if database is None else database
        settings = Settings(
            data_dir=folder / "data", database=database, egress={"allow": [hook.at]}
        )
        made = app.open_app(settings, environment={})
        now = made.clock.now()

        def act(command: acts.Command) -> acts.Done:
            work = pipeline.act
            return made.db.run(lambda tx: work(tx, made.ground, command, actor=ROOT, now=now))

        act(acts.commands.Apply(declared))
        for person in declared.people:
            act(acts.commands.AddAddress(person, kind, f"{hook.url}/{person}"))
        key = act(acts.commands.CreateKey("prometheus")).secret
        token = act(acts.commands.CreateToken("mara", "responder", "a proof", None)).secret
        made.close()
        assert key is not None
        assert token is not None
        where = {"MAINSTAY_DATABASE": database} if database else {}
        return cls(
            folder, free_port(), key, token, hook.at, database, services=count, environment=where
        )

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @contextmanager
    def server(
        self, command: tuple[str, ...] = SERVE, *, environment: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> Iterator[Server]:  # fmt: skip
        """One that answers, unless not waited for; killed with -9 at the end, whatever it does."""
        flags = ["--data", str(self.data), "--listen", f"{self.host}:{self.port}", "--allow-root",
                 "--egress-allow", self.allow]  # fmt: skip
        with (self.folder / "server.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, *flags], stdout=log, stderr=log,
                env=bare(self.folder) | self.environment | dict(environment or {}),
            )  # fmt: skip
        server = Server(process, time.time())
        self.starts.append(server)
        self.born.append(time.monotonic() + SPEECHLESS_S)
        try:
            if wait:
                wait_until(lambda: self.answers(server), within_s=UP_WITHIN_S, what="a server")
            yield server
        finally:
            server.kill()

    def answers(self, server: Server) -> bool:
        """Whether it does; an error with its last words when it has died."""
        assert server.process.poll() is None, self.last_words()
        if self.call("GET", "/livez")[0] != 200:
            return False
        server.answered_at = time.time()
        return True

    def last_words(self) -> str:
        return (self.folder / "server.log").read_text()[-3000:]

    def call(
        self, method: str, path: str, body: Any = None, *, secret: str | None = None,
        timeout_s: float = 10,
    ) -> tuple[int, bytes]:  # fmt: skip
        """Status and body; status 0 when there was no whole answer."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if secret is not None:
            headers["Authorization"] = f"Bearer {secret}"
        raw = None if body is None else json.dumps(body)
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout_s)
        with closing(connection):
            try:
                connection.request(method, path, raw, headers)
                answer = connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException) as error:
                return 0, str(error).encode()

    def rows(self, sql: str) -> list[Any]:
        """What is stored."""
        place = Place(self.data / "mainstay.db", self.database)
        return peek(place, lambda tx: [tuple(row) for row in tx.all(sql)])

    def is_drained(self) -> bool:
        """Nothing waits: no signal to be settled, no step of a policy, no page, no update."""
        (waiting,) = self.rows("SELECT count(*) FROM signals_request WHERE state = 'waiting'")[0]
        (due,) = self.rows(
            "SELECT count(*) FROM foundation_due WHERE kind IN ('paging.send', 'paging.feed')"
            " OR kind = 'incidents.ack' OR (kind = 'paging.step' AND facts LIKE '%\"step\":_,%')"
        )[0]
        return waiting == 0 and due == 0

    def drain(self) -> None:
        """Let a server do all that is left."""
        with self.server():
            wait_until(self.is_drained, within_s=DRAINED_WITHIN_S, what="an empty desk")


def bare(home: Path) -> dict[str, str]:
    """No proxy and no settings of whoever runs the tests; the same program, also in a copy."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return kept | {"HOME": str(home), "MAINSTAY_RESERVE_MIB": "0"}
