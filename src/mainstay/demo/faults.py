"""What can go wrong at Alpenpay, act by act, and how each system tells of it in its own words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from mainstay.foundation.clock import to_text

Source = Literal["prometheus", "pagerduty-agents", "mainframe"]
TELLERS: dict[str, str] = {
    "prometheus": "Prometheus",
    "pagerduty-agents": "an agent that speaks PagerDuty",
    "mainframe": "the mainframe's scheduler",
}
LIVES = timedelta(minutes=4)
"""How long an alert of Prometheus lives unless it is repeated."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong with one service."""

    service: str
    name: str
    summary: str
    severity: Literal["critical", "error", "warning"]
    over: str
    source: Source = "prometheus"
    unrouted: bool = False
    """The estate knows no such service: the last route takes it."""

    @property
    def place(self) -> str:
        """The service that Mainstay files it under."""
        return "unrouted" if self.unrouted else self.service

    @property
    def teller(self) -> str:
        """Who notices it."""
        return TELLERS[self.source]


@dataclass(frozen=True, slots=True)
class Act:
    """Beats (seconds after its start, verb, fault), and when it heals if nobody does anything."""

    beats: tuple[tuple[float, str, Fault | None], ...]
    heals_after_s: float


@dataclass(frozen=True, slots=True)
class Request:
    """A POST by one source; its body may need the source's key."""

    source: Source
    path: str
    body: Callable[[str], Any]


LAG = Fault(
    "pay-db", "ReplicaLag", "Replica pg-02 is 38 s behind", "error", "Replica pg-02 has caught up"
)
LATENCY = Fault(
    "pay-api", "LatencyHigh", "pay-api answers in 4.2 s (p99)", "critical",
    "pay-api answers in 0.3 s (p99)",
)  # fmt: skip
FLAP = Fault(
    "merchant-ui", "ErrorRatio", "2 % of requests fail", "warning", "Requests succeed again"
)
FILE_LATE = Fault(
    "settlement", "SETL040", "SEPA file of 05:30 has not arrived", "critical",
    "SEPA file has arrived", "mainframe",
)  # fmt: skip
SCORING = Fault(
    "fraud", "scoring", "Scoring model times out", "error", "Scoring model answers again",
    "pagerduty-agents",
)  # fmt: skip
GATEWAY = Fault(
    "sepa-gw", "SixSlow", "SIX acknowledges after 40 s", "error", "SIX acknowledges at once"
)
FAX = Fault(
    "fax-bridge", "PaperOut", "The fax bridge has no paper", "warning", "The fax bridge has paper",
    unrouted=True,
)  # fmt: skip
DEPLOY = "pay-api 4.12.0 was deployed"

ACTS = (
    Act(
        (
            (0, "deploy", None),
            (1, "fire", LAG),
            (11, "fire", LATENCY),
            (26, "fire", FLAP),
            (31, "over", FLAP),
            (38, "fire", FLAP),
            (43, "over", FLAP),
        ),
        heals_after_s=180,
    ),
    Act(((0, "fire", FILE_LATE),), heals_after_s=120),
    Act(((0, "fire", SCORING),), heals_after_s=90),
)
STIRS = (GATEWAY, FAX)
"""Faults of services that nothing else of the story depends on: each makes an incident of its own."""


def request_of(fault: Fault, *, firing: bool, since: datetime, now: datetime) -> Request:
    """What its source sends when it fires, or when it is over."""
    match fault.source:
        case "prometheus":
            body = _prometheus(fault, firing, since, now)
            return Request("prometheus", "/api/v2/alerts", lambda key: body)
        case "pagerduty-agents":
            return Request(
                "pagerduty-agents", "/v2/enqueue", lambda key: _pagerduty(fault, firing, key)
            )
        case "mainframe":
            message = _mainframe(fault, firing)
            return Request("mainframe", "/hook", lambda key: message)


def change_of(summary: str, *, now: datetime) -> Request:
    """A change event, as a pipeline sends it."""
    payload = {
        "summary": summary,
        "source": "pipeline",
        "timestamp": to_text(now),
        "custom_details": {"service": "pay-api"},
    }
    return Request(
        "pagerduty-agents",
        "/v2/change/enqueue",
        lambda key: {"routing_key": key, "payload": payload},
    )


def _prometheus(fault: Fault, firing: bool, since: datetime, now: datetime) -> Any:
    return [
        {
            "labels": {
                "alertname": fault.name,
                "service": fault.service,
                "severity": fault.severity,
                "replica": "a",
            },
            "annotations": {"summary": fault.summary},
            "startsAt": to_text(since),
            "endsAt": to_text(now + LIVES if firing else now),
            "generatorURL": f"http://prometheus.alpenpay.example/graph?g0.expr={fault.name}",
        }
    ]


def _pagerduty(fault: Fault, firing: bool, key: str) -> Any:
    event: dict[str, Any] = {
        "routing_key": key,
        "event_action": "trigger" if firing else "resolve",
        "dedup_key": f"{fault.service}/{fault.name}",
    }
    payload = {
        "summary": fault.summary,
        "source": f"{fault.service}-01",
        "severity": fault.severity,
        "component": fault.name,
        "custom_details": {"service": fault.service},
    }
    return event | {"payload": payload} if firing else event


def _mainframe(fault: Fault, firing: bool) -> Any:
    message = {
        "job": fault.name,
        "text": fault.summary if firing else fault.over,
        "sev": 1,
        "state": "LATE" if firing else "OK",
        "host-name": "mvs1",
    }
    return {"messages": [message]}
