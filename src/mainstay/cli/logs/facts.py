"""What was found, as JSON: events, templates, differences."""

from __future__ import annotations

from typing import Any

import msgspec

from mainstay.cli import show
from mainstay.foundation.clock import text_of_us
from mainstay.telemetry.logs import Difference, Event, Template


def one_line(facts: dict[str, Any]) -> str:
    """A JSON object on a line, safe to look at."""
    text = msgspec.json.encode(facts).decode()
    return show.paragraphs(text) + "\n"


def event_facts(event: Event) -> dict[str, Any]:
    """What an event says; what it does not is left out."""
    found = {
        "at": text_of_us(event.at_us), "level": event.level, "source": event.source,
        "host": event.host, "message": event.message, "detail": event.detail,
        "fields": dict(event.fields),
    }  # fmt: skip
    return {name: value for name, value in found.items() if value}


def template_facts(one: Template) -> dict[str, Any]:
    """One kind of message."""
    return {
        "template": one.text, "count": one.count, "level": one.level,
        "first": text_of_us(one.first.at_us), "last": text_of_us(one.last.at_us),
        "sources": sorted(one.sources), "example": one.first.message,
    }  # fmt: skip


def difference_facts(one: Difference) -> dict[str, Any]:
    """One difference of two windows."""
    found = {
        "kind": one.kind, "template": one.text, "level": one.level, "good": one.good,
        "bad": one.bad, "expected": one.expected, "score": one.score, "because": one.because,
        "example": event_facts(one.example),
    }  # fmt: skip
    if one.shift is not None:
        found["value"] = {
            "place": one.shift.place,
            "before": one.shift.before,
            "after": one.shift.after,
        }
    return found
