"""What people do to a checklist: begin it, answer, attach, waive, sign."""

from __future__ import annotations

from typing import assert_never

from mainstay import checks, handover, people
from mainstay.acts.done import Act, Done
from mainstay.acts.shift.alarms import raise_alarms
from mainstay.acts.shift.commands import (
    PERMISSION,
    AnswerItem,
    AttachFile,
    EndWaiver,
    OnChecklist,
    OpenRun,
    RedoItem,
    ReopenRun,
    RunChecklist,
    SignRun,
    WaiveItem,
)
from mainstay.estate import View
from mainstay.foundation.errors import Conflict, Invalid, NotFound

LEADS = "handover.waive"
"""Whoever has this for a team may sign its checklists whoever else should."""


def perform(act: Act, command: OnChecklist) -> Done:
    """One of the acts on a checklist."""
    match command:
        case OpenRun():
            return _open(act, command)
        case AnswerItem():
            return _answer(act, command)
        case RedoItem():
            return _redo(act, command)
        case AttachFile():
            return _attach(act, command)
        case RunChecklist():
            return _run_checks(act, command)
        case SignRun():
            return _sign(act, command)
        case ReopenRun():
            return _reopen(act, command)
        case WaiveItem():
            return _waive(act, command)
        case EndWaiver():
            return _end_waiver(act, command)
    assert_never(command)


def _open(act: Act, command: OpenRun) -> Done:
    rules = handover.checklists.checklist_of(act.view, command.checklist)
    people.require(act.actor, PERMISSION[OpenRun], team=rules.team)
    day = command.day or handover.days.business_date(act.view, act.now)
    if abs((day - handover.days.business_date(act.view, act.now)).days) > 1:
        raise Invalid("A checklist is begun for today, the day before or the next.", pointer="/day")
    on = handover.days.occurrence(act.view, rules, day)
    run, _ = handover.checklists.open_run(
        act.tx, act.ground.ids, act.view, command.checklist, on, now=act.now
    )
    words = f"{act.actor.id} began {command.checklist} of {day}"
    fact = act.fact("checklist.opened", run.id, words, facts=_facts(run))
    return Done(words, run.id, run, (fact,))


def _answer(act: Act, command: AnswerItem) -> Done:
    run, view = _run(act, command.run, AnswerItem)
    words = handover.checklists.answer(
        act.tx, view, run, command.item, given=command.answers, failed=command.failed,
        words=command.words, author=act.actor.id, now=act.now,
    )  # fmt: skip
    said = f"{act.actor.id} answered {words}"
    facts = _facts(run, item=command.item, answers=dict(command.answers))
    fact = act.fact("checklist.answered", run.id, said, facts=facts)
    return Done(said, run.id, run, (fact,))


def _redo(act: Act, command: RedoItem) -> Done:
    run, view = _run(act, command.run, RedoItem)
    words = handover.checklists.take_back(
        act.tx, view, run, command.item, author=act.actor.id, now=act.now
    )  # fmt: skip
    said = f"{act.actor.id}: {words}"
    fact = act.fact("checklist.answered", run.id, said, facts=_facts(run, item=command.item))
    return Done(said, run.id, run, (fact,))


def _attach(act: Act, command: AttachFile) -> Done:
    run, view = _run(act, command.run, AttachFile)
    file = handover.checklists.attach(
        act.tx, act.ground.ids, view, run, command.item, command.answer, name=command.name,
        content=command.content, author=act.actor.id, now=act.now,
    )  # fmt: skip
    words = f"{act.actor.id} attached {file.name} ({file.size:,} bytes) to {command.item}"
    facts = _facts(run, item=command.item, file=file.id, sha256=file.sha256)
    fact = act.fact("checklist.attached", run.id, words, facts=facts)
    return Done(words, file.id, file, (fact,))


def _run_checks(act: Act, command: RunChecklist) -> Done:
    """Those of the run that the estate in force still declares."""
    run, view = _run(act, command.run, RunChecklist)
    sheet = handover.checklists.sheet_of(act.view)
    known = {one.id for one in sheet.watched.values()}
    ids = tuple(one for one in handover.checklists.checks_of(view, run.checklist) if one in known)
    if not run.is_open:
        raise Conflict(f"{run.checklist} of {run.day} is {run.state}; what was signed stands.")
    names = checks.run_now(act.tx, sheet, now=act.now, ids=ids) if ids else []
    words = f"{act.actor.id} has {len(names)} checks of {run.checklist} looked at now"
    fact = act.fact("checklist.run", run.id, words, facts=_facts(run, checks=names))
    return Done(words, run.id, names, (fact,))


