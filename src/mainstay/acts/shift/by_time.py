"""What time does around a shift: one due row for each checklist and each team that hands over.

A look does whatever is missing and plans the next one in the same transaction, so a stop at any
moment loses nothing. `since` stays with the row: what was due before it was declared is not asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from mainstay import handover
from mainstay.acts.done import Act
from mainstay.acts.shift.alarms import raise_alarms
from mainstay.estate import View
from mainstay.foundation import due
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.due import Due
from mainstay.foundation.record import Fact

_ONE = 1
"""Each row in a transaction of its own: what one checklist cannot do holds up no other."""


def plan(tx: Tx, view: View, *, now: datetime) -> None:
    """Look at everything that is declared, now: after an apply, and at each start."""
    for checklist in view.estate.checklists:
        _plan(tx, handover.checklists.DUE, checklist, now=now)
    for team, declared in view.estate.teams.items():
        if declared.handover is not None:
            _plan(tx, handover.passing.DUE, team, now=now)
        if declared.shifts:
            _plan(tx, handover.shifts.short.DUE, team, now=now)


def _plan(tx: Tx, kind: str, key: str, *, now: datetime) -> None:
    if not due.plan_once(tx, kind, key, at=now, facts={"since": to_us(now)}):
        due.sooner(tx, kind, key, at=now)


def _checklist(act: Act, one: Due) -> list[Fact]:
    if one.key not in act.view.estate.checklists:
        return []
    found = handover.checklists.look(
        act.tx, act.ground.ids, act.view, one.key, since=from_us(one.facts["since"]),
        view_at=lambda version: act.ground.views.at(act.tx, version), now=act.now,
    )  # fmt: skip
    raise_alarms(act, found.alarms)
    due.plan(act.tx, one.kind, one.key, at=found.next_at, facts=one.facts)
    return found.facts


def _shift(act: Act, one: Due) -> list[Fact]:
    found = handover.passing.look(
        act.tx, act.ground.ids, act.view, one.key, since=from_us(one.facts["since"]), now=act.now
    )
    raise_alarms(act, found.alarms)
    if found.next_at is not None:
        due.plan(act.tx, one.kind, one.key, at=found.next_at, facts=one.facts)
    return found.facts


def _staffing(act: Act, one: Due) -> list[Fact]:
    told = one.facts.get("told", {})
    found = handover.shifts.short.look(act.tx, act.view, one.key, told=told, now=act.now)
    raise_alarms(act, found.alarms)
    if found.next_at is not None:
        due.plan(act.tx, one.kind, one.key, at=found.next_at, facts={"told": found.told})
    return found.facts


JOBS: Mapping[str, tuple[Callable[[Act, Due], list[Fact]], int]] = MappingProxyType(
    {
        handover.checklists.DUE: (_checklist, _ONE),
        handover.passing.DUE: (_shift, _ONE),
        handover.shifts.short.DUE: (_staffing, _ONE),
    }
)
"""What is due → what it asks for, and how many in one transaction."""
