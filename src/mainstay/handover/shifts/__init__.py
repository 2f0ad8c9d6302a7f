"""Shifts: when a team works, who is there, who is away, and whether that is enough."""

from mainstay.handover.shifts import short
from mainstay.handover.shifts.staffing import Staffing, staffing
from mainstay.handover.shifts.times import Stretch, at, following, next_end, stretches

__all__ = ["Staffing", "Stretch", "at", "following", "next_end", "short", "staffing", "stretches"]
