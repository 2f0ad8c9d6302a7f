"""Escalation policies: whom to page, in which order, after how long."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from mainstay.estate.collections.text import Count, Duration, Part, TargetText, Yes


class Repeat(Part):
    """Once more, `times` times, `every` so long."""

    times: Count = Field(ge=1, le=100)
    every: Duration = timedelta(minutes=15)


class Step(Part):
    """`after`: counted from the start of the escalation, not from the step before."""

    after: Duration = timedelta(0)
    notify: list[TargetText] = Field(min_length=1)
    channel: str | None = None
    """Only by this kind of address where the person has one; else by their own rules."""
    round_robin: Yes = False
    """One of `notify` at a time, the next with each incident."""
    repeat: Repeat | None = None


class Escalation(Part):
    """Steps in order. Written as a list, or as {steps, repeat} to go round again as a whole."""

    steps: list[Step] = Field(min_length=1)
    repeat: Repeat | None = None
