"""The things that our own API shows, as its contract has them: what a client may rely on.

Instants are RFC 3339 with `Z` and milliseconds; ids are text.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from mainstay import alerts, incidents, paging
from mainstay.estate import View
from mainstay.foundation.clock import text_of_us, to_text
from mainstay.foundation.db import Row
from mainstay.foundation.errors import Invalid
from mainstay.foundation.record import facts_of

T = TypeVar("T")
At = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""An instant in an answer."""
PAGE_MAX = 500
SEQ_MAX = 2**53
"""The greatest row number that every JSON reader holds exactly."""
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="How many at most.")]
After = Annotated[str | None, Query(max_length=200, description="The `next` of the answer before.")]


def _instant(value: Any) -> datetime:
    """An aware instant from what a client sent. ValueError says what was expected."""
    if isinstance(value, datetime):
        return value
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) and len(value) > 15 else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ValueError("expected an instant with its zone, such as 2026-11-22T05:40:08Z")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("expected an instant between the years 2 and 9998") from None


When = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An instant in a request."""


class Asked(BaseModel):
    """What a request's body may hold: nothing unknown, and no word taken for a number."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Listed(BaseModel, Generic[T]):
    """One piece of a list; ask again with `after` set to `next` until that is null."""

    items: list[T]
    next: str | None = None


class Sentence(BaseModel):
    """What was done, in words."""

    sentence: str


class Alert(BaseModel):
    """A condition at a source."""

    id: str
    source: str
    service: str
    severity: str
    summary: str
    labels: dict[str, str]
    annotations: dict[str, str]
    url: str | None
    state: str
    started_at: At
    opened_at: At
    last_at: At
    expires_at: At | None
    closed_at: At | None
    repeats: int
    source_state: str
    silence: str | None
    incident: str | None
    receipt: str


class Incident(BaseModel):
    """What people work on. `label` is what people here call its priority."""

    id: str
    name: str
    number: int
    service: str
    title: str
    state: str
    hold: str | None
    severity: str
    priority: str
    label: str
    assignee: str | None
    opened_at: At
    resolved_at: At | None
    closed_at: At | None
    acknowledged_by: str | None
    acknowledged_at: At | None
    acknowledged_until: At | None


class Page(BaseModel):
    """One page to one address of one person. `step` counts from 0; -1: paged by hand."""

    id: str
    incident: str
    person: str
    channel: str
    state: str
    reason: str
    step: int
    tries: int
    repeats: int
    created_at: At
    due_at: At
    attempted_at: At | None
    sent_at: At | None
    answer: str | None
    provider_id: str | None


class Fact(BaseModel):
    """A row of the record: what happened, by whom, and why."""

    seq: int
    at: At
    actor: str
    kind: str
    subject: str
    incident: str | None
    receipt: str | None
    because: str
    facts: Annotated[Any, Field(description="For a program; its names depend on `kind`.")]


def alert(row: alerts.Alert) -> Alert:
    """As shown."""
    return Alert(
        id=row.id, source=row.source, service=row.service, severity=row.severity,
        summary=row.summary, labels=row.labels, annotations=row.annotations, url=row.url,
        state=row.state, started_at=at(row.started_at), opened_at=at(row.opened_at),
        last_at=at(row.last_at), expires_at=text_of_us(row.expires_at),
        closed_at=text_of_us(row.closed_at), repeats=row.repeats, source_state=row.source_state,
        silence=row.silence, incident=row.incident, receipt=row.first_receipt,
    )  # fmt: skip


def incident_words(row: incidents.Incident, view: View) -> dict[str, Any]:
    """The fields of `Incident`, for it and for what shows more of it."""
    return {
        "id": row.id, "name": row.name, "number": row.number, "service": row.service,
        "title": row.title, "state": row.state, "hold": row.hold, "severity": row.severity,
        "priority": row.priority, "label": label(row.priority, view), "assignee": row.assignee,
        "opened_at": at(row.opened_at), "resolved_at": text_of_us(row.resolved_at),
        "closed_at": text_of_us(row.closed_at), "acknowledged_by": row.acked_by,
        "acknowledged_at": text_of_us(row.acked_at),
        "acknowledged_until": text_of_us(row.acked_until),
    }  # fmt: skip


def incident(row: incidents.Incident, view: View) -> Incident:
    """As shown."""
    return Incident(**incident_words(row, view))


def label(priority: str, view: View) -> str:
    """What people here call a priority: SEV 1."""
    labels = {str(name): text for name, text in view.estate.org.incidents.labels.items()}
    return labels.get(priority, priority)


def page(row: paging.Send) -> Page:
    """As shown."""
    return Page(
        id=row.id, incident=row.incident, person=row.person, channel=row.channel,
        state=row.state, reason=row.reason, step=row.step, tries=row.tries, repeats=row.repeats,
        created_at=at(row.created_at), due_at=at(row.due_at),
        attempted_at=text_of_us(row.attempted_at), sent_at=text_of_us(row.sent_at),
        answer=row.answer, provider_id=row.provider_id,
    )  # fmt: skip


def fact(row: Row) -> Fact:
    """As shown."""
    return Fact(
        seq=row["seq"], at=at(row["at"]), actor=row["actor"], kind=row["kind"],
        subject=row["subject"], incident=row["incident"], receipt=row["receipt"],
        because=row["because"], facts=facts_of(row),
    )  # fmt: skip


def at(us: int) -> str:
    """Stored microseconds as text."""
    text = text_of_us(us)
    assert text is not None
    return text


def text_of(when: datetime | None) -> str | None:
    """An instant as text; None stays None."""
    return None if when is None else to_text(when)


def cursor(after: str | None) -> tuple[int, str] | None:
    """The (instant, id) that `next` stands for. Invalid for a text that we never gave."""
    if after is None:
        return None
    us, _, name = after.partition(".")
    if not (us.isascii() and us.isdigit() and len(us) < 18 and name):
        raise Invalid("`after` is not the `next` of an answer; leave it out to begin.")
    return int(us), name


def next_of(rows: list[Any], limit: int) -> str | None:
    """Where the list goes on, for rows with `opened_at` and `id`; None at its end."""
    return f"{rows[-1].opened_at}.{rows[-1].id}" if len(rows) == limit else None


State = Literal["open", "all"]
