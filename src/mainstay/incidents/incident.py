"""The incident: what people work on; and the states that it may pass through. Values only.

*Acknowledged by whom, until when* is a fact beside the state: it says that somebody has it, not
how far they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mainstay.foundation.errors import Conflict, Invalid


class State(StrEnum):
    """Where the work stands."""

    NEW = "new"
    INVESTIGATING = "investigating"
    MITIGATING = "mitigating"
    MONITORING = "monitoring"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"


WORKING = (State.INVESTIGATING, State.MITIGATING, State.MONITORING)
HOLDS = ("caller", "change", "problem", "vendor")
"""What an incident on hold waits for."""
PRIORITIES = ("P1", "P2", "P3", "P4")

MOVES: dict[State, tuple[State, ...]] = {
    State.NEW: (*WORKING, State.ON_HOLD, State.RESOLVED),
    State.INVESTIGATING: (State.MITIGATING, State.MONITORING, State.ON_HOLD, State.RESOLVED),
    State.MITIGATING: (State.INVESTIGATING, State.MONITORING, State.ON_HOLD, State.RESOLVED),
    State.MONITORING: (State.INVESTIGATING, State.MITIGATING, State.ON_HOLD, State.RESOLVED),
    State.ON_HOLD: (*WORKING, State.RESOLVED),
    State.RESOLVED: (State.INVESTIGATING, State.CLOSED),
    State.CLOSED: (),
}


@dataclass(frozen=True, slots=True)
class Incident:
    """One row of `incidents_incident`; times in microseconds since 1970."""

    id: str
    number: int
    correlation_key: str
    service: str
    title: str
    state: State
    hold: str | None
    severity: str
    priority: str
    assignee: str | None
    opened_at: int
    resolved_at: int | None
    closed_at: int | None
    acked_by: str | None
    acked_at: int | None
    acked_until: int | None
    acked_severity: str | None
    estate_version: int

    @property
    def name(self) -> str:
        """How people call it: INC-2041."""
        return f"INC-{self.number}"

    @property
    def is_open(self) -> bool:
        """Neither resolved nor closed."""
        return self.resolved_at is None

    def acknowledged(self, now_us: int) -> bool:
        """Whether somebody has it now."""
        return self.acked_by is not None and (self.acked_until is None or self.acked_until > now_us)


def check_move(incident: Incident, to: State, hold: str | None) -> None:
    """Conflict when the state may not follow; Invalid when a hold does not say what it waits for."""
    if to not in MOVES[incident.state]:
        may = ", ".join(MOVES[incident.state]) or "nothing"
        raise Conflict(f"{incident.name} is {incident.state}; from there it may become {may}.")
    if (to is State.ON_HOLD) != (hold is not None):
        raise Invalid(f"On hold needs what it waits for: {', '.join(HOLDS)}.", pointer="/hold")
    if hold is not None and hold not in HOLDS:
        raise Invalid(f"{hold!r} is no hold; use {', '.join(HOLDS)}.", pointer="/hold")


def more_urgent(one: str, other: str) -> str:
    """The more urgent of two priorities."""
    return min(one, other, key=PRIORITIES.index)
