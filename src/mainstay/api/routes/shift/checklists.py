"""Checklists: what is declared, how a business day stands, answers, files, waivers, signatures."""

from __future__ import annotations

import base64
import binascii
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import BaseModel, Field

from mainstay import handover
from mainstay.acts.shift import commands
from mainstay.api import asking
from mainstay.api.routes import shapes
from mainstay.api.routes.shapes import At, Limit, Listed, Sentence, When
from mainstay.estate import View
from mainstay.foundation.clock import to_text
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid, NotFound
from mainstay.web import require

Words = Annotated[str, Field(max_length=handover.checklists.TEXT_MAX)]
READ = "handover.read"


class Signature(BaseModel):
    """Who signed, when, and what they said."""

    person: str
    at: At
    note: str


class Waiver(BaseModel):
    """An item that counts as done until an end; `owner` sees to it."""

    id: str
    checklist: str
    item: str
    owner: str
    reason: str
    starts_at: At
    ends_at: At
    author: str


class Attached(BaseModel):
    """A file, without its content."""

    id: str
    answer: str
    name: str
    media: str
    size: int
    sha256: str
    author: str
    at: At


class ItemOfRun(BaseModel):
    """One item as it stands. `asks`: what is to be typed in or attached, by name."""

    item: str
    title: str
    kind: str
    state: str
    because: str
    about: str | None
    services: list[str]
    asks: dict[str, dict[str, Any]]
    answers: dict[str, Any]
    files: list[Attached]
    author: str | None
    at: At | None
    waiver: Waiver | None


class Run(BaseModel):
    """A checklist on one business day. `verdict`: ready, at risk, not ready, or open."""

    id: str
    checklist: str
    name: str
    team: str
    day: str
    opened_at: At
    due_at: At
    state: str
    verdict: str
    sentence: str
    at_risk: list[str]
    signatures: list[Signature]
    evidence_sha256: str | None


class WholeRun(Run):
    """With its items, and who may sign now beside the leads of the team."""

    items: list[ItemOfRun]
    signers: list[str]


class Declared(BaseModel):
    """A checklist of the estate, with the run of the newest day and when the next one opens."""

    checklist: str
    name: str
    team: str
    run: Run | None
    next_opens_at: At | None
    next_due_at: At | None


class PastDay(BaseModel):
    """One day: how it stood when it was due (`signed` when it was signed by then), item by item."""

    run: str
    day: str
    state: str
    due_at: At
    due_state: str | None
    due_sentence: str | None
    signatures: list[Signature]
    items: dict[str, str]


class Trend(BaseModel):
    """An item that was not as it should be at the time, on `red` of the days; oldest first."""

    item: str
    red: int
    states: list[str | None]


class History(BaseModel):
    """The last days, newest first, and what was red on them."""

    days: list[PastDay]
    trends: list[Trend]


class Evidence(BaseModel):
    """What was signed, as text; its SHA-256 stands in the record too."""

    evidence: str
    sha256: str


class FileContent(BaseModel):
    """A file, whole; `content` in base 64."""

    id: str
    name: str
    media: str
    sha256: str
    content: str


class NewRun(shapes.Asked):
    """Begin it. `day`: of which business day; today's when left out."""

    day: str | None = None


class NewAnswer(shapes.Asked):
    """What was seen. `failed`: it is not as it should be, and `words` say why."""

    answers: Annotated[dict[str, Any], Field(default_factory=dict)]
    failed: bool = False
    words: Words = ""


class NewFile(shapes.Asked):
    """A file; `content` in base 64, `answer` is what it answers."""

    answer: Annotated[str, Field(max_length=63)]
    name: Annotated[str, Field(max_length=255)]
    content: str


class NewSignature(shapes.Asked):
    """I sign for it."""

    note: Words = ""


class Reopening(shapes.Asked):
    """Why the first signature is taken back."""

    reason: Words


class NewWaiver(shapes.Asked):
    """An item counts as done until an end."""

    item: Annotated[str, Field(max_length=63)]
    owner: Annotated[str, Field(max_length=63)]
    reason: Words
    ends_at: When


class RunMade(Sentence):
    """What was done, and how it stands now."""

    run: WholeRun


class ChecksAsked(Sentence):
    """Which checks will be looked at."""

    asked_at: At
    checks: list[str]


class WaiverMade(Sentence):
    """What was made."""

    waiver: Waiver


class FileMade(Sentence):
    """What was attached."""

    file: Attached


def list_checklists(call: asking.Asked) -> Listed[Declared]:
    """Every checklist, with how the newest business day stands."""
    view, teams = call.view(), call.actor.teams(READ)

    def look(tx: Tx) -> list[Declared]:
        return [
            _declared(call, tx, view, name) for name, one in view.estate.checklists.items()
            if teams is None or one.team in teams
        ]  # fmt: skip

    return Listed(items=call.read(look))


