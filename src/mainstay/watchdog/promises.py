"""What the record promises: who should have been paged by when. Folded from its rows, nothing else.

Each row that starts a policy or fires a step says in its facts when the next step is due and when
its pages are. The tables that carry this out are never asked here; they are what is under suspicion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mainstay.foundation import record
from mainstay.foundation.db import Row, Tx

KINDS = (
    "incident.opened", "incident.reopened", "incident.resolved",
    "incident.acknowledged", "incident.unacknowledged", "incident.assigned", "incident.escalated",
    "paging.started", "paging.step", "paging.stopped", "paging.exhausted",
    "page.sent", "page.retry", "page.failed", "page.cancelled", "page.bundled", "page.repeated",
    "page.next_channel",
)  # fmt: skip
"""The rows that say something about what should be paged."""
_PAGED = frozenset(kind for kind in KINDS if kind.startswith("page."))
_ABOUT_THE_PAST = _PAGED | {"paging.stopped", "paging.exhausted", "incident.resolved"}
"""Of an incident that we do not follow, these are no reason to begin."""
FIRST_LOOK_ROWS = 50_000
"""How far back in the record we read when we start; what is open is found whatever its age."""
ONCE_MORE_ROWS = 5_000
"""Of those, what the second look reads once more."""
ROWS_AT_ONCE = 20_000


@dataclass(slots=True)
class Run:
    """A policy that runs, as the record tells it. Times in microseconds."""

    id: str
    policy: str
    next_step: int | None
    """0-based; None: no step is left, and that too must be noticed at `next_at`."""
    next_at: int


@dataclass(slots=True)
class Story:
    """One incident, as the record tells it."""

    incident: str
    known: bool = False
    """Whether we have read it from its beginning."""
    is_open: bool = True
    held_by: str | None = None
    held_until: int | None = None
    dry: bool = False
    """Every policy ran to its end: it was paged for as declared, and that was told."""
    runs: dict[str, Run] = field(default_factory=dict)
    page_at: int | None = None
    """When the first page of a step was due of which no try is on record yet."""

    def hear(self, kind: str, subject: str, facts: dict[str, Any]) -> None:
        """What one row says."""
        if kind in _PAGED:
            self.page_at = None
            return
        match kind:
            case "incident.opened" | "incident.reopened":
                self.is_open, self.held_by = True, None
            case "incident.resolved":
                self.is_open, self.page_at = False, None
            case "incident.acknowledged":
                self.held_by, self.held_until = facts.get("by", "somebody"), facts.get("until")
                self.page_at = None
            case "incident.unacknowledged" | "incident.assigned" | "incident.escalated":
                self.held_by = None
            case "paging.started" | "paging.step":
                self._promised(kind, subject, facts)
            case "paging.stopped" | "paging.exhausted":
                self.runs.pop(subject, None)
                self.dry = kind == "paging.exhausted"

    def _promised(self, kind: str, run: str, facts: dict[str, Any]) -> None:
        if kind == "paging.started":
            # Whatever starts a policy takes the incident back from whoever had it.
            self.held_by, self.dry = None, False
            policy = str(facts["policy"])
        else:
            policy = self.runs[run].policy if run in self.runs else "a policy"
        if "next_at" not in facts:  # written by a Mainstay that did not promise yet
            return
        self.runs[run] = Run(run, policy, facts["next_step"], facts["next_at"])
        if self.page_at is None:
            self.page_at = facts.get("page_at")


class Ledger:
    """Every incident that is open by the record, kept up with it look by look."""

    def __init__(self) -> None:
        self.open: dict[str, Story] = {}
        self._read_to: int | None = None
        self._read_to_before = 0

    def keep_up(self, tx: Tx, opened: Iterable[str]) -> None:
        """Read what is new, and once more what was new last time. `opened`: by the tables.

        Two transactions may commit in another order than their rows are numbered; a row that
        became visible late lies within the last look. To hear a row twice changes nothing.
        """
        head = record.head(tx)
        if self._read_to is None:
            self._read_to_before = max(0, head - FIRST_LOOK_ROWS)
            self._read_to = max(0, head - ONCE_MORE_ROWS)
        for row in _rows(tx, self._read_to_before):
            self._hear(row)
        self._read_to_before, self._read_to = self._read_to, head
        for incident in opened:
            if incident not in self.open:
                self.open[incident] = Story(incident)
        self._read_beginnings(tx)

    def _hear(self, row: Row) -> None:
        kind, incident = row["kind"], row["incident"]
        if incident is None:
            return
        story = self.open.get(incident)
        if story is None:
            if kind in _ABOUT_THE_PAST:
                return
            story = self.open[incident] = Story(incident, known=kind == "incident.opened")
        story.hear(kind, row["subject"], msgspec.json.decode(row["facts"]))
        if not story.is_open:
            del self.open[incident]

    def _read_beginnings(self, tx: Tx) -> None:
        """What began before we did: its whole timeline, by the index of incidents."""
        for incident, story in list(self.open.items()):
            if story.known:
                continue
            story = Story(incident, known=True, is_open=False)
            for row in record.of_kinds_about(tx, incident, KINDS):
                story.hear(row["kind"], row["subject"], msgspec.json.decode(row["facts"]))
            if story.is_open:
                self.open[incident] = story
            else:
                del self.open[incident]


def _rows(tx: Tx, after: int) -> Iterator[Row]:
    while rows := record.of_kinds(tx, KINDS, after=after, limit=ROWS_AT_ONCE):
        yield from rows
        after = rows[-1]["seq"]
