"""How late pages are attempted: while the server runs, and after it has been started again."""

from __future__ import annotations

import time
from dataclasses import dataclass

from install import STEP_S, Install

from fakes.world import Hit

STEADY_S = 5.0
RESTARTED_S = 15.0


@dataclass(frozen=True)
class Lateness:
    """Seconds from due to arrival; after a restart, from the start of the process. Sorted."""

    steady: list[float]
    restarted: list[float]

    def __str__(self) -> str:
        return (
            f"page due → attempted: steady p50 {share(self.steady, 0.5):.2f} s, "
            f"p99 {share(self.steady, 0.99):.2f} s (n {len(self.steady):,}); after a restart, from "
            f"the start of the process: p99 {share(self.restarted, 0.99):.2f} s, "
            f"worst {max(self.restarted, default=0):.2f} s (n {len(self.restarted):,})"
        )


def lateness(install: Install, hits: list[Hit]) -> Lateness:
    """From the instant for which a step was planned to the arrival of its page at the receiver."""
    wall = time.time() - time.monotonic()
    arrived: dict[str, float] = {}
    for hit in hits:
        arrived.setdefault(hit.key or "", hit.at + wall)
    starts = sorted(server.began_at for server in install.starts)
    steady, restarted = [], []
    rows = install.rows(
        "SELECT s.idempotency_key, e.started_at, s.step FROM paging_send AS s"
        " JOIN paging_escalation AS e ON e.id = s.escalation WHERE e.policy = 'payops'"
    )
    for key, started_us, step in rows:
        if key not in arrived:
            continue
        due, came = started_us / 1e6 + step * STEP_S, arrived[key]
        between = [at for at in starts if due < at <= came]
        if between:
            restarted.append(came - between[-1])
        else:
            steady.append(came - due)
    return Lateness(sorted(steady), sorted(restarted))


def share(values: list[float], part: float) -> float:
    """The value below which this part of the sorted `values` lies."""
    return values[min(int(len(values) * part), len(values) - 1)] if values else 0.0


def check(found: Lateness) -> None:
    """Nobody waits for a page longer than was promised (P2)."""
    assert share(found.steady, 0.99) <= STEADY_S, found
    assert max(found.restarted, default=0) <= RESTARTED_S, found
