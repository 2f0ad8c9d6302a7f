"""Which open incident a new alert belongs to: simple, deterministic, with its reason.

Two rules, in this order. The same service: its open incident. A neighbour (a service that this
one depends on, or that depends on it, however far) with an open incident in which, within the
window, an alert of it began, got worse or was heard again: the nearest neighbour's. Else a new
incident.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from mainstay.alerts.alert import Alert


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open incident, seen through one service that is in it.

    `last_at`: when an alert of that service last began, got worse or was heard again, µs.
    """

    incident: str
    service: str
    last_at: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where the alert goes: into `incident`, or (None) into a new one under `key`."""

    incident: str | None
    key: str
    because: str


def correlate(
    alert: Alert, candidates: Iterable[Candidate], *,
    distance: Callable[[str, str], int | None], window: timedelta, at_us: int,
) -> Place:  # fmt: skip
    """Pick among `candidates`. `distance` counts dependency steps between two services, or None."""
    key = f"service:{alert.service}"
    window_us = window // timedelta(microseconds=1)
    near: list[tuple[int, int, str, str]] = []
    for candidate in candidates:
        if candidate.service == alert.service:
            because = f"{alert.service} has an open incident"
            return Place(candidate.incident, key, because)
        steps = distance(alert.service, candidate.service)
        if steps is not None and at_us - candidate.last_at <= window_us:
            near.append((steps, -candidate.last_at, candidate.incident, candidate.service))
    if near:
        steps, _, incident, neighbour = min(near)
        because = (
            f"{alert.service} and {neighbour} depend on each other ({_steps(steps)} apart), "
            f"and an alert of {neighbour} began, got worse or was heard again "
            f"within {int(window.total_seconds() // 60)} minutes"
        )
        return Place(incident, key, because)
    return Place(None, key, f"nothing open on {alert.service} or near it")


def _steps(steps: int) -> str:
    return "one step" if steps == 1 else f"{steps} steps"
