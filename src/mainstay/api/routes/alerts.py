"""Alerts and silences, read and set."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from mainstay import acts, alerts
from mainstay.api import asking
from mainstay.api.routes import shapes
from mainstay.api.routes.shapes import After, Alert, At, Limit, Listed, Sentence, State, When
from mainstay.foundation.clock import text_of_us, to_us
from mainstay.foundation.errors import Invalid, NotFound
from mainstay.foundation.spans import duration

ENDED_WITHIN = timedelta(days=30)
"""How far back `state=all` looks for silences that are over."""


class Silence(BaseModel):
    """Mutes what all of its matchers fit."""

    id: str
    matchers: list[str]
    state: Literal["pending", "active", "ended"]
    starts_at: At
    ends_at: At
    ended_at: At | None
    author: str
    reason: str
    created_at: At


class NewSilence(shapes.Asked):
    """A silence to be made; it ends at `ends_at`, or `for` after its start (90s, 10m, 2h, 1d)."""

    matchers: Annotated[list[str], Field(min_length=1, max_length=50)]
    reason: str
    starts_at: When | None = None
    ends_at: When | None = None
    lasts: str | None = Field(default=None, alias="for")


class SilenceMade(Sentence):
    """The new silence."""

    silence: Silence


def list_alerts(
    call: asking.Asked,
    limit: Limit = 50,
    after: After = None,
    state: State = "open",
    service: Annotated[str | None, Query(max_length=100)] = None,
) -> Listed[Alert]:
    """Alerts, newest first; of one's own teams, for who may see those alone."""
    ask = alerts.page_open if state == "open" else alerts.page_all
    before = shapes.cursor(after)
    hidden = call.hidden("alerts.read")
    rows = call.read(lambda tx: ask(tx, service=service, before=before, limit=limit, hidden=hidden))
    return Listed(items=[shapes.alert(row) for row in rows], next=shapes.next_of(rows, limit))


def get_alert(call: asking.Asked, id: str) -> Alert:
    """One alert."""
    row = call.read(lambda tx: alerts.get(tx, id))
    if row is None:
        raise NotFound(f"There is no alert {id!r}.")
    call.require_services("alerts.read", [row.service], what="GET /mainstay/v1/alerts/{id}")
    return shapes.alert(row)


def list_silences(call: asking.Asked, state: Literal["live", "all"] = "live") -> Listed[Silence]:
    """Silences in force and to come, newest first; with `all` also those of the last 30 days."""
    now_us = to_us(call.now)
    since = now_us if state == "live" else to_us(call.now - ENDED_WITHIN)
    rows = call.read(lambda tx: alerts.silences(tx, ended_since_us=since))
    return Listed(items=[_silence(row, now_us) for row in rows])


def add_silence(call: asking.Asked, body: NewSilence) -> SilenceMade:
    """Mute what matches, with a reason and an end."""
    starts_at = body.starts_at or call.now
    if (body.ends_at is None) == (body.lasts is None):
        raise Invalid("Say when it ends: either `ends_at` or `for`.", pointer="/ends_at")
    ends_at = body.ends_at
    if ends_at is None:
        try:
            ends_at = starts_at + duration(body.lasts)
        except (ValueError, OverflowError) as error:
            raise Invalid(f"For how long? {error}.", pointer="/for") from None
    command = acts.commands.AddSilence(_matchers(body.matchers), starts_at, ends_at, body.reason)
    done = call.act(command)
    return SilenceMade(sentence=done.sentence, silence=_silence(done.value, to_us(call.now)))


def end_silence(call: asking.Asked, id: str) -> Sentence:
    """End a silence: what still fires speaks again."""
    return Sentence(sentence=call.act(acts.commands.EndSilence(id)).sentence)


def _matchers(texts: list[str]) -> tuple[alerts.Matcher, ...]:
    found = []
    for number, text in enumerate(texts):
        try:
            found.append(alerts.parse(text))
        except Invalid as error:
            raise Invalid(error.sentence, pointer=f"/matchers/{number}") from None
    return tuple(found)


def _silence(row: alerts.Silence, now_us: int) -> Silence:
    over = row.ended_at is not None or row.ends_at <= now_us
    state: Literal["pending", "active", "ended"] = "ended" if over else "active"
    if not over and row.starts_at > now_us:
        state = "pending"
    return Silence(
        id=row.id, matchers=[str(matcher) for matcher in row.matchers], state=state,
        starts_at=shapes.at(row.starts_at), ends_at=shapes.at(row.ends_at),
        ended_at=text_of_us(row.ended_at), author=row.author, reason=row.reason,
        created_at=shapes.at(row.created_at),
    )  # fmt: skip
