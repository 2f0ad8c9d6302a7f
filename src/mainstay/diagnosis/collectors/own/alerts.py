"""Alerts that are open, as standings of their services."""

from __future__ import annotations

from dataclasses import dataclass

from mainstay import alerts
from mainstay.diagnosis.collectors.collector import Question
from mainstay.diagnosis.facts.fact import Fact, FactKind
from mainstay.diagnosis.material import Material
from mainstay.estate import View
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Database, Tx

ALERTS_MAX = 500


@dataclass(frozen=True, slots=True)
class Alerts:
    """The alerts of the services asked about that were open during the incident."""

    db: Database
    view: View
    name: str = "alerts"

    def collect(self, question: Question, *, within_s: float) -> Material:
        """One standing for each alert."""
        return self.db.read(lambda tx: self._read(tx, question))

    def _read(self, tx: Tx, question: Question) -> Material:
        chosen = set(question.services)
        until_us, since_us = to_us(question.until), to_us(question.since)
        rows = [
            one
            for one in alerts.during(tx, since_us=since_us, until_us=until_us, limit=ALERTS_MAX + 1)
            if one.service in chosen and one.source != "checks"
        ]
        notes = (
            ()
            if len(rows) <= ALERTS_MAX
            else (f"More than {ALERTS_MAX} alerts; the rest was left out.",)
        )
        return Material(
            facts=tuple(_fact(one, self.view) for one in rows[:ALERTS_MAX]), notes=notes
        )


def _fact(one: alerts.Alert, view: View) -> Fact:
    state = "warn" if one.severity in ("warning", "info") else "fail"
    at = from_us(min(one.started_at, one.opened_at))
    values = {
        "state": state, "sentence": one.summary[:300], "by": "alert", "severity": one.severity,
        **of_service(view, one.service),
    }  # fmt: skip
    name = one.labels.get("alertname") or one.labels.get("check") or f"alert of {one.source}"
    return Fact(one.service, FactKind.CONDITION, name, values, at, f"alert {one.id}")


def of_service(view: View, service: str) -> dict[str, str]:
    """What the estate says of a service that tells how to judge it."""
    declared = view.estate.services.get(service)
    if declared is None:
        return {}
    told = {"type": declared.type, "vendor": declared.vendor, "contact": declared.contact}
    return {name: value for name, value in told.items() if value}
