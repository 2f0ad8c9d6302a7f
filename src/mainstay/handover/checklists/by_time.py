"""What time does to a checklist: it opens, it is due, and a day that nobody signed is over.

Each step looks at what is, and does what is missing: done twice, it does nothing the second time;
after a stop it does what would have been done meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mainstay.estate import View, checklist_duty
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict
from mainstay.foundation.ids import Ids
from mainstay.foundation.record import Fact
from mainstay.handover import days
from mainstay.handover.alarms import REPEAT, Alarm
from mainstay.handover.checklists import store
from mainstay.handover.checklists.lines import checklist_of, lines
from mainstay.handover.checklists.store import Run
from mainstay.handover.checklists.verdict import verdict
from mainstay.handover.days import Occurrence

DUE = "handover.checklist"
"""A checklist is to be looked at; the key is its id."""
AGAIN = timedelta(hours=6)
"""When to look again at a checklist that comes on no day in sight."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look did: rows for the record, who is to be paged or no longer, when to look next."""

    facts: list[Fact]
    alarms: list[Alarm]
    next_at: datetime


def look(
    tx: Tx, ids: Ids, view: View, checklist: str, *, since: datetime,
    view_at: Callable[[int], View], now: datetime,
) -> Looked:  # fmt: skip
    """Bring a checklist to where it should be `now`. Nothing due before `since` is asked for."""
    rules = checklist_of(view, checklist)
    facts: list[Fact] = []
    alarms: list[Alarm] = []
    newest = days.latest(view, rules, now)
    if newest is not None and newest.due_at > since:
        if store.run_of(tx, checklist, newest.day) is None:
            _, fact = open_run(tx, ids, view, checklist, newest, now=now)
            facts.append(fact)
        facts += _miss(tx, checklist, newest, alarms, now=now)
    for run in store.open_runs(tx, checklist):
        if run.due_at <= now:
            facts += _due(tx, view_at(run.estate_version), run, alarms, now=now)
    pending = [one.due_at for one in store.open_runs(tx, checklist) if one.due_at > now]
    repeats = [now + REPEAT] if any(one.alarmed for one in store.open_runs(tx, checklist)) else []
    opens = days.coming(view, rules, now)
    ahead = [opens.opens_at] if opens is not None else []
    return Looked(facts, alarms, min([*pending, *repeats, *ahead], default=now + AGAIN))


def open_run(
    tx: Tx, ids: Ids, view: View, checklist: str, on: Occurrence, *, now: datetime
) -> tuple[Run, Fact]:
    """The run of a business day begins. Conflict when there is one already."""
    rules = checklist_of(view, checklist)
    if store.run_of(tx, checklist, on.day) is not None:
        raise Conflict(f"{checklist} of {on.day} is open already.")
    run = Run(
        id=ids.new("clr", now), checklist=checklist, day=on.day, team=rules.team,
        estate_version=view.version, opened_at=now, due_at=on.due_at, state="open", due_state=None,
        due_because=None, alarmed=False, evidence=None, evidence_hash=None, ended_at=None,
    )  # fmt: skip
    store.insert_run(tx, run)
    local = on.due_at.astimezone(days.zone_of(view, rules.timezone))
    words = f"{checklist} of {on.day} opens, {len(rules.keys)} items, due {local:%a %H:%M}"
    return run, Fact("checklist.opened", run.id, words, facts=facts_of(run))


def facts_of(run: Run, **more: object) -> dict[str, object]:
    """What a program reads in a row about a run."""
    return {
        "team": run.team, "checklist": run.checklist, "day": run.day.isoformat(), **more
    }  # fmt: skip


def alarm_of(run: Run, summary: str, *, over: bool) -> Alarm:
    """Somebody is to be paged because a run is not signed; or (`over`) no longer."""
    return Alarm(checklist_duty(run.checklist), f"{run.checklist} {run.day}", summary, over)


def _due(
    tx: Tx, view: View, run: Run, alarms: list[Alarm], *, now: datetime
) -> list[Fact]:  # fmt: skip
    """Unsigned at its time: how it stands is kept, and somebody is paged until it is signed."""
    facts = []
    found = lines(tx, view, run, now=now)
    stands = verdict(view, found)
    if run.due_state is None:
        for line in found:
            store.item_at_due(tx, run.id, line.key, line.state)
        store.stand_at_due(tx, run.id, state=stands.state, because=stands.sentence)
        words = f"{run.checklist} of {run.day} is not signed at its time. {stands.sentence}"
        facts.append(
            Fact("checklist.unsigned", run.id, words, facts=facts_of(run, state=stands.state))
        )
    called = checklist_of(view, run.checklist).name or run.checklist
    summary = (
        f"{called} of {run.day:%a} {run.day.day} {run.day:%b} is not signed: {stands.sentence}"
    )
    alarms.append(alarm_of(run, summary, over=False))
    store.set_alarmed(tx, run.id, alarmed=True)
    return facts


def _miss(
    tx: Tx, checklist: str, newest: Occurrence, alarms: list[Alarm], *, now: datetime
) -> list[Fact]:
    """What nobody signed before the next one opened is kept as missed."""
    facts = []
    for run in store.open_runs(tx, checklist):
        if run.day < newest.day:
            words = f"{checklist} of {run.day} was never signed; {newest.day} begins"
            store.end_run(tx, run.id, state="missed", at=now)
            facts.append(Fact("checklist.missed", run.id, words, facts=facts_of(run)))
            if run.alarmed:
                alarms.append(alarm_of(run, words, over=True))
    return facts
