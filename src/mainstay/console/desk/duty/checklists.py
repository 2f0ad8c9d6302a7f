"""A checklist on a business day: what was seen, what is waived, and the signature as its main act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mainstay import acts, handover
from mainstay.acts.shift import commands
from mainstay.console import draw
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Form, Part, Showing, Went
from mainstay.estate import View
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid, NotFound

READ = "handover.read"
LOOKS = {
    "ok": "ok", "ready": "ok", "signed": "ok", "accepted": "ok", "at risk": "warn",
    "half signed": "run", "failing": "crit", "not ready": "crit", "missed": "crit",
    "lapsed": "crit", "not seen": "unknown", "waiting": "wait", "open": "wait", "draft": "wait",
    "offered": "run", "waived": "mute",
}  # fmt: skip
"""State → glyph and hue."""
WAIVED_FOR = {"1": "1 day", "3": "3 days", "7": "7 days", "14": "14 days", "31": "31 days"}


@dataclass(frozen=True, slots=True)
class Sign:
    """A checklist for Today: how it stands, and whether the reader may sign it."""

    run: handover.checklists.Run
    name: str
    verdict: handover.checklists.Verdict
    signers: list[str]
    signed: list[handover.checklists.Signature]
    waived: int
    state: str
    mine: bool
    late: bool

    @property
    def done(self) -> int:
        """Whether nothing is left to do about it."""
        return self.run.state == "signed"


def everything(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """Every checklist, with its newest run."""
    rows = []
    for name, rules in reader.view.estate.checklists.items():
        if _sees(reader, rules.team):
            newest = handover.checklists.runs(tx, checklist=name, before=None, limit=1)
            found = _sign(reader, tx, newest[0]) if newest else None
            rows.append((name, rules, found, handover.days.coming(reader.view, rules, reader.now)))
    left = [found for _, _, found, _ in rows if found is not None and found.run.is_open]
    sentence = f"{len(left)} of {len(rows)} to sign." if left else "Nothing waits to be signed."
    return {
        "title": "Checklists", "where": "Checklists", "rows": rows, "looks": LOOKS,
        "sentence": sentence if rows else "The estate declares no checklist.",
    }  # fmt: skip


def newest(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The newest run of a checklist; before the first, when it opens."""
    name = reader.query.get("checklist", "")
    rules = handover.checklists.checklist_of(reader.view, name)
    found = handover.checklists.runs(tx, checklist=name, before=None, limit=1)
    if found:
        return _screen(reader, tx, found[0])
    return {
        "title": rules.name or name, "where": name, "run": None, "name": name, "rules": rules,
        "coming": handover.days.coming(reader.view, rules, reader.now),
    }  # fmt: skip


