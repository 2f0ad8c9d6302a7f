"""Shifts: the working times of a team, and how they hand over."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Annotated

from pydantic import Field, model_validator

from mainstay.estate.collections.text import Count, Duration, Id, Part, Weekday, wall_clock


def span_of(text: str) -> tuple[time, time]:
    """`"06:00-14:00"` as two times of day. ValueError says what was expected."""
    first, _, last = text.partition("-")
    try:
        return wall_clock(first.strip()), wall_clock(last.strip())
    except ValueError:
        raise ValueError(f'expected a span such as "06:00-14:00", got {text!r}') from None


class Shift(Part):
    """A working time of a team. Written as its span alone, or whole."""

    at: str
    """From when to when: `"06:00-14:00"`; may pass midnight."""
    days: list[Weekday] = []
    """Only shifts that begin on these. None: every day."""
    calendar: Id | None = None
    """Only on the business days of this calendar. None: every day."""
    people: list[Id] = []
    """Who works it, the lead first. None, and no schedule: the team's members."""
    schedules: list[Id] = []
    """Whoever is on call for these when it begins works it too."""
    staff: Annotated[Count, Field(ge=0, le=100)] = 1
    """How many are needed at least."""
    lead: Id | None = None
    """Who leads it. None: the first of those who are there."""

    @model_validator(mode="before")
    @classmethod
    def _of_its_span(cls, value: object) -> object:
        """A version of the estate that was stored by Mainstay 0.1 knows shifts by their span alone."""
        return {"at": value} if isinstance(value, str) else value


class HandingOver(Part):
    """How the shifts of a team hand over."""

    draft_before: Duration = timedelta(minutes=30)
    """How long before the end of a shift its handover is drafted."""
    accept_within: Duration = timedelta(minutes=10)
    """How long the next shift has to accept it; then it escalates. The schedule wins all the same."""
    escalation: Id | None = None
    """Whom to page then. None: as for the team's checklists."""
