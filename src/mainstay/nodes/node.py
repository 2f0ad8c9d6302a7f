"""A node: one start of one program, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

LOST_AFTER = timedelta(seconds=15)
"""Silent for three heartbeats."""
Standing = Literal["up", "lost", "ended"]


@dataclass(frozen=True, slots=True)
class Node:
    """One start of one program. `schema`: the one that it knows."""

    id: str
    host: str
    folder: str
    pid: int
    listen: str
    version: str
    schema: int
    started_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None
    roles: tuple[str, ...] = ()
    """The leases that it holds: `settle`, or nothing."""

    def __str__(self) -> str:
        return f"{self.id} ({self.host}, pid {self.pid})"

    def standing(self, now: datetime) -> Standing:
        """`lost`: it has not said that it ends, and says nothing any more."""
        if self.ended_at is not None:
            return "ended"
        return "up" if now - self.seen_at < LOST_AFTER else "lost"
