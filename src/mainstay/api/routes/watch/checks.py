"""Checks: how they stand, what was measured, and looking now; and the days of a calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from mainstay import acts, checks
from mainstay.api import asking
from mainstay.api.routes import shapes
from mainstay.api.routes.shapes import At, Limit, Listed, Sentence, When
from mainstay.checks import Result, Sheet, Standing
from mainstay.estate import Days
from mainstay.foundation.clock import to_text
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid, NotFound

State = Literal["waiting", "ok", "warn", "fail", "not seen"]
Verdict = Literal["ok", "warn", "fail"]
SHOWN_DAYS = 400
"""Days of a calendar in one answer: a year and a month."""
Word = Annotated[str | None, Query(max_length=100)]


class Check(BaseModel):
    """How one check stands; of a check on several hosts, on one of them."""

    name: str
    check: str
    host: str | None
    service: str
    probe: str
    state: State
    since: At
    sentence: str
    measured_at: At | None
    duration_ms: float | None
    verdict: Verdict | None
    failures: int
    flapping: bool
    muted: str | None
    values: dict[str, Any]
    tags: list[str]
    expect: list[str]


class Look(BaseModel):
    """One kept result. `evidence`: the first of what was answered, kept with a failure."""

    measured_at: At
    duration_ms: float
    verdict: Verdict
    sentence: str
    values: dict[str, Any]
    evidence: str | None


class RunNow(shapes.Asked):
    """Which checks: by id (`id@host` for one host), by tag, by service; together they narrow."""

    checks: Annotated[list[str], Field(max_length=500, default_factory=list)]
    tag: str | None = None
    service: str | None = None


class Running(Sentence):
    """The names that are looked at; each is done once its `measured_at` is `asked_at` or later."""

    asked_at: At
    names: list[str]


class Day(BaseModel):
    """One day of a calendar, and why it is one of its business days or not."""

    date: date
    business_day: bool
    why: str


def list_checks(
    call: asking.Asked,
    tag: Word = None,
    service: Word = None,
    check: Annotated[list[str] | None, Query(max_length=100)] = None,
    state: Annotated[State | None, Query()] = None,
) -> Listed[Check]:
    """How the checks chosen stand, in the order of the estate."""
    hidden = call.hidden("checks.read")

    def ask(tx: Tx) -> tuple[Sheet, list[Standing]]:
        sheet = _sheet(call, tx)
        wanted = tuple(check or ())
        return sheet, checks.states(tx, sheet, now=call.now, ids=wanted, tag=tag, service=service)

    sheet, found = call.read(ask)
    shown = [one for one in found if one.service not in hidden and state in (None, one.state)]
    return Listed(items=[_check(sheet, one) for one in shown])


def get_check(call: asking.Asked, name: str) -> Check:
    """How one check stands, by its name (`id`, or `id@host`)."""
    sheet, standing = _one(call, name)
    return _check(sheet, standing)


def get_history(
    call: asking.Asked,
    name: str,
    since: Annotated[When | None, Query(description="A week ago when left out.")] = None,
    before: Annotated[When | None, Query(description="Now when left out.")] = None,
    limit: Limit = 100,
) -> Listed[Look]:
    """Its kept results, newest first; go on with `before` the last one."""
    _one(call, name)
    start, end = since or call.now - timedelta(days=7), before or call.now + timedelta(seconds=1)
    rows = call.read(lambda tx: checks.history(tx, name, since=start, before=end, limit=limit))
    last = to_text(rows[-1].at) if len(rows) == limit else None
    return Listed(items=[_look(row) for row in rows], next=last)


def run_checks(call: asking.Asked, body: RunNow) -> Running:
    """Have checks looked at now, whatever their times; heartbeats cannot be asked."""
    command = acts.commands.RunChecks(tuple(body.checks), body.tag, body.service)
    done = call.act(command)
    names: tuple[str, ...] = done.value
    return Running(sentence=done.sentence, asked_at=to_text(call.now), names=list(names))


def get_calendar(
    call: asking.Asked,
    id: str,
    first: Annotated[date, Query(alias="from")],
    last: Annotated[date, Query(alias="to")],
) -> Listed[Day]:
    """The days of a calendar from one day to another, at most 400, and why each is what it is."""
    if not timedelta(0) <= last - first < timedelta(days=SHOWN_DAYS):
        raise Invalid(f"From one day to a later one, at most {SHOWN_DAYS} days.", pointer="/to")
    days = Days(call.view().estate)
    shown = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return Listed(
        items=[
            Day(date=one, business_day=days.is_business_day(id, one), why=days.why(id, one))
            for one in shown
        ]
    )


def _sheet(call: asking.Asked, tx: Tx) -> Sheet:
    return call.app.sheets.of(call.app.ground.views.current_or_empty(tx))


def _one(call: asking.Asked, name: str) -> tuple[Sheet, Standing]:
    def ask(tx: Tx) -> tuple[Sheet, Standing | None]:
        sheet = _sheet(call, tx)
        if name not in sheet.watched:
            sheet.choose(ids=(name,))  # a check on several hosts is asked for by each of them
            return sheet, None
        found = checks.states(tx, sheet, now=call.now, ids=(name,))
        return sheet, next(one for one in found if one.name == name)

    sheet, standing = call.read(ask)
    if standing is None:
        names = ", ".join(one.name for one in sheet.choose(ids=(name,)))
        raise NotFound(f"Check {name!r} looks at several hosts; ask for one of {names}.")
    call.require_services("checks.read", [standing.service], what="GET /mainstay/v1/checks/{name}")
    return sheet, standing


def _check(sheet: Sheet, one: Standing) -> Check:
    watched = sheet.watched[one.name]
    return Check(
        name=one.name, check=one.check, host=one.host, service=one.service,
        probe=watched.check.probe, state=one.state.value, since=to_text(one.since),
        sentence=one.sentence, measured_at=_text(one.at), duration_ms=_ms(one.duration_us),
        verdict=one.verdict, failures=one.failures, flapping=one.flapping, muted=one.muted,
        values=dict(one.values), tags=watched.check.tags, expect=watched.check.expect,
    )  # fmt: skip


def _look(one: Result) -> Look:
    return Look(
        measured_at=to_text(one.at), duration_ms=one.duration_us / 1000, verdict=one.verdict,
        sentence=one.sentence, values=dict(one.values),
        evidence=one.evidence.decode("utf-8", "replace") or None,
    )  # fmt: skip


def _text(at: datetime | None) -> str | None:
    return None if at is None else to_text(at)


def _ms(us: int | None) -> float | None:
    return None if us is None else us / 1000
