"""What is left after the last kill: the ledger, the database and the receiver's journal, compared."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from clients import Ledger
from install import Install

from fakes.world import Hit


@dataclass(frozen=True)
class Verdict:
    """Sets that must be empty, and figures to print."""

    acknowledged: int
    acts: int
    kills: int
    pages: int
    lost: set[str]
    """Alerts that heard 2xx and are not there."""
    undone: set[str]
    """Acts that heard 2xx and are not in the record."""
    doubled: set[str]
    """Alerts that are stored twice."""
    unpaged: set[str]
    """Incidents that nobody took or resolved, and of which no receiver ever heard."""
    untold: set[str]
    """Alerts of a told incident of which the webhook never heard."""
    never_attempted: set[str]
    """Pages that the outbox calls sent and nobody received, or that it has forgotten to send."""
    copies: int
    """Pages that came again under their own key."""
    unexcused: set[str]
    """Keys that came twice without a kill in between."""
    unsaid: set[str]
    """Keys of which more than one copy did not say that it is one; the first may arrive last."""
    keyless: int
    """Pages without an idempotency key."""

    def __str__(self) -> str:
        return (
            f"{self.acknowledged:,} alerts and {self.acts:,} acts acknowledged, "
            f"{len(self.lost) + len(self.undone)} lost, {len(self.doubled)} doubled; "
            f"{self.pages:,} pages, {len(self.unpaged) + len(self.never_attempted)} never attempted, "
            f"{len(self.untold)} alerts untold, {self.copies} sent again, "
            f"{len(self.unexcused)} of them without a kill in between, "
            f"{len(self.unsaid)} without saying so"
        )

    def hold(self) -> None:
        """Nothing is lost, nothing is missed, and what came twice had a reason and said so."""
        assert not self.lost, self
        assert not self.undone, self
        assert not self.doubled, self
        assert not self.unpaged, self
        assert not self.untold, self
        assert not self.never_attempted, self
        assert not self.unexcused, self
        assert not self.unsaid, self
        assert self.keyless == 0, self


def told(hits: list[Hit]) -> set[str]:
    """The ids of every alert in any webhook body."""
    return {alert["id"] for hit in hits for alert in hit.json["alerts"]}


def judge(
    install: Install, ledger: Ledger, hits: list[Hit],
    *, kills: list[float], echoes: Sequence[tuple[float, float]] = (),
) -> Verdict:  # fmt: skip
    """`kills`: `time.monotonic()` of each, as the journal has its times, and of what began after;
    `echoes`: stretches in which what began before a kill may still come."""
    pages = [hit for hit in hits if hit.json["event"] == "page"]
    tries: dict[str, list[Hit]] = defaultdict(list)
    for hit in pages:
        tries[hit.key or ""].append(hit)
    stored = Counter(
        json.loads(labels)["alertname"]
        for (labels,) in install.rows("SELECT labels FROM alerts_alert WHERE source = 'prometheus'")
    )
    return Verdict(
        acknowledged=len(ledger.acknowledged),
        acts=len(ledger.acts),
        kills=len(kills),
        pages=len(tries),
        lost=ledger.acknowledged - set(stored),
        undone=_undone(install, ledger),
        doubled={name for name, count in stored.items() if count > 1},
        unpaged=_unpaged(install, pages),
        untold=_untold(install, hits, pages),
        never_attempted=_never_attempted(install, set(tries)),
        copies=sum(len(copies) - 1 for copies in tries.values()),
        unexcused={key for key, copies in tries.items() if not _excused(copies, kills, echoes)},
        unsaid={key for key, copies in tries.items()
                if sum(not copy.json["repeat"] for copy in copies) > 1},
        keyless=len(tries.get("", ())),
    )  # fmt: skip


def _undone(install: Install, ledger: Ledger) -> set[str]:
    kinds = {"acknowledge": "incident.acknowledged", "resolve": "incident.resolved"}
    done = set(
        install.rows(
            "SELECT 'INC-' || i.number, r.kind FROM foundation_record AS r"
            " JOIN incidents_incident AS i ON i.id = r.incident"
        )
    )
    return {f"{act} {name}" for name, act in ledger.acts if (name, kinds[act]) not in done}


def _unpaged(install: Install, pages: list[Hit]) -> set[str]:
    paged = {hit.json["incident"]["id"] for hit in pages}
    untouched = install.rows(
        "SELECT id FROM incidents_incident AS i WHERE NOT EXISTS (SELECT 1 FROM foundation_record"
        " AS r WHERE r.incident = i.id AND r.kind IN ('incident.acknowledged', 'incident.resolved'))"
    )
    return {id for (id,) in untouched} - paged


def _untold(install: Install, hits: list[Hit], pages: list[Hit]) -> set[str]:
    """Of incidents that are open still: a webhook that follows one is told all of it."""
    followed = {hit.json["incident"]["id"] for hit in pages}
    still = install.rows(
        "SELECT a.id, a.incident FROM alerts_alert AS a JOIN incidents_incident AS i"
        " ON i.id = a.incident WHERE a.closed_at IS NULL AND i.resolved_at IS NULL"
    )
    return {id for id, incident in still if incident in followed} - told(hits)


def _never_attempted(install: Install, keys: set[str]) -> set[str]:
    rows = install.rows("SELECT idempotency_key, state FROM paging_send")
    left = {key for key, state in rows if state in ("waiting", "sending")}
    return left | {key for key, state in rows if state in ("sent", "failed") and key not in keys}


def _excused(copies: list[Hit], kills: list[float], echoes: Sequence[tuple[float, float]]) -> bool:
    """Between a copy and the next there was a kill, or both may have begun on either side of one."""
    return all(
        bisect_right(kills, one.at) < bisect_right(kills, other.at)
        or any(begun <= one.at and other.at <= end for begun, end in echoes)
        for one, other in pairwise(copies)
    )
