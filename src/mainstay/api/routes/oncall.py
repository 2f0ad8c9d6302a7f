"""Who is on call, overrides and swaps, and calendars that people subscribe to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, Field

from mainstay import oncall
from mainstay.acts import commands
from mainstay.api import asking
from mainstay.api.routes import shapes
from mainstay.api.routes.shapes import At, Listed, Sentence, When
from mainstay.estate import Target, View
from mainstay.foundation.clock import to_text
from mainstay.foundation.db import Tx

CALENDAR_DAYS = 90
"""How far ahead a calendar shows shifts; it also shows the last two weeks."""
PAST = timedelta(days=14)
Instant = Annotated[When | None, Query(description="An instant; now when left out.")]


class OnCall(BaseModel):
    """Who is on call for a schedule at an instant; nobody when `person` is null."""

    schedule: str
    at: At
    person: str | None
    since: At | None
    until: At | None
    why: str


class Shift(BaseModel):
    """A time in which one person, or nobody, is on call. `layer` counts from 1."""

    person: str | None
    since: At | None
    until: At | None
    why: str
    layer: int | None = None


class Override(BaseModel):
    """Somebody takes over, whatever the layers say."""

    id: str
    schedule: str
    person: str
    instead_of: str | None
    starts_at: At
    ends_at: At
    author: str
    reason: str


class NewOverride(shapes.Asked):
    """An override to be made."""

    schedule: str
    person: str
    starts_at: When
    ends_at: When
    reason: str
    instead_of: str | None = None


class NewOverrides(shapes.Asked):
    """One or several in one act: all or none. Two with `instead_of` are a swap."""

    overrides: Annotated[list[NewOverride], Field(min_length=1, max_length=50)]


class OverridesMade(Sentence):
    """What was made."""

    items: list[Override]


def list_oncall(call: asking.Asked, at: Instant = None) -> Listed[OnCall]:
    """Who is on call for every schedule."""
    view, when = call.view(), at or call.now

    def look(tx: Tx) -> list[OnCall]:
        return [who(tx, view, name, when) for name in view.estate.schedules]

    return Listed(items=call.read(look))


def get_oncall(call: asking.Asked, schedule: str, at: Instant = None) -> OnCall:
    """Who is on call for one schedule, and why."""
    view, when = call.view(), at or call.now
    return call.read(lambda tx: who(tx, view, schedule, when))


def list_shifts(
    call: asking.Asked,
    schedule: str,
    start: Instant = None,
    days: Annotated[int, Query(ge=1, le=366)] = 14,
) -> Listed[Shift]:
    """Shifts and gaps, without hole or overlap, in order."""
    view = call.view()
    begin = start or call.now
    found = call.read(
        lambda tx: oncall.shifts(
            tx, view.estate, schedule=schedule, start=begin, end=oncall.days_from(begin, days),
            is_business_day=view.is_business_day,
        )
    )  # fmt: skip
    return Listed(items=[_shift(one) for one in found])


def schedule_calendar(
    call: asking.Asked, schedule: str, token: Annotated[str | None, Query()] = None
) -> Response:
    """The shifts of a schedule as an iCalendar feed (RFC 5545)."""
    oncall.Rota(call.view().estate, schedule, is_business_day=call.view().is_business_day)
    return _calendar(call, Target("schedule", schedule))


def person_calendar(
    call: asking.Asked, id: str, token: Annotated[str | None, Query()] = None
) -> Response:
    """The shifts of a person over all schedules, as an iCalendar feed."""
    return _calendar(call, Target("person", id))


def list_overrides(
    call: asking.Asked, schedule: Annotated[str | None, Query(max_length=100)] = None
) -> Listed[Override]:
    """Overrides in force or to come, the soonest first."""
    found = call.read(lambda tx: oncall.overrides.coming(tx, now=call.now, schedule=schedule))
    return Listed(items=[_override(one) for one in found])


def add_overrides(call: asking.Asked, body: NewOverrides) -> OverridesMade:
    """Somebody takes somebody's shifts, at once."""
    wanted = tuple(
        oncall.Wanted(
            one.schedule, one.person, one.starts_at, one.ends_at, one.reason, one.instead_of
        )
        for one in body.overrides
    )
    done = call.act(commands.AddOverrides(wanted))
    return OverridesMade(sentence=done.sentence, items=[_override(one) for one in done.value])


def remove_override(call: asking.Asked, id: str) -> Sentence:
    """Remove an override: back to the schedule."""
    return Sentence(sentence=call.act(commands.RemoveOverride(id)).sentence)


def who(tx: Tx, view: View, schedule: str, at: datetime) -> OnCall:
    """The one answer for a schedule and an instant."""
    answer = oncall.who(
        tx, view.estate, schedule=schedule, at=at, is_business_day=view.is_business_day
    )
    return OnCall(schedule=schedule, at=to_text(at), **_words(answer))


def _words(answer: oncall.Answer) -> dict[str, str | None]:
    person = answer.person if isinstance(answer, oncall.Duty) else None
    since, until = shapes.text_of(answer.since), shapes.text_of(answer.until)
    return {"person": person, "since": since, "until": until, "why": answer.why}


def _shift(answer: oncall.Answer) -> Shift:
    layer = answer.layer if isinstance(answer, oncall.Duty) else None
    return Shift.model_validate({**_words(answer), "layer": layer})


def _override(row: oncall.Override) -> Override:
    return Override(
        id=row.id, schedule=row.schedule, person=row.person, instead_of=row.instead_of,
        starts_at=to_text(row.starts_at), ends_at=to_text(row.ends_at), author=row.author,
        reason=row.reason,
    )  # fmt: skip


def _calendar(call: asking.Asked, target: Target) -> Response:
    view = call.view()
    body = call.read(
        lambda tx: oncall.calendar_feed(
            tx, view.estate, target=target, start=call.now - PAST,
            days=PAST.days + CALENDAR_DAYS, now=call.now, is_business_day=view.is_business_day,
        )
    )  # fmt: skip
    return Response(body, media_type="text/calendar; charset=utf-8")
