"""The shift: checklists and what is signed, the log, handovers."""

from mainstay.api.routes.shift import checklists, handovers, health

__all__ = ["checklists", "handovers", "health"]
