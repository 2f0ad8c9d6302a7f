"""Where did my alert go? One answer in plain sentences, from the record alone.

Received, repeated, silenced by, grouped because, paged whom, delivered, acknowledged: each line is
a row that the corridor wrote when it happened, so what is told is what was done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mainstay import alerts, incidents, paging, signals
from mainstay.alerts import Alert
from mainstay.foundation import record
from mainstay.foundation.clock import from_us
from mainstay.foundation.db import Row, Tx
from mainstay.foundation.errors import MainstayError, NotFound
from mainstay.ground import Ground, source_in
from mainstay.incidents import Incident
from mainstay.paging import SendState
from mainstay.signals import Request

ALERTS_MAX = 20
"""Alerts of one signal that are followed; a batch may hold thousands."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened; `kind` as in the record."""

    at: datetime
    kind: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Trace:
    """`answer` is the whole story in one sentence; `lines` tell it step by step."""

    subject: str
    answer: str
    lines: tuple[Line, ...]


def trace(tx: Tx, ground: Ground, name: str) -> Trace:
    """Follow a receipt (`rcp_…`, also with `.n`), an alert (`alt_…`) or an incident (`INC-12`)."""
    text = name.strip()
    request = signals.find(tx, text) if text.startswith("rcp_") else None
    if request is not None:
        return _of_request(tx, ground, request)
    alert = alerts.get(tx, text)
    if alert is not None:
        return _of_alerts(tx, alert.id, [alert], [])
    incident = _incident(tx, text)
    if incident is not None:
        lines = _incident_lines(tx, incident.id)
        return Trace(incident.name, _how_it_ended(tx, incident), tuple(_sorted(lines)))
    raise NotFound(
        f"Nothing known of {name!r}; give a receipt (rcp_…), an alert (alt_…) or an incident (INC-12)."
    )


def services(tx: Tx, ground: Ground, name: str) -> list[str]:
    """The services that `name` concerns, as far as they are known: whose it is to see."""
    text = name.strip()
    request = signals.find(tx, text) if text.startswith("rcp_") else None
    if request is not None:
        settled = request.state not in ("quarantined", "waiting")
        return [one.service for one in _alerts_of(tx, ground, request)] if settled else []
    alert, incident = alerts.get(tx, text), _incident(tx, text)
    if alert is not None:
        return [alert.service]
    return [incident.service, *incidents.services(tx, incident.id)] if incident else []


def _of_request(tx: Tx, ground: Ground, request: Request) -> Trace:
    words = f"received from {request.source} by the {request.format} door: {request.items_n} items"
    first = Line(from_us(request.received_at_us), "signal.received", words)
    if request.state == "quarantined":
        problem = (request.problem or {}).get("sentence", "it could not be read")
        rows = record.by_receipt(tx, request.receipt)
        answer = f"It is kept but was not settled: {problem}"
        return Trace(request.receipt, answer, tuple(_sorted([(0, first), *_rows(rows)])))
    if request.state == "waiting":
        return Trace(request.receipt, "It is stored and waits to be settled.", (first,))
    found = _alerts_of(tx, ground, request)
    if not found:
        rows = record.by_receipt(tx, request.receipt)
        answer = "It was settled and concerns no alert that is kept."
        return Trace(request.receipt, answer, tuple(_sorted([(0, first), *_rows(rows)])))
    repeats = [
        _repeat_line(request, alert) for alert in found if alert.first_receipt != request.receipt
    ]
    return _of_alerts(tx, request.receipt, found, [first, *repeats])


def _repeat_line(request: Request, alert: Alert) -> Line:
    words = (
        f"it speaks of {alert.summary!r}, which {alert.first_receipt} had opened: "
        f"counted, {alert.repeats} repeats so far"
    )
    return Line(from_us(request.received_at_us), "alert.repeated", words)


def _alerts_of(tx: Tx, ground: Ground, request: Request) -> list[Alert]:
    """The alerts that its items speak of, found by reading it again as settling did."""
    try:
        source = source_in(ground.views.at(tx, request.estate_version), request.source)
        items = signals.read_again(request, source).items
    except MainstayError:
        return []
    found = [alerts.newest(tx, request.source, item.dedup_key) for item in items[:ALERTS_MAX]]
    return [alert for alert in found if alert is not None]


def _of_alerts(tx: Tx, subject: str, found: list[Alert], first: list[Line]) -> Trace:
    numbered: list[tuple[int, Line]] = [(0, line) for line in first]
    for alert in found:
        numbered += _rows(record.by_subject(tx, alert.id))
    for incident in dict.fromkeys(alert.incident for alert in found if alert.incident):
        numbered += _incident_lines(tx, incident)
    answers = list(dict.fromkeys(_where(tx, alert) for alert in found))
    return Trace(subject, " ".join(answers), tuple(_sorted(numbered)))


def _where(tx: Tx, alert: Alert) -> str:
    """Where one alert is now, in a sentence."""
    what = f"{alert.summary!r} ({alert.severity}, {alert.service})"
    incident = incidents.get(tx, alert.incident) if alert.incident else None
    if incident is not None:
        return f"{what} is {alert.state.replace('_', ' ')}. {_how_it_ended(tx, incident)}"
    silence = alerts.get_silence(tx, alert.silence) if alert.silence else None
    if silence is not None:
        return f"{what} is silenced by {silence.author}: {silence.reason}."
    return f"{what} is {alert.state.replace('_', ' ')}; it paged nobody."


def _how_it_ended(tx: Tx, incident: Incident) -> str:
    sends = paging.sends_of_incident(tx, incident.id)
    reached = list(dict.fromkeys(s.person for s in sends if s.state is SendState.SENT))
    paged = f"paged {', '.join(reached)}" if reached else "has reached nobody yet"
    if any(send.state is SendState.SHADOW for send in sends):
        paged = "is in shadow: pages were decided and not sent"
    held = f"{incident.acked_by} has it" if incident.acked_by else "nobody has acknowledged it"
    state = incident.state.replace("_", " ")
    return f"{incident.name} ({incident.priority}) is {state}; it {paged}; {held}."


def _incident_lines(tx: Tx, incident: str) -> list[tuple[int, Line]]:
    """What happened to the incident itself and its pages; its other alerts are left out."""
    rows = record.by_incident(tx, incident)
    return _rows([row for row in rows if not row["kind"].startswith("alert.")])


def _rows(rows: list[Row]) -> list[tuple[int, Line]]:
    return [(row["seq"], Line(from_us(row["at"]), row["kind"], row["because"])) for row in rows]


def _sorted(numbered: list[tuple[int, Line]]) -> list[Line]:
    """In the order of the record, each row once."""
    once = {(seq, line.sentence): line for seq, line in numbered}
    return [line for (seq, _), line in sorted(once.items(), key=lambda one: one[0][0])]


def _incident(tx: Tx, text: str) -> Incident | None:
    found = incidents.get(tx, text)
    digits = text.upper().removeprefix("INC-")
    if found is None and digits.isdecimal() and len(digits) < 16:
        found = incidents.by_number(tx, int(digits))
    return found
