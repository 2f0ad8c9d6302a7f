"""The items of a run as they stand: what was answered, what is waived, what is still to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from mainstay import checks
from mainstay.checks import Standing
from mainstay.checks import State as CheckState
from mainstay.estate import Answer, Checklist, Item, View
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, NotFound
from mainstay.foundation.nearest import hint
from mainstay.handover.checklists import store
from mainstay.handover.checklists.store import Answered, File, Run, Waiver

State = Literal["ok", "at risk", "failing", "not seen", "waiting", "waived"]
DONE = ("ok", "waived")
"""States that stand in nobody's way."""


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a run. `would_be`: how it stands without its waiver."""

    key: str
    title: str
    kind: Literal["check", "manual"]
    state: State
    because: str
    services: tuple[str, ...] = ()
    """What is at risk when it fails: the service first, then whatever needs it."""
    about: str | None = None
    asks: dict[str, Answer] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    author: str | None = None
    at: datetime | None = None
    waiver: Waiver | None = None
    would_be: State | None = None
    due_state: str | None = None


def checklist_of(view: View, checklist: str) -> Checklist:
    """A checklist as declared. NotFound, with the nearest name, where there is none."""
    found = view.estate.checklists.get(checklist)
    if found is None:
        near = hint(checklist[:60], view.estate.checklists)
        raise NotFound(f"The estate declares no checklist {checklist[:60]!r}{near}.")
    return found


def item_of(view: View, run: Run, key: str) -> Item:
    """A manual item of a run. NotFound for one that it has not."""
    every = checklist_of(view, run.checklist).items
    items = {one.key: one for one in every if one.manual is not None}
    found = items.get(key)
    if found is None:
        if any(key in one.run for one in every):
            raise NotFound(f"{key} is a check: it answers for itself, when it is run.")
        raise NotFound(
            f"{run.checklist} has no item {key[:60]!r}{hint(key[:60], items)}; "
            f"it has {', '.join(items) or 'checks alone'}."
        )
    return found


def check_open(run: Run) -> None:
    """Conflict when nothing may change in it any more."""
    if run.state == "open":
        return
    if run.state == "half signed":
        raise Conflict(
            f"{run.checklist} of {run.day} has its first signature: what was signed stays as it "
            "is. To change it, take the signature back: mainstay start-of-day reopen"
        )
    raise Conflict(f"{run.checklist} of {run.day} is {run.state}; nothing changes in it any more.")


def lines(tx: Tx, view: View, run: Run, *, now: datetime) -> list[Line]:
    """Every item of the run, in order. `view`: of the run's version of the estate."""
    kept = store.answered(tx, run.id)
    attached = store.files(tx, run.id)
    waived = {one.item: one for one in store.waivers(tx, checklist=run.checklist, at=now)}
    rules = checklist_of(view, run.checklist)
    seen = _standings(tx, view, rules, now=now)
    found = []
    for item in rules.items:
        if item.manual is not None:
            found.append(_manual(view, item, kept.get(item.key), attached))
        found += [_automatic(view, name, seen[name], kept.get(name)) for name in item.run]
    return [_waived(line, waived.get(line.key)) for line in found]


def checks_of(view: View, checklist: str) -> tuple[str, ...]:
    """The ids of the checks that a checklist runs."""
    return tuple(name for item in checklist_of(view, checklist).items for name in item.run)


def sheet_of(view: View) -> checks.Sheet:
    """The checks of a version, compiled once."""
    return view.once("handover.sheet", lambda: checks.Sheet(view))


def _standings(
    tx: Tx, view: View, rules: Checklist, *, now: datetime
) -> dict[str, list[Standing]]:  # fmt: skip
    """How each check stands, on every host that it has."""
    ids = tuple(name for item in rules.items for name in item.run)
    found: dict[str, list[Standing]] = {name: [] for name in ids}
    if ids:
        for one in checks.states(tx, sheet_of(view), now=now, ids=ids):
            found[one.check].append(one)
    return found


_OF_CHECK: Mapping[CheckState, State] = MappingProxyType(
    {
        CheckState.OK: "ok", CheckState.WARN: "at risk", CheckState.FAIL: "failing",
        CheckState.NOT_SEEN: "not seen", CheckState.WAITING: "waiting",
    }
)  # fmt: skip
_WORST: tuple[State, ...] = ("failing", "not seen", "waiting", "at risk", "ok")


def _automatic(view: View, name: str, seen: list[Standing], kept: Answered | None) -> Line:
    """A check: as its worst host stands, with what is wrong there."""
    by_state = {_OF_CHECK[one.state]: one for one in reversed(seen)}
    state: State = next((one for one in _WORST if one in by_state), "not seen")
    bad = [one for one in seen if _OF_CHECK[one.state] == state]
    said = [f"{one.host}: {one.sentence}" if len(seen) > 1 else one.sentence for one in bad]
    because = "; ".join(said[:3]) if state != "ok" or len(seen) == 1 else f"{len(seen)} hosts"
    declared = view.estate.checks.get(name)
    ats = [one.at for one in seen if one.at is not None]
    return Line(
        name, name, "check", state, because,
        services=_at_risk(view, declared.service if declared is not None else None),
        about=declared.about if declared is not None else None, at=max(ats, default=None),
        due_state=kept.due_state if kept is not None else None,
    )  # fmt: skip


def _manual(view: View, item: Item, kept: Answered | None, attached: list[File]) -> Line:
    files = tuple(one for one in attached if one.item == item.key)
    state: State = "waiting"
    because = "to do"
    if kept is not None and kept.state is not None:
        state, because = kept.state, kept.because or ""
    return Line(
        item.key, item.manual or "", "manual", state, because,
        services=_at_risk(view, item.service), about=item.about, asks=dict(item.answer),
        answers=kept.answers if kept is not None else {}, files=files,
        author=kept.author if kept is not None else None, at=kept.at if kept is not None else None,
        due_state=kept.due_state if kept is not None else None,
    )  # fmt: skip


def _at_risk(view: View, service: str | None) -> tuple[str, ...]:
    return () if service is None else (service, *view.users(service))


def _waived(line: Line, waiver: Waiver | None) -> Line:
    """A waiver counts where it is needed; what is as it should be stays so."""
    if waiver is None or line.state == "ok":
        return line
    words = f"waived until {waiver.ends_at:%Y-%m-%d %H:%M} UTC, {waiver.owner} sees to it: {waiver.reason}"
    return _with(line, state="waived", because=words, waiver=waiver, would_be=line.state)


def _with(line: Line, **changed: Any) -> Line:
    return Line(**{name: getattr(line, name) for name in Line.__slots__} | changed)
