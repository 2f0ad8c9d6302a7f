"""A timeline as people read it: rows of the record, told in words, with who did each.

What the record says is shown as it stands, but for two things: people are called by their names,
and rows that say the same of one moment (a page by three ways, a burst of alerts) are one line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from mainstay.console.desk.reader import Reader
from mainstay.foundation import record
from mainstay.foundation.clock import from_us
from mainstay.foundation.db import Row

PINNED = ("incident.finding", "incident.decision", "incident.update", "incident.picture")
"""What stands out: people come back to these."""
NOTES = ("incident.note", *PINNED)
KINDS: Mapping[str, str] = MappingProxyType(
    {"all": "All", "notes": "Notes", "alerts": "Alerts", "pages": "Pages", "acts": "Acts"}
)
"""The filters of a timeline, and their words."""
ONE_MOMENT = timedelta(seconds=60)
_REST = re.compile(r"(; |, because |, which was )")
"""What follows is said in a quieter tone."""
_GLYPHS = {
    "alert.opened": "crit",
    "alert.worsened": "crit",
    "alert.resolved": "ok",
    "alert.closed": "ok",
    "alert.expired": "unknown",
    "alert.silenced": "mute",
    "incident.resolved": "ok",
    "incident.opened": "run",
    "incident.joined": "run",
    "incident.finding": "find",
    "diagnosis.made": "find",
    "diagnosis.failed": "warn",
    "incident.note": "note",
    "incident.decision": "note",
    "incident.update": "note",
    "incident.picture": "note",
    "page.failed": "warn",
    "page.next_channel": "warn",
    "paging.exhausted": "warn",
    "paging.unreachable": "warn",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One line. `by`: who, where a person did it; `pin`: what it is called, where it stands out."""

    seq: int
    at: datetime
    kind: str
    text: str
    rest: str
    by: str | None
    ways: tuple[str, ...] = ()
    several: int = 1

    @property
    def pin(self) -> str | None:
        """`finding`, `decision`, `update`, `picture`; None for what does not stand out."""
        return self.kind.removeprefix("incident.") if self.kind in PINNED else None

    @property
    def glyph(self) -> str:
        """The shape before it."""
        room = self.kind.partition(".")[0]
        return _GLYPHS.get(self.kind, {"page": "page", "paging": "page"}.get(room, "person"))

    @property
    def group(self) -> str:
        """Which filter shows it."""
        if self.kind in NOTES:
            return "notes"
        room = self.kind.partition(".")[0]
        return {"alert": "alerts", "page": "pages", "paging": "pages"}.get(room, "acts")


def events(reader: Reader, rows: list[Row], *, only: str = "all") -> list[Event]:
    """The rows as lines, oldest first."""
    found: list[Event] = []
    for row in rows:
        one = _event(reader, row)
        if only not in ("all", one.group):
            continue
        joined = _joined(found[-1], one) if found else None
        if joined is not None:
            found[-1] = joined
        else:
            found.append(one)
    return found


def _event(reader: Reader, row: Row) -> Event:
    kind, actor, text = row["kind"], row["actor"], row["because"]
    person = actor.removeprefix("person:") if actor.startswith("person:") else None
    by = reader.name(person) if person is not None else None
    at = from_us(row["at"])
    if kind in NOTES:
        return Event(row["seq"], at, kind, text, "", by)
    if person is not None:
        text = text.removeprefix(f"{person} ")
    text = reader.named(text)
    if kind == "page.sent":
        told = record.facts_of(row)
        paged = f"paged {reader.name(told['person'])}"
        return Event(row["seq"], at, kind, paged, "", by, (told["channel"],))
    parts = _REST.split(text, maxsplit=1)
    return Event(row["seq"], at, kind, parts[0], "".join(parts[1:]), by)


def _joined(last: Event, one: Event) -> Event | None:
    """Both as one line, where they say the same of one moment."""
    if last.kind != one.kind or one.at - last.at >= ONE_MOMENT or one.by is not None:
        return None
    if one.kind == "page.sent" and last.text == one.text:
        return replace(last, seq=one.seq, ways=tuple(dict.fromkeys((*last.ways, *one.ways))))
    if one.group == "alerts":
        return replace(last, seq=one.seq, several=last.several + 1)
    return None
