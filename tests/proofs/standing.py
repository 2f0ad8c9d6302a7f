"""A server on PostgreSQL behind a wire, under load, while things happen to the database.

The server process stays up all the while. The wire is what a proxy or a virtual address is in
production: after a fail-over it leads to the new primary.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clients import WRITERS, Ledger, clients
from install import Install
from lateness import Lateness, lateness
from verdict import Verdict, judge

from clusters import PASSWORD, ROLE, Cluster
from fakes.wire import Wire
from fakes.world import Provider, World
from peers import wait_until

BACK_WITHIN_S = 90.0


@dataclass
class Standing:
    """A server on PostgreSQL behind a wire, its clients, and what they know."""

    install: Install
    ledger: Ledger
    wire: Wire
    cluster: Cluster
    events: list[float] = field(default_factory=list)
    """When the database went and came: what was under way then may come twice."""
    backs_s: list[float] = field(default_factory=list)
    """From the database's return to the next acknowledged alert."""
    late: Lateness | None = None
    """How late pages were, when all is over."""

    def work(self, more: int = 3 * WRITERS) -> None:
        """Until so many more alerts are acknowledged."""
        before = len(self.ledger.acknowledged)
        wait_until(
            lambda: len(self.ledger.acknowledged) >= before + more,
            within_s=BACK_WITHIN_S, what=f"{more} alerts acknowledged: {self.ledger.statuses}",
        )  # fmt: skip

    def gone(self) -> None:
        """The database is away from now on."""
        self.events.append(time.monotonic())

    def back(self) -> None:
        """The database is there again: so are we."""
        self.events.append(time.monotonic())
        self.work(1)
        self.backs_s.append(time.monotonic() - self.events[-1])
        self.work()

    def lead_to(self, cluster: Cluster) -> None:
        """From now on `cluster` is the database."""
        self.cluster, self.wire.target = cluster, ("127.0.0.1", cluster.port)
        self.install.database = cluster.url("mainstay", user=ROLE)
        self.wire.cut()


def fail_over(standing: Standing, *, synchronous: bool) -> None:
    """The primary dies; its standby, which has lost it a moment before, becomes the primary.

    Of a synchronous one the primary would wait at each commit: it cannot be lost before.
    """
    primary = standing.cluster
    standby = primary.standby(synchronous=synchronous)
    standing.work()
    if not synchronous:
        standby.unfollow(primary)
        standing.work()
    standing.gone()
    primary.kill9()
    standby.promote()
    standing.lead_to(standby)
    primary.end()
    standing.back()


def away(
    folder: Path, story: Callable[[Standing], None], *, pause_s: float = 0
) -> tuple[Verdict, Standing]:
    """The story under load, then drained and judged."""
    with World() as world:
        hook = world.provider("webhook")
        with _standing(folder, hook) as standing:
            with clients(standing.install, standing.ledger, pause_s=pause_s):
                standing.work()
                story(standing)
            wait_until(standing.install.is_drained, within_s=90, what="an empty desk")
            kills, hits = standing.events, hook.hits
            faults = list(zip(kills[::2], kills[1::2], strict=True))
            standing.late = lateness(standing.install, hits, faults=faults)
            return judge(standing.install, standing.ledger, hits, kills=kills), standing


@contextmanager
def _standing(folder: Path, hook: Provider) -> Iterator[Standing]:
    cluster = Cluster.made()
    cluster.create("mainstay")
    install = Install.make(folder, hook, database=cluster.url("mainstay", user=ROLE))
    ledger = Ledger(folder / "ledger")
    with Wire(("127.0.0.1", cluster.port)) as wire:
        standing = Standing(install, ledger, wire, cluster)
        install.environment |= {
            "MAINSTAY_DATABASE": f"postgresql://{ROLE}@{wire.at}/mainstay",
            "MAINSTAY_DATABASE_PASSWORD": "env:DATABASE_WORD", "DATABASE_WORD": PASSWORD,
        }  # fmt: skip
        try:
            with install.server():
                yield standing
        finally:
            standing.cluster.end()
            ledger.close()
