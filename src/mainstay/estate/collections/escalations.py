"""Escalation policies: whom to page, in which order, after how long."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from mainstay.estate.collections.text import Count, Duration, Part, TargetText, Yes


class Repeat(Part):
    """Once more, `times` times, `every` so long."""

    times: Count = Field(ge=1, le=100)
    """How often more, after the first time."""
    every: Duration = timedelta(minutes=15)
    """From one time to the next."""


class Step(Part):
    """One step of an escalation: whom to page, how long after its start."""

    after: Duration = timedelta(0)
    """Counted from the start of the escalation, not from the step before."""
    notify: list[TargetText] = Field(min_length=1)
    """Whom to page; who is on call is decided when the step fires."""
    channel: str | None = None
    """Only by this kind of address where the person has one; else by their own rules."""
    round_robin: Yes = False
    """One of `notify` at a time, the next with each incident."""
    repeat: Repeat | None = None
    """Page them again, while nobody has acknowledged."""


class Escalation(Part):
    """Steps in order. Written as a list, or as {steps, repeat} to go round again as a whole."""

    steps: list[Step] = Field(min_length=1)
    """In the order of their `after`."""
    repeat: Repeat | None = None
    """Go through all steps again."""
