"""Acts around a shift, and what time does to its checklists and handovers."""

from __future__ import annotations

from mainstay.acts.done import Act, Done
from mainstay.acts.shift import checklists, handovers
from mainstay.acts.shift.by_time import JOBS, plan
from mainstay.acts.shift.commands import OnChecklist, OnShift

__all__ = ["JOBS", "OnShift", "perform", "plan"]


def perform(act: Act, command: OnShift) -> Done:
    """One of the acts; each asks for its permission, for the team that it concerns."""
    if isinstance(command, OnChecklist):
        return checklists.perform(act, command)
    return handovers.perform(act, command)
