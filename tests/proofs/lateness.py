"""How late pages are attempted: while all is well, after a restart, and where a fault fell between."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from install import STEP_S, Install

from fakes.world import Hit

STEADY_S = 5.0
RESTARTED_S = 15.0
FAILED_OVER_S = 30.0
FELT_S = 2.0
"""How long after the end of a fault it may still be felt."""


@dataclass(frozen=True)
class Lateness:
    """Seconds from due to arrival; after a restart, from the start of the process; over a fault,
    from its beginning. Sorted."""

    steady: list[float]
    restarted: list[float]
    failed_over: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        over = (
            ""
            if not self.failed_over
            else (
                f"; over a fault, from its beginning: p99 {share(self.failed_over, 0.99):.2f} s, "
                f"worst {max(self.failed_over):.2f} s (n {len(self.failed_over):,})"
            )
        )
        return (
            f"page due → attempted: steady p50 {share(self.steady, 0.5):.2f} s, "
            f"p99 {share(self.steady, 0.99):.2f} s (n {len(self.steady):,}); after a restart, from "
            f"the start of the process: p99 {share(self.restarted, 0.99):.2f} s, "
            f"worst {max(self.restarted, default=0):.2f} s (n {len(self.restarted):,})"
            f"{over}"
        )


def lateness(
    install: Install, hits: list[Hit], *, faults: Sequence[tuple[float, float]] = ()
) -> Lateness:
    """From the instant for which a step was planned to the arrival of its page at the receiver.

    `faults`: beginning and end of each, by `time.monotonic()`.
    """
    wall = time.time() - time.monotonic()
    spans = [(begun + wall, end + wall + FELT_S) for begun, end in faults]
    arrived: dict[str, float] = {}
    for hit in hits:
        arrived.setdefault(hit.key or "", hit.at + wall)
    starts = sorted(server.began_at for server in install.starts)
    steady, restarted, failed_over = [], [], []
    rows = install.rows(
        "SELECT s.idempotency_key, e.started_at, s.step FROM paging_send AS s"
        " JOIN paging_escalation AS e ON e.id = s.escalation WHERE e.policy = 'payops'"
    )
    for key, started_us, step in rows:
        if key not in arrived:
            continue
        due, came = started_us / 1e6 + step * STEP_S, arrived[key]
        between = [at for at in starts if due < at <= came]
        felt = [begun for begun, end in spans if due < end and begun < came]
        if felt:
            failed_over.append(came - max(due, felt[-1]))
        elif between:
            restarted.append(came - between[-1])
        else:
            steady.append(came - due)
    return Lateness(sorted(steady), sorted(restarted), sorted(failed_over))


def share(values: list[float], part: float) -> float:
    """The value below which this part of the sorted `values` lies."""
    return values[min(int(len(values) * part), len(values) - 1)] if values else 0.0


def check(found: Lateness) -> None:
    """Nobody waits for a page longer than was promised (P2)."""
    assert share(found.steady, 0.99) <= STEADY_S, found
    assert max(found.restarted, default=0) <= RESTARTED_S, found
