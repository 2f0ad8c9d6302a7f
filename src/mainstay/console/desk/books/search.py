"""Search and jump: by number, name or words, over incidents, services, alerts, people, schedules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mainstay import alerts, incidents
from mainstay.alerts import Wanted
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Showing
from mainstay.foundation.db import Tx

EACH = 8
LOOKED_AT = 500


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found."""

    href: str
    kind: str
    name: str
    words: str


def find(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The screen. A single exact name would be a jump; it stands first."""
    text = reader.query.get("q", "").strip()[:200]
    hits = _hits(reader, tx, text) if text else []
    exact = hits[0].href if hits and hits[0].kind == "jump" else ""
    return {"title": f"Search: {text}" if text else "Search", "where": "Search", "text": text,
            "hits": hits, "exact": exact}  # fmt: skip


def _hits(reader: Reader, tx: Tx, text: str) -> list[Hit]:
    low, found = text.lower(), list[Hit]()
    one = incidents.by_name(tx, text)
    if one is not None and one.service not in reader.hidden:
        found.append(Hit(f"/incidents/{one.number}", "incident", one.name, one.title))
    rows = incidents.page(tx, open_only=False, before=None, limit=LOOKED_AT, hidden=reader.hidden)
    for row in rows:
        if low in row.title.lower() or low in row.service:
            found.append(Hit(f"/incidents/{row.number}", "incident", row.name, row.title))
    found = list(dict.fromkeys(found))[:EACH]
    estate = reader.view.estate
    if reader.may("alerts.read"):
        found += _named(
            "service", "/services/", {n: reader.service(n) for n in estate.services}, low
        )
        found += [
            Hit(f"/alerts/{alert.id}", "alert", alert.summary, reader.service(alert.service))
            for alert in alerts.find(
                tx, Wanted(text=text, hidden=reader.hidden), before=None, limit=EACH
            )
        ]  # fmt: skip
    if reader.may("people.read"):
        people = _named("person", "/people#", {n: p.name for n, p in estate.people.items()}, low)
        found += people
    if reader.may("oncall.read"):
        found += [Hit("/oncall", "schedule", n, "on call") for n in estate.schedules if low in n][
            :EACH
        ]
    return found


def _named(kind: str, base: str, names: Mapping[str, str], low: str) -> list[Hit]:
    hits = [
        Hit(f"{base}{name}", kind, words, name)
        for name, words in names.items() if low in name.lower() or low in words.lower()
    ]  # fmt: skip
    return hits[:EACH]


SHOWINGS = (Showing("/search", "incidents.read", find, "search.html"),)
