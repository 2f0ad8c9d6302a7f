"""What a page says: the same facts for a person, an SMS and a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mainstay.alerts import Alert
from mainstay.estate import View
from mainstay.foundation.clock import from_us, text_of_us, to_text
from mainstay.incidents import Incident
from mainstay.paging.store import Send

SUBJECT_MAX = 120
ALERTS_SHOWN = 5
"""Alerts named in the text; the count of the rest follows."""


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that a page is made of."""

    incident: Incident
    services: Sequence[str]
    alerts: Sequence[Alert]
    """The open ones, worst first."""
    alerts_n: int
    others: Sequence[Incident]
    """Other incidents that this page carries too."""


def subject(told: Told, view: View) -> str:
    """One line: number, label, service, what; cut to 120 characters."""
    incident = told.incident
    line = f"{incident.name} {label(incident, view)} {incident.service}: {incident.title}"
    tail = ""
    if told.alerts_n > 1:
        tail += f" (+{told.alerts_n - 1} more)"
    if told.others:
        tail += f" and {len(told.others)} other incident{'s' if len(told.others) > 1 else ''}"
    room = SUBJECT_MAX - len(tail)
    return (line if len(line) <= room else line[: room - 1].rstrip() + "…") + tail


def text(told: Told, send: Send, view: View, *, ack_url: str | None) -> str:
    """Plain text: what, since when, for whom it matters, why you; then how to take it."""
    incident = told.incident
    lines = [
        f"{incident.title}",
        "",
        f"{incident.name}, {label(incident, view)}, {incident.severity}, "
        f"since {to_text(from_us(incident.opened_at))}",
        f"Services: {', '.join(told.services)}",
    ]
    business = _business(incident.service, view)
    if business:
        lines.append(f"What it is: {business}")
    lines += ["", *_alert_lines(told), "", f"Why you: {send.reason}."]
    for other in told.others:
        lines.append(f"Also open: {other.name} {other.priority} {other.service}: {other.title}")
    if ack_url:
        lines += ["", f"Acknowledge: {ack_url}"]
    return "\n".join(lines)


def facts(
    told: Told, view: View, *, event: str, send: Send | None, alerts: Sequence[Alert]
) -> dict[str, Any]:
    """The JSON of a webhook. `event`: page or update; `alerts`: those of this message."""
    incident = told.incident
    return {
        "event": event,
        "incident": {
            "id": incident.id,
            "name": incident.name,
            "state": incident.state,
            "priority": incident.priority,
            "label": label(incident, view),
            "severity": incident.severity,
            "service": incident.service,
            "services": list(told.services),
            "title": incident.title,
            "opened_at": text_of_us(incident.opened_at),
            "resolved_at": text_of_us(incident.resolved_at),
            "acknowledged_by": incident.acked_by,
        },
        "page": None if send is None else {"person": send.person, "because": send.reason},
        "alerts_open": told.alerts_n,
        "alerts": [_alert_facts(alert) for alert in alerts],
    }


def label(incident: Incident, view: View) -> str:
    """What people here call the priority."""
    labels: dict[Any, str] = view.estate.org.incidents.labels
    return labels.get(incident.priority, incident.priority)


def _alert_lines(told: Told) -> list[str]:
    lines = [f"- {a.severity} {a.service}: {a.summary}" for a in told.alerts[:ALERTS_SHOWN]]
    rest = told.alerts_n - len(lines)
    return [*lines, f"- and {rest} more"] if rest > 0 else lines


def _business(service: str, view: View) -> str | None:
    found = view.estate.services.get(service)
    return (found.business or found.about) if found is not None else None


def _alert_facts(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "source": alert.source,
        "service": alert.service,
        "severity": alert.severity,
        "summary": alert.summary,
        "state": alert.state,
        "labels": alert.labels,
        "started_at": text_of_us(alert.started_at),
        "url": alert.url,
    }