def _sign(act: Act, command: SignRun) -> Done:
    run, view = _run(act, command.run, SignRun)
    is_lead = act.actor.has(LEADS, team=run.team)
    signed = handover.checklists.sign(
        act.tx, view, run, person=act.actor.id, is_lead=is_lead, note=command.note, now=act.now
    )
    how = "" if signed.whole else f" (signature {signed.number}; one more is needed)"
    words = f"{act.actor.id} signed {run.checklist} of {run.day}{how}: {signed.verdict.sentence}"
    facts = _facts(
        signed.run, evidence_sha256=signed.digest,
        signature=signed.number, whole=signed.whole, verdict=signed.verdict.state,
        note=command.note,
    )  # fmt: skip
    fact = act.fact("checklist.signed", run.id, words, facts=facts)
    if signed.whole and run.alarmed:
        raise_alarms(act, [handover.checklists.alarm_of(run, words, over=True)])
        handover.checklists.set_alarmed(act.tx, run.id, alarmed=False)
    return Done(words, run.id, signed.run, (fact,))


def _reopen(act: Act, command: ReopenRun) -> Done:
    run, _ = _run(act, command.run, ReopenRun)
    if not command.reason.strip():
        raise Invalid("Say why the signature is taken back.", pointer="/reason")
    handover.checklists.reopen(act.tx, run)
    words = f"{act.actor.id} took the first signature of {run.checklist} back: {command.reason}"
    fact = act.fact("checklist.reopened", run.id, words, facts=_facts(run))
    return Done(words, run.id, run, (fact,))


def _waive(act: Act, command: WaiveItem) -> Done:
    rules = handover.checklists.checklist_of(act.view, command.checklist)
    people.require(act.actor, PERMISSION[WaiveItem], team=rules.team)
    for run in handover.checklists.open_runs(act.tx, command.checklist):
        if run.state == "half signed":
            raise Conflict(f"{run.checklist} of {run.day} has its first signature already.")
    waiver = handover.checklists.waive(
        act.tx, act.ground.ids, act.view, command.checklist, command.item, owner=command.owner,
        reason=command.reason, ends_at=command.ends_at, author=act.actor.id, now=act.now,
    )  # fmt: skip
    words = (
        f"{act.actor.id} waived {waiver.item} of {waiver.checklist} until "
        f"{act.when(waiver.ends_at)}; {waiver.owner} sees to it: {waiver.reason}"
    )
    facts = {"team": rules.team, "checklist": waiver.checklist, "item": waiver.item}
    return Done(
        words, waiver.id, waiver, (act.fact("waiver.added", waiver.id, words, facts=facts),)
    )


def _end_waiver(act: Act, command: EndWaiver) -> Done:
    waiver = handover.checklists.waiver_by_id(act.tx, command.waiver)
    if waiver is None:
        raise NotFound(f"There is no waiver {command.waiver[:60]!r}.")
    found = act.view.estate.checklists.get(waiver.checklist)
    people.require(act.actor, PERMISSION[EndWaiver], team=found.team if found else None)
    if waiver.ends_at <= act.now:
        raise Conflict("This waiver is over already.")
    handover.checklists.end_waiver(act.tx, waiver.id, at=act.now)
    words = f"{act.actor.id} ended the waiver of {waiver.item} of {waiver.checklist}"
    facts = {"team": found.team if found else None, "item": waiver.item}
    return Done(
        words, waiver.id, waiver, (act.fact("waiver.ended", waiver.id, words, facts=facts),)
    )


def _run(act: Act, run_id: str, command: type) -> tuple[handover.checklists.Run, View]:
    """The run, if the actor may do this to it, with the version of the estate that it is of."""
    run = handover.checklists.run_by_id(act.tx, run_id)
    if run is None:
        raise NotFound(f"There is no checklist {run_id[:60]!r}; mainstay start-of-day lists them.")
    people.require(act.actor, PERMISSION[command], team=run.team)
    return run, act.ground.views.at(act.tx, run.estate_version)


def _facts(run: handover.checklists.Run, **more: object) -> dict[str, object]:
    return handover.checklists.facts_of(run, **more)
