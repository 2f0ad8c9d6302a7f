"""The estate: what is declared, who applied it last, and what each version changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mainstay import estate, oncall
from mainstay.console import words
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Showing
from mainstay.foundation.db import Tx

VERSIONS = 10
CHANGES_MAX = 200


def everything(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The screen: the version in force, its difference to the one before, what it declares."""
    number = reader.view.version
    asked = reader.query.get("version", "")
    shown = (
        int(asked) if asked.isdecimal() and len(asked) < 9 and 0 < int(asked) <= number else number
    )
    version = estate.get(tx, shown) if shown else None
    before = estate.get(tx, shown - 1) if shown > 1 else None
    found = reader.view.estate
    changes = []
    if version is not None:
        changes = list(estate.differences(before.estate if before else None, version.estate))
    gaps = oncall.gap_report(found, start=reader.now, is_business_day=reader.view.is_business_day)
    declared = {
        name: len(getattr(found, name))
        for name in ("services", "teams", "people", "schedules", "escalations", "sources", "routes", "calendars")
    }  # fmt: skip
    at = f", applied {reader.times.short(version.at)}" if version else ""
    by = f" by {reader.name(version.actor.removeprefix('person:'))}" if version else ""
    return {
        "title": "Estate", "where": "Estate", "version": version, "changes": changes[:CHANGES_MAX],
        "changes_n": len(changes), "declared": declared, "gaps": gaps, "estate": found,
        "sentence": f"Version {number} is in force." if number else "No estate is in force yet.",
        "more": f"{words.counted(sum(declared.values()), 'thing')} declared{at}{by}." if number else "",
        "numbers": list(range(number, max(0, number - VERSIONS), -1)), "shown": shown,
    }  # fmt: skip


SHOWINGS = (Showing("/estate", "estate.read", everything, "estate.html", here="estate"),)
