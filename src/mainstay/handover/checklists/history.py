"""How a checklist went on the last days: when it was signed, and what was red at its time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mainstay.foundation.db import Tx
from mainstay.handover.checklists import store
from mainstay.handover.checklists.store import Run, Signature

DAYS = 30


@dataclass(frozen=True, slots=True)
class Past:
    """One day. `items`: how each stood when it was due."""

    run: Run
    signatures: tuple[Signature, ...]
    items: dict[str, str]

    @property
    def on_time(self) -> bool:
        """Whether it was signed by its time."""
        return self.run.state == "signed" and self.run.due_state in (None, "signed")


@dataclass(frozen=True, slots=True)
class Trend:
    """An item over the days that are known: `states` oldest first, None where nothing is kept."""

    item: str
    states: tuple[str | None, ...]

    @property
    def red(self) -> int:
        """On how many days it was not as it should be at the time."""
        return sum(one not in (None, "ok") for one in self.states)


def past(tx: Tx, checklist: str, *, before: datetime | None, limit: int = DAYS) -> list[Past]:
    """The last days, the newest first."""
    found = store.runs(tx, checklist=checklist, before=before, limit=limit)
    kept = store.answered_in(tx, [run.id for run in found])
    return [
        Past(
            run, tuple(store.signatures(tx, run.id)),
            {name: one.due_state for name, one in kept[run.id].items() if one.due_state},
        )
        for run in found
    ]  # fmt: skip


def trends(days: list[Past]) -> list[Trend]:
    """What was red on any of these days, the reddest first."""
    days = [one for one in reversed(days) if one.items or one.run.state == "signed"]
    names = dict.fromkeys(name for one in days for name in one.items)
    found = [
        Trend(name, tuple(_state(one, name) for one in days)) for name in names
    ]  # fmt: skip
    return sorted((one for one in found if one.red), key=lambda one: (-one.red, one.item))


def _state(day: Past, item: str) -> str | None:
    """Signed by its time, everything was in order or waived."""
    return day.items.get(item) or ("ok" if day.on_time else None)
