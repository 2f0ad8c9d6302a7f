"""Incidents: read, and everything that a person does to one."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from mainstay import acts, alerts, incidents, paging
from mainstay.acts import commands
from mainstay.api import asking
from mainstay.api.routes import shapes
from mainstay.api.routes.shapes import (
    SEQ_MAX,
    After,
    Alert,
    At,
    Fact,
    Incident,
    Limit,
    Listed,
    Page,
    Sentence,
    State,
)
from mainstay.estate import target
from mainstay.foundation import due, record
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid, NotFound


class Escalation(BaseModel):
    """A policy that runs, or ran, for an incident; `step` and `round` count from 0."""

    policy: str
    state: str
    step: int
    round: int
    next_at: At | None
    shadow: bool
    reason: str


class WholeIncident(Incident):
    """An incident with all that belongs to it."""

    services: list[str]
    alerts: list[Alert]
    pages: list[Page]
    escalations: list[Escalation]


class Done(Sentence):
    """What was done, and the incident as it now is."""

    incident: Incident


class Note(shapes.Asked):
    """A line for the timeline."""

    text: str


class PerhapsNote(shapes.Asked):
    """How it ended, if there is something to say."""

    note: str | None = None


class Reason(shapes.Asked):
    """Why."""

    reason: str


class Assignee(shapes.Asked):
    """Who is to take it."""

    person: str


class Move(shapes.Asked):
    """Another working state; `hold` says what it waits for."""

    state: str
    hold: str | None = None


class ByHand(shapes.Asked):
    """Whom to page now (`person:ana`, `team:payops`, `schedule:payops-oncall`), and why."""

    target: str
    reason: str


READ = "incidents.read"


# -- reading ---------------------------------------------------------------------------------------


def list_incidents(
    call: asking.Asked, limit: Limit = 50, after: After = None, state: State = "open"
) -> Listed[Incident]:
    """Incidents, newest first; of one's own teams, for who may see those alone."""
    before, view, hidden = shapes.cursor(after), call.view(), call.hidden(READ)
    rows = call.read(
        lambda tx: incidents.page(
            tx, open_only=state == "open", before=before, limit=limit, hidden=hidden
        )
    )
    items = [shapes.incident(row, view) for row in rows]
    return Listed(items=items, next=shapes.next_of(rows, limit))


def get_incident(call: asking.Asked, name: str) -> WholeIncident:
    """One incident, by id, number or name (INC-12), with its alerts, pages and escalations."""
    view, row = call.view(), shown_to(call, name)

    def look(tx: Tx) -> WholeIncident:
        return WholeIncident(
            **shapes.incident_words(row, view),
            services=incidents.services(tx, row.id),
            alerts=[shapes.alert(one) for one in alerts.of_incident(tx, row.id)],
            pages=[shapes.page(one) for one in paging.sends_of_incident(tx, row.id)],
            escalations=[_escalation(tx, one) for one in paging.escalations(tx, row.id)],
        )

    return call.read(look)


def get_timeline(
    call: asking.Asked,
    name: str,
    limit: Limit = 500,
    after: Annotated[int, Query(ge=0, le=SEQ_MAX, description="The last `seq` seen.")] = 0,
) -> Listed[Fact]:
    """What happened to it, oldest first."""
    incident = shown_to(call, name).id
    rows = call.read(lambda tx: record.by_incident(tx, incident, after=after, limit=limit))
    following = str(rows[-1]["seq"]) if len(rows) == limit else None
    return Listed(items=[shapes.fact(row) for row in rows], next=following)


def shown_to(call: asking.Asked, name: str) -> incidents.Incident:
    """The incident, for who may see it."""

    def look(tx: Tx) -> tuple[incidents.Incident, list[str]]:
        row = found(tx, name)
        return row, [row.service, *incidents.services(tx, row.id)]

    row, services = call.read(look)
    call.require_services(READ, services, what="GET /mainstay/v1/incidents/{name}")
    return row


# -- acting ----------------------------------------------------------------------------------------


def acknowledge(call: asking.Asked, name: str) -> Done:
    """Acknowledge: I have it, and paging stops."""
    return _act(call, commands.Acknowledge(name))


def unacknowledge(call: asking.Asked, name: str) -> Done:
    """Give it back: paging starts again."""
    return _act(call, commands.Unacknowledge(name))


def resolve(call: asking.Asked, name: str, body: PerhapsNote | None = None) -> Done:
    """Resolve: it is over, and its open alerts are closed by hand."""
    return _act(call, commands.Resolve(name, body.note if body else None))


def reopen(call: asking.Asked, name: str, body: Reason) -> Done:
    """Reopen: it is not over."""
    return _act(call, commands.Reopen(name, body.reason))


def note(call: asking.Asked, name: str, body: Note) -> Done:
    """Write a line into the timeline."""
    return _act(call, commands.Note(name, body.text))


def assign(call: asking.Asked, name: str, body: Assignee) -> Done:
    """Assign: somebody else is to take it, and is paged."""
    return _act(call, commands.Reassign(name, body.person))


def move(call: asking.Asked, name: str, body: Move) -> Done:
    """Set another working state; `hold` says what it waits for."""
    return _act(call, commands.Move(name, body.state, body.hold))


def escalate(call: asking.Asked, name: str, body: Reason) -> Done:
    """Escalate: do not wait for the next step."""
    return _act(call, commands.EscalateNow(name, body.reason))


def page_by_hand(call: asking.Asked, name: str, body: ByHand) -> Done:
    """Page somebody beside any policy."""
    try:
        wanted = target(body.target)
    except ValueError as error:
        raise Invalid(f"Whom? {error}.", pointer="/target") from None
    return _act(call, commands.PageByHand(name, wanted, body.reason))


def _act(call: asking.Asked, command: acts.Command) -> Done:
    done = call.act(command)
    return Done(sentence=done.sentence, incident=shapes.incident(done.value, call.view()))


# -- shared with the overview ----------------------------------------------------------------------


def found(tx: Tx, name: str) -> incidents.Incident:
    """The incident that people call so. NotFound otherwise."""
    row = incidents.by_name(tx, name)
    if row is None:
        raise NotFound(f"There is no incident {name!r}; `mainstay incidents` lists them.")
    return row


def next_page_at(tx: Tx, incident: str) -> str | None:
    """When the next step of any policy that runs for it fires."""
    runs = paging.running(tx, incident)
    times = [at for run in runs if (at := due.pending(tx, paging.STEP_DUE, run.id))]
    return shapes.text_of(min(times, default=None))


def _escalation(tx: Tx, row: paging.Escalation) -> Escalation:
    at = due.pending(tx, paging.STEP_DUE, row.id) if row.state == "running" else None
    return Escalation(
        policy=row.policy, state=row.state, step=row.step, round=row.round,
        next_at=shapes.text_of(at), shadow=bool(row.shadow), reason=row.reason,
    )  # fmt: skip
