"""Two nodes of one Mainstay: one PostgreSQL, one world, and a data folder for each."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from install import ESTATE, SERVE, Install, Server

from clusters import Cluster
from fakes.world import Provider
from mainstay.foundation.db import Place, peek
from peers import free_port, wait_until

SERVICES = 4_000
"""So many that nearly every alert opens an incident of its own, and pages."""
TAKEN_OVER_WITHIN_S = 60.0
AFTERWARDS_S = 5.0
"""How long after a node is heard again its fault may still be felt."""


@dataclass
class Node(Install):
    """One of them."""

    url: str = ""
    """Where this machine finds the database; the node may see it elsewhere."""
    enter: tuple[str, ...] = ()
    """What its command begins with: a network of its own."""

    def rows(self, sql: str) -> list[Any]:
        return peek(Place(self.folder, self.url), lambda tx: [tuple(row) for row in tx.all(sql)])

    @contextmanager
    def server(
        self, command: tuple[str, ...] = SERVE, *, environment: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> Iterator[Server]:  # fmt: skip
        with super().server((*self.enter, *command), environment=environment, wait=wait) as server:
            yield server

    def nodes(self) -> list[dict[str, Any]]:
        """What this node says of all of them."""
        status, body = self.call("GET", "/mainstay/v1/nodes", secret=self.token)
        assert status == 200, body
        found: list[dict[str, Any]] = json.loads(body)["items"]
        return found

    def settles(self) -> bool:
        """Whether it is the one that settles, by the database."""
        return bool(
            self.rows(
                "SELECT 1 FROM foundation_lease AS l JOIN nodes_node AS n ON n.id = l.owner"
                f" WHERE l.name = 'settle' AND n.folder = '{self.data}'"
                " AND l.until > extract(epoch FROM clock_timestamp()) * 1000000"
            )
        )


@dataclass
class Pair:
    """Both, each with its process while it runs."""

    nodes: list[Node]
    place: Place
    servers: dict[int, Server] = field(default_factory=dict)
    moments: list[float] = field(default_factory=list)
    """`time.monotonic()` of every kill, pause and cut, and of their ends."""
    spans: list[tuple[float, float]] = field(default_factory=list)
    """`time.time()` of the beginning and the end of each, its node being heard again."""

    echoes: list[tuple[float, float]] = field(default_factory=list)
    """`time.monotonic()` of stretches in which a node that was away, and lives on, may still finish
    what it had begun before: what lies in a socket is delivered seconds after the link is up."""

    @classmethod
    def make(
        cls, folder: Path, cluster: Cluster, name: str, hook: Provider, *, lease_s: float,
        text: str = ESTATE,
    ) -> Pair:  # fmt: skip
        """An install on a database `name` of its own."""
        for part in ("a", "b"):
            (folder / part).mkdir()
        url = cluster.create(name)
        first = Install.make(folder / "a", hook, text=text, count=SERVICES, database=url)
        one = Node(**vars(first), url=url)
        one.environment = {
            "MAINSTAY_DATABASE": url, "MAINSTAY_LEASE_S": str(lease_s),
            "MAINSTAY_SECRETS__KEY": f"file:{first.data.with_name('data.key')}",
        }  # fmt: skip
        other = replace(one, folder=folder / "b", port=free_port(), starts=[])
        return cls([one, other], Place(folder, url))

    def settler(self) -> int:
        """The number of the node that settles, as soon as one does."""

        def look() -> list[int]:
            return [number for number, node in enumerate(self.nodes) if node.settles()]

        found = wait_until(look, within_s=TAKEN_OVER_WITHIN_S, what="a node that settles")
        return found[0]

    def takes_over(self, number: int) -> None:
        """Wait until it settles."""
        wait_until(
            self.nodes[number].settles,
            within_s=TAKEN_OVER_WITHIN_S,
            what="the other node to settle",
        )

    def happens(self) -> float:
        """Something is done to a node now."""
        self.moments.append(time.monotonic())
        return time.time()

    def returns(self, number: int) -> None:
        """Wait until a node that was away, since it stopped or was cut off, reads the database."""
        since = time.monotonic()
        wait_until(lambda: self.is_ready(number), within_s=60, what="the node to be back")
        self.echoes.append((since, time.monotonic() + AFTERWARDS_S))

    def is_ready(self, number: int) -> bool:
        """Whether it reads the database again."""
        return self.nodes[number].call("GET", "/readyz", timeout_s=5)[0] == 200

    def stop(self, number: int) -> None:
        """SIGSTOP: it holds what it holds, and does nothing."""
        os.kill(self.servers[number].process.pid, signal.SIGSTOP)

    def wake(self, number: int) -> None:
        """SIGCONT: it goes on where it was."""
        os.kill(self.servers[number].process.pid, signal.SIGCONT)