def begin(call: asking.Asked, checklist: str, body: NewRun) -> RunMade:
    """Begin a checklist before it opens by itself."""
    done = call.act(commands.OpenRun(checklist, _day(body.day)))
    return RunMade(sentence=done.sentence, run=_again(call, done.subject))


def get_history(
    call: asking.Asked, checklist: str, limit: Limit = handover.checklists.DAYS
) -> History:
    """The last days of a checklist, and what was red at its time."""
    rules = handover.checklists.checklist_of(call.view(), checklist)
    require(call, READ, what="GET /mainstay/v1/checklists/{checklist}/history", team=rules.team)
    days = call.read(lambda tx: handover.checklists.past(tx, checklist, before=None, limit=limit))
    trends = handover.checklists.trends(days)
    return History(
        days=[_past(one) for one in days],
        trends=[Trend(item=one.item, red=one.red, states=list(one.states)) for one in trends],
    )


def get_run(call: asking.Asked, run: str) -> WholeRun:
    """One checklist on one business day, item by item."""
    _readable(call, run)
    return _again(call, run)


def get_evidence(call: asking.Asked, run: str) -> Evidence:
    """What was signed."""
    found = _readable(call, run)
    if found.evidence is None or found.evidence_hash is None:
        raise NotFound(f"{found.checklist} of {found.day} is not signed yet.")
    return Evidence(evidence=found.evidence, sha256=found.evidence_hash)


def get_report(
    call: asking.Asked, run: str, format: Annotated[Literal["markdown", "html"], Query()] = "markdown"
) -> Response:  # fmt: skip
    """The run as a document; a browser prints the HTML as PDF."""
    found = _readable(call, run)

    def look(tx: Tx) -> str:
        view = call.app.ground.views.at(tx, found.estate_version)
        sheet = handover.checklists.sheet(tx, view, found, now=call.now)
        signed = handover.checklists.signatures(tx, found.id)
        write = getattr(handover.checklists.report, format)
        return str(write(sheet, found, signed, view.estate.org.timezone))

    headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
    media = "text/html" if format == "html" else "text/markdown"
    return Response(call.read(look), media_type=f"{media}; charset=utf-8", headers=headers)


def answer(call: asking.Asked, run: str, item: str, body: NewAnswer) -> RunMade:
    """What was seen of an item."""
    done = call.act(commands.AnswerItem(run, item, body.answers, body.failed, body.words))
    return RunMade(sentence=done.sentence, run=_again(call, run))


def redo(call: asking.Asked, run: str, item: str) -> RunMade:
    """The item is to be looked at again."""
    done = call.act(commands.RedoItem(run, item))
    return RunMade(sentence=done.sentence, run=_again(call, run))


