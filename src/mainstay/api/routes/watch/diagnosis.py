"""Diagnoses: the likely causes of an incident, or of a service's trouble; and what people say of them."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from mainstay.acts import commands
from mainstay.api import asking
from mainstay.api.routes import shapes
from mainstay.api.routes.incidents import READ, shown_to
from mainstay.api.routes.shapes import Sentence, When
from mainstay.diagnosis import live
from mainstay.foundation.errors import NotFound


class Reading(BaseModel):
    """How far one collector is: waiting, reading, done, left behind, failed; what it found."""

    name: str
    state: str
    found: int
    took_s: float


class Seen(BaseModel):
    """One thing that was seen, and where it can be seen again."""

    sentence: str
    source: str


class Cause(BaseModel):
    """A possible cause; `score` is for programs."""

    id: str
    where: str
    kind: str
    sentence: str
    cause_class: str = Field(alias="class")
    verdict: str
    score: float
    since: str | None
    detail: str | None
    speaks_for: list[Seen] = Field(alias="for")
    against: list[Seen]
    confirm: str


class Found(BaseModel):
    """What was found. `enough`: whether so much was seen that "no cause" means something."""

    sentence: str
    found: bool
    enough: bool
    hypotheses: list[Cause]
    looked_at: list[str]
    notes: list[str]


class Earlier(BaseModel):
    """An earlier incident that is like this one, why, and what ended it."""

    incident: str
    name: str
    title: str
    opened_at: str
    because: str
    cause: str
    place: str
    kind: str
    confirmed_by: str
    fixed: str
    services: list[str]


class Verdict(BaseModel):
    """What somebody said of a cause."""

    cause: str
    verdict: str
    person: str
    note: str
    sentence: str
    at: str


class Diagnosis(BaseModel):
    """The newest run, and the last result; `diagnosis` is null until one is made."""

    run: str
    state: str
    because: str
    service: str
    asked_at: str
    made_at: str | None
    progress: list[Reading]
    business: str
    diagnosis: Found | None
    seen_before: list[Earlier]
    verdicts: list[Verdict]


class Asked(Sentence):
    """It is looked for; `run`: ask `/diagnosis/{run}` how far it is."""

    run: str


class Judged(shapes.Asked):
    """Which cause, by its id; and why, if there is something to say."""

    cause: str
    note: str = ""


class Window(shapes.Asked):
    """A service, and when its trouble began and ended; without an end: now."""

    service: str
    since: When = Field(alias="from")
    until: When | None = Field(default=None, alias="to")


def get_diagnosis(call: asking.Asked, name: str) -> Diagnosis:
    """The likely causes of an incident, with the evidence; or how far the search is."""
    row = shown_to(call, name)
    hidden = call.hidden(READ)
    found = call.read(lambda tx: live.shown(tx, row.id, hidden=hidden))
    if found is None:
        raise NotFound(f"No diagnosis of {row.name} was asked for; POST here has one made.")
    return Diagnosis.model_validate(found.as_facts())


def diagnose(call: asking.Asked, name: str) -> Asked:
    """Have the likely cause looked for, again."""
    done = call.act(commands.Diagnose(name))
    found = call.read(lambda tx: live.shown(tx, done.value.id))
    assert found is not None
    return Asked(sentence=done.sentence, run=found.run.id)


def confirm(call: asking.Asked, name: str, body: Judged) -> Sentence:
    """Confirm a cause: this was it."""
    return Sentence(sentence=call.act(commands.ConfirmCause(name, body.cause, body.note)).sentence)


def rule_out(call: asking.Asked, name: str, body: Judged) -> Sentence:
    """Rule a cause out: this was not it."""
    return Sentence(sentence=call.act(commands.RuleOutCause(name, body.cause, body.note)).sentence)


def diagnose_service(call: asking.Asked, body: Window) -> Asked:
    """Have the trouble that a service had in a stretch of time looked into."""
    until: datetime | None = body.until
    done = call.act(commands.DiagnoseWindow(body.service, body.since, until))
    return Asked(sentence=done.sentence, run=done.subject)


def get_run(call: asking.Asked, run: str) -> Diagnosis:
    """One run: how far it is, and what it found."""
    hidden = call.hidden(READ)
    found = call.read(lambda tx: live.shown_run(tx, run, hidden=hidden))
    if found is None:
        raise NotFound(f"There is no run {run[:80]!r}; only the newest few are kept.")
    call.require_services(READ, [found.run.service], what="GET /mainstay/v1/diagnosis/{run}")
    return Diagnosis.model_validate(found.as_facts())
