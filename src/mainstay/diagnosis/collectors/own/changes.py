"""What was changed before the incident: change events, and the silences that cover planned work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from mainstay import alerts, changes
from mainstay.diagnosis.collectors.collector import Question
from mainstay.diagnosis.facts.fact import Fact, FactKind, Value
from mainstay.diagnosis.material import Material
from mainstay.foundation.clock import from_us, text_of_us, to_us
from mainstay.foundation.db import Database, Tx

LOOK_BACK = timedelta(hours=6)
"""What was changed longer before is no longer asked about."""
CHANGES_MAX = 200


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of the services asked about, from six hours before the incident to its end."""

    db: Database
    name: str = "changes"

    def collect(self, question: Question, *, within_s: float) -> Material:
        """One fact for each change and each agreed window."""
        return self.db.read(
            lambda tx: Material(facts=(*_made(tx, question), *_agreed(tx, question)))
        )


def _made(tx: Tx, question: Question) -> Iterator[Fact]:
    rows = changes.recent(
        tx, services=question.services, since=question.since - LOOK_BACK, until=question.until,
        limit=CHANGES_MAX,
    )  # fmt: skip
    for one in rows:
        told = {name: one.facts.get(name) for name in ("by", "version", "until")}
        values: dict[str, Value] = {
            name: value[:200] for name, value in told.items() if isinstance(value, str)
        }
        planned = one.facts.get("planned") is True
        yield Fact(
            one.service or "", FactKind.CHANGE, one.id,
            {**values, "what": one.summary[:300], "planned": planned}, one.at,
            f"change {one.id} of {one.source}",
        )  # fmt: skip


def _agreed(tx: Tx, question: Question) -> Iterator[Fact]:
    """Silences in force when it began that name the service: somebody expected it."""
    since_us = to_us(question.since)
    for one in alerts.silences(tx, ended_since_us=since_us):
        if one.starts_at > since_us or one.created_at > since_us:
            continue
        for service in question.services:
            named = [
                m for m in one.matchers if m.name == "service" and m.fits({"service": service})
            ]
            if named:
                yield Fact(
                    service, FactKind.CHANGE, one.id,
                    {"what": one.reason[:300], "by": one.author, "planned": True,
                     "until": text_of_us(one.ends_at) or ""},
                    from_us(one.starts_at), f"silence {one.id}",
                )  # fmt: skip