def attach(call: asking.Asked, run: str, item: str, body: NewFile) -> FileMade:
    """Attach a picture, a PDF or plain text to an item."""
    try:
        content = base64.b64decode(body.content, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("The content is not base 64.", pointer="/content") from None
    done = call.act(commands.AttachFile(run, item, body.answer, body.name, content))
    return FileMade(sentence=done.sentence, file=_attached(done.value))


def get_file(call: asking.Asked, id: str) -> FileContent:
    """What was attached."""
    found = call.read(lambda tx: handover.checklists.content_of(tx, id))
    if found is None:
        raise NotFound(f"There is no file {id[:60]!r}.")
    file, content = found
    _readable(call, file.run)
    return FileContent(
        id=file.id, name=file.name, media=file.media, sha256=file.sha256,
        content=base64.b64encode(content).decode(),
    )  # fmt: skip


def run_checks(call: asking.Asked, run: str) -> ChecksAsked:
    """Have its checks looked at now; each is, once its `at` is `asked_at` or later."""
    done = call.act(commands.RunChecklist(run))
    return ChecksAsked(sentence=done.sentence, asked_at=to_text(call.now), checks=list(done.value))


def sign(call: asking.Asked, run: str, body: NewSignature) -> RunMade:
    """Sign for it: what was seen is frozen, and its hash goes into the record."""
    done = call.act(commands.SignRun(run, body.note))
    return RunMade(sentence=done.sentence, run=_again(call, run))


def reopen(call: asking.Asked, run: str, body: Reopening) -> RunMade:
    """Take back the first of two signatures."""
    done = call.act(commands.ReopenRun(run, body.reason))
    return RunMade(sentence=done.sentence, run=_again(call, run))


def list_waivers(call: asking.Asked) -> Listed[Waiver]:
    """Waivers in force, the one that ends first is first."""
    declared, teams = call.view().estate.checklists, call.actor.teams(READ)
    found = call.read(lambda tx: handover.checklists.waivers(tx, checklist=None, at=call.now))
    seen = [
        one for one in found
        if teams is None or (one.checklist in declared and declared[one.checklist].team in teams)
    ]  # fmt: skip
    return Listed(items=[_waiver(one) for one in seen])


def waive(call: asking.Asked, checklist: str, body: NewWaiver) -> WaiverMade:
    """An item counts as done until an end, for a reason, and somebody sees to it."""
    done = call.act(commands.WaiveItem(checklist, body.item, body.owner, body.reason, body.ends_at))
    return WaiverMade(sentence=done.sentence, waiver=_waiver(done.value))


def end_waiver(call: asking.Asked, id: str) -> Sentence:
    """It is looked at again from now on."""
    return Sentence(sentence=call.act(commands.EndWaiver(id)).sentence)


# -- as shown --------------------------------------------------------------------------------------


def _readable(call: asking.Asked, run_id: str) -> handover.checklists.Run:
    found = call.read(lambda tx: handover.checklists.run_by_id(tx, run_id))
    if found is None:
        raise NotFound(f"There is no checklist {run_id[:60]!r}; GET /checklists names them.")
    require(call, READ, what="GET /mainstay/v1/checklist-runs/{run}", team=found.team)
    return found


def _again(call: asking.Asked, run_id: str) -> WholeRun:
    def look(tx: Tx) -> WholeRun:
        found = handover.checklists.run_by_id(tx, run_id)
        assert found is not None
        view = call.app.ground.views.at(tx, found.estate_version)
        rules = handover.checklists.checklist_of(view, found.checklist)
        lines = handover.checklists.lines(tx, view, found, now=call.now)
        signers = handover.checklists.signers(tx, view, rules, now=call.now)
        return WholeRun(
            **_words(call, tx, found), items=[_item(one) for one in lines],
            signers=signers if found.is_open else [],
        )  # fmt: skip

    return call.read(look)


def _declared(call: asking.Asked, tx: Tx, view: View, name: str) -> Declared:
    rules = view.estate.checklists[name]
    newest = handover.checklists.runs(tx, checklist=name, before=None, limit=1)
    coming = handover.days.coming(view, rules, call.now)
    return Declared(
        checklist=name, name=rules.name or name, team=rules.team,
        run=Run(**_words(call, tx, newest[0])) if newest else None,
        next_opens_at=None if coming is None else to_text(coming.opens_at),
        next_due_at=None if coming is None else to_text(coming.due_at),
    )  # fmt: skip


def _words(call: asking.Asked, tx: Tx, run: handover.checklists.Run) -> dict[str, Any]:
    view = call.app.ground.views.at(tx, run.estate_version)
    sheet = handover.checklists.sheet(tx, view, run, now=call.now)
    return {
        "id": run.id, "checklist": run.checklist, "name": sheet["name"], "team": run.team,
        "day": run.day.isoformat(), "opened_at": to_text(run.opened_at),
        "due_at": to_text(run.due_at), "state": run.state, "verdict": sheet["verdict"],
        "sentence": sheet["sentence"], "at_risk": sheet["at_risk"],
        "signatures": [_signature(one) for one in handover.checklists.signatures(tx, run.id)],
        "evidence_sha256": run.evidence_hash,
    }  # fmt: skip


def _item(line: handover.checklists.Line) -> ItemOfRun:
    return ItemOfRun(
        item=line.key, title=line.title, kind=line.kind, state=line.state, because=line.because,
        about=line.about, services=list(line.services),
        asks={name: one.model_dump(exclude_defaults=True) | {"type": one.type}
              for name, one in line.asks.items()},
        answers=line.answers, files=[_attached(one) for one in line.files], author=line.author,
        at=None if line.at is None else to_text(line.at),
        waiver=None if line.waiver is None else _waiver(line.waiver),
    )  # fmt: skip


def _past(one: handover.checklists.Past) -> PastDay:
    return PastDay(
        run=one.run.id, day=one.run.day.isoformat(), state=one.run.state,
        due_at=to_text(one.run.due_at), due_state=one.run.due_state,
        due_sentence=one.run.due_because, items=one.items,
        signatures=[_signature(signature) for signature in one.signatures],
    )  # fmt: skip


def _signature(one: handover.checklists.Signature) -> Signature:
    return Signature(person=one.person, at=to_text(one.at), note=one.note)


def _waiver(one: handover.checklists.Waiver) -> Waiver:
    return Waiver(
        id=one.id, checklist=one.checklist, item=one.item, owner=one.owner, reason=one.reason,
        starts_at=to_text(one.starts_at), ends_at=to_text(one.ends_at), author=one.author,
    )  # fmt: skip


def _attached(one: handover.checklists.File) -> Attached:
    return Attached(
        id=one.id, answer=one.field, name=one.name, media=one.media, size=one.size,
        sha256=one.sha256, author=one.author, at=to_text(one.at),
    )  # fmt: skip


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("Expected a day such as 2026-11-24.", pointer="/day") from None