def one(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """One run."""
    return _screen(reader, tx, _run(reader, tx))


def _screen(reader: Reader, tx: Tx, run: handover.checklists.Run) -> Mapping[str, Any]:
    view = _view(reader, tx, run)
    rules = handover.checklists.checklist_of(view, run.checklist)
    return {
        "title": f"{rules.name or run.checklist}, {run.day:%a} {run.day.day} {run.day:%b}",
        "where": run.checklist, "run": run, "name": run.checklist, "rules": rules,
        "people": reader.view.estate.people, "waived_for": WAIVED_FOR,
    }  # fmt: skip


def head(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The verdict, and the signature."""
    run = _run(reader, tx)
    return {"sign": _sign(reader, tx, run), "looks": LOOKS, "clock": reader.times.clock}


def items(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """What was seen, item by item."""
    run = _run(reader, tx)
    view = _view(reader, tx, run)
    lines = handover.checklists.lines(tx, view, run, now=reader.now)
    return {
        "run": run, "lines": lines, "looks": LOOKS, "people": reader.view.estate.people,
        "waived_for": WAIVED_FOR, "can": run.state == "open" and reader.may("handover.act"),
        "can_waive": run.state == "open" and reader.may("handover.waive"),
        "has_checks": any(one.kind == "check" for one in lines),
    }  # fmt: skip


def past(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The last thirty mornings: when it was signed, what was red at its time."""
    run = _run(reader, tx)
    days = handover.checklists.past(tx, run.checklist, before=None)
    known = [one for one in days if one.run.due_state is not None]
    names = [f"{one.run.day:%a} {one.run.day.day} {one.run.day:%b}" for one in reversed(known)]
    states = [one.run.due_state for one in reversed(known)]
    label = f"how it stood at its time on the last {len(known)} days"
    trends = [
        (one, draw.mornings(
            list(zip(names[-len(one.states):], one.states, strict=True)),
            label=f"{one.item} was red on {one.red} of {len(one.states)} days",
        ))
        for one in handover.checklists.trends(known)[:8]
    ]  # fmt: skip
    return {
        "run": run, "days": days[:10], "looks": LOOKS, "n": len(known), "trends": trends,
        "picture": draw.mornings(list(zip(names, states, strict=True)), label=label),
    }  # fmt: skip


def to_sign(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """For Today: the checklists of the day, the one that the reader may sign first."""
    return {"signs": signs(reader, tx), "looks": LOOKS}


def signs(reader: Reader, tx: Tx) -> list[Sign]:
    """The newest run of each checklist that is open, or was due within a day."""

    def read() -> list[Sign]:
        found = []
        for name, rules in reader.view.estate.checklists.items():
            if not _sees(reader, rules.team):
                continue
            for run in handover.checklists.runs(tx, checklist=name, before=None, limit=1):
                if run.is_open or reader.now - run.due_at < timedelta(hours=18):
                    found.append(_sign(reader, tx, run))
        return sorted(found, key=lambda one: (bool(one.done), not one.mine, one.run.due_at))

    return reader.once("signs", read) if reader.may(READ) else []


def _sign(reader: Reader, tx: Tx, run: handover.checklists.Run) -> Sign:
    view = _view(reader, tx, run)
    rules = handover.checklists.checklist_of(view, run.checklist)
    lines = handover.checklists.lines(tx, view, run, now=reader.now)
    verdict = handover.checklists.verdict(view, lines)
    if run.evidence is not None:
        kept = handover.checklists.sheet(tx, view, run, now=reader.now)
        verdict = handover.checklists.Verdict(
            kept["verdict"], kept["sentence"], tuple(kept["at_risk"])
        )
    signers = handover.checklists.signers(tx, view, rules, now=reader.now) if run.is_open else []
    is_lead = reader.actor.has("handover.waive", team=run.team)
    mine = reader.may("handover.sign") and (is_lead or reader.actor.id in signers)
    late = run.is_open and run.due_at <= reader.now
    state = "crit" if late else LOOKS[run.state if not run.is_open else verdict.state]
    return Sign(
        run, rules.name or run.checklist, verdict, signers,
        handover.checklists.signatures(tx, run.id),
        sum(one.waiver is not None for one in lines), state, mine, late,
    )  # fmt: skip


def _sees(reader: Reader, team: str) -> bool:
    return reader.actor.has(READ, team=team)


def _run(reader: Reader, tx: Tx) -> handover.checklists.Run:
    name = reader.query.get("run", "")
    if not name and (checklist := reader.query.get("checklist")):
        found = handover.checklists.runs(tx, checklist=checklist, before=None, limit=1)
        name = found[0].id if found else ""
    run = handover.checklists.run_by_id(tx, name)
    if run is None or not _sees(reader, run.team):
        raise NotFound("There is no such checklist of yours.")
    return run


def _view(reader: Reader, tx: Tx, run: handover.checklists.Run) -> View:
    return reader.app.ground.views.at(tx, run.estate_version)


# -- acts ------------------------------------------------------------------------------------------


def answer(reader: Reader) -> Went:
    """What was seen of an item; what is attached comes first."""
    run, item = reader.query["run"], reader.query["item"]
    for name, upload in reader.files.items():
        field = name.removeprefix("a.")
        reader.act(commands.AttachFile(run, item, field, upload.name, upload.content))
    given = {
        name.removeprefix("a."): value[0]
        for name, value in reader.fields.items() if name.startswith("a.") and value[0].strip()
    }  # fmt: skip
    failed = reader.text("how") == "failed"
    done = reader.act(commands.AnswerItem(run, item, given, failed, reader.text("words")))
    return Went(f"/checklist-runs/{run}", done.sentence)


def redo(reader: Reader) -> Went:
    """It is to be looked at again."""
    run = reader.query["run"]
    done = reader.act(commands.RedoItem(run, reader.query["item"]))
    return Went(f"/checklist-runs/{run}", done.sentence)


def run_checks(reader: Reader) -> Went:
    """Its checks are looked at now."""
    run = reader.query["run"]
    return Went(f"/checklist-runs/{run}", reader.act(commands.RunChecklist(run)).sentence)


def sign(reader: Reader) -> Went:
    """I sign for it."""
    run = reader.query["run"]
    done = reader.act(commands.SignRun(run, reader.text("note")))
    return Went(f"/checklist-runs/{run}", done.sentence)


def reopen(reader: Reader) -> Went:
    """The first signature is taken back."""
    run = reader.query["run"]
    done = reader.act(commands.ReopenRun(run, reader.text("reason")))
    return Went(f"/checklist-runs/{run}", done.sentence)


def waive(reader: Reader) -> Went:
    """An item counts as done for a while."""
    if (days := reader.text("lasts")) not in WAIVED_FOR:
        raise Invalid("Say for how long.", pointer="/lasts")
    run = reader.app.db.read(lambda tx: _run(reader, tx))
    ends_at = reader.now + timedelta(days=int(days))
    done = reader.act(
        commands.WaiveItem(
            run.checklist,
            reader.query["item"],
            reader.text("owner"),
            reader.text("reason"),
            ends_at,
        )
    )
    return Went(f"/checklist-runs/{run.id}", done.sentence)


def end_waiver(reader: Reader) -> Went:
    """It is looked at again from now on."""
    done = reader.act(commands.EndWaiver(reader.query["waiver"]))
    return Went(f"/checklists/{done.value.checklist}", done.sentence)


def begin(reader: Reader) -> Went:
    """Before it opens by itself."""
    name = reader.query["checklist"]
    return Went(f"/checklists/{name}", reader.act(commands.OpenRun(name)).sentence)


_NAMES = ("shift", "checks", "estate")
PARTS = (
    Part("duty/head", READ, _NAMES, head, "The verdict", ("run",)),
    Part("duty/items", READ, _NAMES, items, "The items", ("run",)),
    Part("duty/past", READ, ("shift",), past, "The last mornings", ("run",)),
    Part("duty/signs", READ, _NAMES, to_sign, "What is to be signed"),
)
_ONE = Showing("/checklist-runs/{run}", READ, one, "duty_run.html", here="checklists")
_NEWEST = Showing("/checklists/{checklist}", READ, newest, "duty_run.html", here="checklists")
SHOWINGS = (
    Showing("/checklists", READ, everything, "duty_all.html", here="checklists"),
    _NEWEST,
    _ONE,
)
_RUN, _MAY = "/checklist-runs/{run}", acts.PERMISSION
FORMS = (
    Form(f"{_RUN}/items/{{item}}", _MAY[commands.AnswerItem], answer, back=_ONE),
    Form(f"{_RUN}/items/{{item}}/redo", _MAY[commands.RedoItem], redo, back=_ONE),
    Form(f"{_RUN}/items/{{item}}/waive", _MAY[commands.WaiveItem], waive, back=_ONE),
    Form(f"{_RUN}/checks", _MAY[commands.RunChecklist], run_checks, back=_ONE),
    Form(f"{_RUN}/sign", _MAY[commands.SignRun], sign, back=_ONE),
    Form(f"{_RUN}/reopen", _MAY[commands.ReopenRun], reopen, back=_ONE),
    Form("/waivers/{waiver}/end", _MAY[commands.EndWaiver], end_waiver),
    Form("/checklists/{checklist}/begin", _MAY[commands.OpenRun], begin, back=_NEWEST),
)
