"""What a run is about: the services, the stretch of time, and what made somebody look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mainstay import alerts, incidents
from mainstay.diagnosis.collectors import Question
from mainstay.diagnosis.material import Material, Measure, Symptom
from mainstay.diagnosis.series.measures import measure_of
from mainstay.diagnosis.store import Run
from mainstay.estate import View
from mainstay.foundation.clock import from_us
from mainstay.foundation.db import Tx

USUAL = timedelta(hours=3)
"""So long before the incident is what is usual."""
BACK_MAX = timedelta(hours=6)
"""A sender that says that it began longer before we heard of it is not believed further."""
SERVICES_MAX = 50
ALERTS_MAX = 200
FOLLOWED = (Measure.LATENCY, Measure.AVAILABILITY)
"""Measures that can be followed down the calls."""


@dataclass(frozen=True, slots=True)
class Case:
    """One incident, or a service and a time. `services`: where it was seen; `alerts`: their names."""

    question: Question
    symptom: Symptom
    services: tuple[str, ...]
    alerts: tuple[str, ...] = ()
    title: str = ""
    severity: str = "error"
    is_over: bool = False

    def of(self, collected: Material) -> Material:
        """The material, with what this is about."""
        return replace(collected, symptom=self.symptom, since=self.question.since)


def case_of(tx: Tx, view: View, run: Run, *, now: datetime) -> Case:
    """The case of a run, as the incident stands now."""
    incident = incidents.get(tx, run.incident) if run.incident is not None else None
    until = from_us(run.until) if run.until is not None else now
    if incident is None:
        services = needs(view, (run.service,))
        question = Question(services, from_us(run.since) - USUAL, from_us(run.since), until)
        return Case(question, Symptom(run.service), (run.service,), is_over=run.until is not None)
    rows = alerts.of_incident(tx, incident.id, limit=ALERTS_MAX)
    where = tuple(dict.fromkeys((incident.service, *incidents.services(tx, incident.id))))
    opened = from_us(incident.opened_at)
    began = min((from_us(min(one.started_at, one.opened_at)) for one in rows), default=opened)
    since = max(began, opened - BACK_MAX)
    symptom = _symptom(view, incident.service, where)
    names = tuple(dict.fromkeys(name_of(one) for one in rows))[:20]
    measure = measure_of(" ".join((incident.title, *names)))
    over = None if incident.resolved_at is None else from_us(incident.resolved_at)
    question = Question(
        needs(view, (symptom, *where)), since - USUAL, since, max(over or now, since)
    )
    return Case(
        question, Symptom(symptom, measure if measure in FOLLOWED else None), where, names,
        incident.title, incident.severity, over is not None,
    )  # fmt: skip


def name_of(alert: alerts.Alert) -> str:
    """What an alert is called, whenever it fires."""
    return alert.labels.get("alertname") or alert.labels.get("check") or alert.summary[:80]


def needs(view: View, services: Iterable[str]) -> tuple[str, ...]:
    """These, then all that they need to work, near before far; bounded."""
    declared = view.estate.services
    found = list(dict.fromkeys(services))
    for name in found:  # it grows meanwhile: breadth first
        known = declared[name].depends if name in declared else []
        found += [one for one in known if one not in found]
        if len(found) >= SERVICES_MAX:
            break
    return tuple(found[:SERVICES_MAX])


def _symptom(view: View, first: str, services: tuple[str, ...]) -> str:
    """The service of the incident that no other one of it needs: where the harm is felt."""
    below = {one: set(needs(view, (one,))) - {one} for one in services}
    on_top = [
        one
        for one in services
        if not any(one in below[other] for other in services if other != one)
    ]
    return first if first in on_top or not on_top else on_top[0]
