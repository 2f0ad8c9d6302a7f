"""The whole at a glance: the shift, the record, where an alert went, how this install stands."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

from fastapi import Query, Request
from pydantic import BaseModel, Field

from mainstay import __version__, alerts, incidents, nodes, paging, signals, watchdog
from mainstay import trace as tracing
from mainstay.api import asking
from mainstay.api.routes import shapes
from mainstay.api.routes.incidents import next_page_at
from mainstay.api.routes.oncall import OnCall, who
from mainstay.api.routes.shapes import SEQ_MAX, At, Fact, Incident, Limit, Listed, Page
from mainstay.estate import View
from mainstay.foundation import record
from mainstay.foundation.clock import from_us, text_of_us, to_text
from mainstay.foundation.db import Tx, schema_number, standing
from mainstay.foundation.errors import Invalid
from mainstay.web import require_every_team

INCIDENTS_MAX = 100
PAGES_MAX = 20
FACTS_MAX = 30
"""How much of each one `shift` shows."""
Seq = Annotated[int | None, Query(ge=0, le=SEQ_MAX)]


class Line(BaseModel):
    """One thing that happened on the way."""

    at: At
    kind: str
    sentence: str


class Trace(BaseModel):
    """Where it went: `answer` in one sentence, `lines` step by step."""

    subject: str
    answer: str
    lines: list[Line]


class Verdict(BaseModel):
    """What checking the whole record found; `broken` is null, and `faults` empty, when it holds."""

    rows: int
    seals: int
    unsealed: int
    head: str
    broken: str | None
    faults: list[str]
    checkpoints: int
    covered: int
    keys: list[str]


class SignedCheckpoint(BaseModel):
    """`rows` rows of the record under `seal` seals ended with `head`; `line` is to be kept outside."""

    number: int
    at: At
    seal: int
    rows: int
    head: str
    key: str
    line: str


class ShiftIncident(Incident):
    """An incident as a row of the live view."""

    pages_n: int
    alerts_n: int
    next_page_at: At | None


class Shift(BaseModel):
    """Everything that a live view shows, as of one instant."""

    at: At
    verdict: str
    incidents: list[ShiftIncident]
    alerts_open: int
    oncall: list[OnCall]
    pages: list[Page]
    record: list[Fact]
    backlog: int


class Comparison(BaseModel):
    """The pages that shadow mode kept back in a day (UTC); `live` counts those that it did not."""

    day: str
    pages: int
    incidents: int
    by_person: dict[str, int]
    by_channel: dict[str, int]
    live: int
    sentence: str


class Database(BaseModel):
    """Where everything is kept. `warning`: what may be lost all the same, in a sentence."""

    engine: str
    version: str
    warning: str | None


class Watchdog(BaseModel):
    """The watchdog's newest look: when, what it found, when it last pinged the heartbeat."""

    at: At
    findings: list[str]
    heartbeat_at: At | None


class Status(BaseModel):
    """How this install stands."""

    version: str
    node: str
    started_at: At
    schema_: int = Field(alias="schema")
    database: Database
    backlog: int
    quarantined: int
    open_alerts: int
    open_incidents: int
    unsealed: int
    checkpoint_at: At | None
    """The newest signed checkpoint of the record."""
    backup_at: At | None
    """The state that the newest backup holds which was made by itself and found whole."""
    nodes_up: int
    nodes_lost: int
    settles: str | None
    last_page: Page | None
    channels: list[str]
    estate_version: int
    troubles: list[str]
    """Why this node is not ready, if it is not."""
    watchdog: Watchdog | None


class Node(BaseModel):
    """One start of one program. `roles`: `settle` is the one that settles."""

    id: str
    host: str
    pid: int
    listen: str
    folder: str
    version: str
    schema_: int = Field(alias="schema")
    standing: str
    started_at: At
    seen_at: At
    ended_at: At | None
    roles: list[str]
    answers: bool
    """Whether it is the one that gave this answer."""


def get_trace(call: asking.Asked, id: str) -> Trace:
    """Where did it go? `id`: a receipt, an alert or an incident."""
    services = call.read(lambda tx: tracing.services(tx, call.app.ground, id))
    call.require_services("record.read", services, what="GET /mainstay/v1/trace/{id}")
    found = call.read(lambda tx: tracing.trace(tx, call.app.ground, id))
    lines = [Line(at=to_text(one.at), kind=one.kind, sentence=one.sentence) for one in found.lines]
    return Trace(subject=found.subject, answer=found.answer, lines=lines)


def list_record(
    call: asking.Asked, limit: Limit = 100, after: Seq = None, before: Seq = None
) -> Listed[Fact]:
    """The record. `after` a row: oldest first (0: the newest rows); `before` one: newest first."""
    if after is not None and before is not None:
        raise Invalid("Either `after` or `before`, not both.")
    require_every_team(call, "record.read", what="GET /mainstay/v1/record")

    def look(tx: Tx) -> Listed[Fact]:
        end: str | None
        if after:
            rows = record.since(tx, after, limit=limit)
            end = str(rows[-1]["seq"]) if rows else str(after)
        elif after == 0:
            rows = record.latest(tx, limit=limit)[::-1]
            end = str(rows[-1]["seq"]) if rows else None
        else:
            rows = record.latest(tx, before=before, limit=limit)
            end = str(rows[-1]["seq"]) if len(rows) == limit else None
        return Listed(items=[shapes.fact(row) for row in rows], next=end)

    return call.read(look)


def verify_record(call: asking.Asked) -> Verdict:
    """Recompute the whole chain of the record, and hold it against its checkpoints."""
    found = call.read(record.verify)
    return Verdict(
        rows=found.rows, seals=found.seals, unsealed=found.unsealed, head=found.head,
        broken=found.broken, faults=list(found.faults), checkpoints=found.checkpoints,
        covered=found.covered, keys=list(found.keys),
    )  # fmt: skip


def list_checkpoints(
    call: asking.Asked, limit: Limit = 100, after: Seq = None
) -> Listed[SignedCheckpoint]:
    """The signed checkpoints of the record, oldest first; `after`: the last number already seen."""
    found = call.read(lambda tx: record.checkpoints_after(tx, after or 0, limit=limit))
    items = [
        SignedCheckpoint(
            number=one.number,
            at=to_text(from_us(one.at_us)),
            seal=one.seal,
            rows=one.rows,
            head=one.head,
            key=one.key,
            line=one.as_line(),
        )
        for one in found
    ]
    return Listed(items=items, next=str(found[-1].number) if len(found) == limit else None)


def get_shift(call: asking.Asked) -> Shift:
    """Everything that a live view shows, in one call."""
    view, hidden = call.view(), call.hidden("incidents.read")

    def look(tx: Tx) -> Shift:
        rows = incidents.page(tx, open_only=True, before=None, limit=INCIDENTS_MAX, hidden=hidden)
        shown = [_row(tx, one, view) for one in rows]
        pages = paging.latest_sends(tx, limit=PAGES_MAX)
        facts = record.latest(tx, limit=FACTS_MAX)
        if hidden:
            ours = {row.id for row in rows}
            pages = [one for one in pages if one.incident in ours]
            facts = [one for one in facts if one["incident"] in ours]
        return Shift(
            at=to_text(call.now),
            verdict=_verdict(shown),
            incidents=shown,
            alerts_open=alerts.count_all_open(tx, hidden=hidden),
            oncall=[who(tx, view, name, call.now) for name in view.estate.schedules],
            pages=[shapes.page(one) for one in pages],
            record=[shapes.fact(row) for row in facts],
            backlog=signals.waiting_n(tx),
        )

    return call.read(look)


def get_shadow(
    call: asking.Asked, day: Annotated[date | None, Query(description="UTC; today.")] = None
) -> Comparison:
    """What shadow mode would have sent on a day."""
    require_every_team(call, "paging.read", what="GET /mainstay/v1/shadow")
    chosen = day or call.now.date()
    if not 1972 <= chosen.year <= 2197:
        raise Invalid("Ask about a day between 1972 and 2197.")
    start = datetime(chosen.year, chosen.month, chosen.day, tzinfo=UTC)
    found = call.read(lambda tx: paging.compare(tx, start=start, end=start + timedelta(days=1)))
    return Comparison(
        day=str(chosen), pages=found.pages, incidents=found.incidents, by_person=found.by_person,
        by_channel=found.by_channel, live=found.live, sentence=found.sentence,
    )  # fmt: skip


def list_nodes(call: asking.Asked) -> Listed[Node]:
    """The nodes of the last day: who is up, who is lost, who settles."""

    def look(tx: Tx) -> Listed[Node]:
        found = nodes.known(tx, now=call.now)
        return Listed(items=[_node(one, call) for one in found], next=None)

    return call.read(look)


def _node(one: nodes.Node, call: asking.Asked) -> Node:
    return Node(
        id=one.id, host=one.host, pid=one.pid, listen=one.listen, folder=one.folder,
        version=one.version, schema=one.schema, standing=one.standing(call.now),
        started_at=to_text(one.started_at), seen_at=to_text(one.seen_at),
        ended_at=None if one.ended_at is None else to_text(one.ended_at),
        roles=list(one.roles), answers=one.id == call.app.node.id,
    )  # fmt: skip


def get_status(call: asking.Asked, request: Request) -> Status:
    """Version, backlog, what is open, and whether pages go out."""
    app = call.app
    started: datetime = request.app.state.started_at

    def look(tx: Tx) -> Status:
        pages = paging.latest_sends(tx, limit=1)
        newest = record.newest_checkpoint(tx)
        known = nodes.known(tx, now=call.now)
        standings = [one.standing(call.now) for one in known]
        return Status(
            version=__version__,
            node=app.ground.node,
            started_at=to_text(started),
            schema=schema_number(),
            database=Database(**asdict(standing(tx))),
            backlog=signals.waiting_n(tx),
            quarantined=signals.quarantined_n(tx),
            open_alerts=alerts.count_all_open(tx),
            open_incidents=incidents.count_open(tx),
            unsealed=record.unsealed_n(tx),
            checkpoint_at=text_of_us(newest.at_us) if newest else None,
            backup_at=text_of_us(record.marked(tx, "backup_at")),
            nodes_up=standings.count("up"),
            nodes_lost=standings.count("lost"),
            settles=next((one.id for one in known if nodes.SETTLE in one.roles), None),
            last_page=shapes.page(pages[0]) if pages else None,
            channels=sorted(app.channels),
            estate_version=app.ground.views.current_or_empty(tx).version,
            troubles=[one.sentence for one in app.pulse.reasons()],
            watchdog=_watchdog(app.settings.data_dir),
        )

    return call.read(look)


def _watchdog(data_dir: Path) -> Watchdog | None:
    sign = watchdog.last_sign(data_dir)
    if sign is None:
        return None
    return Watchdog(
        at=to_text(sign.at),
        findings=[one.finding.sentence for one in sign.findings],
        heartbeat_at=None if sign.beat_at is None else to_text(sign.beat_at),
    )


def _row(tx: Tx, row: incidents.Incident, view: View) -> ShiftIncident:
    return ShiftIncident(
        **shapes.incident_words(row, view),
        pages_n=len(paging.sends_of_incident(tx, row.id)),
        alerts_n=alerts.count_open(tx, row.id),
        next_page_at=next_page_at(tx, row.id),
    )


def _verdict(shown: list[ShiftIncident]) -> str:
    """How things stand, in a sentence."""
    if not shown:
        return "All is quiet: no incident is open."
    unheld = [one for one in shown if one.acknowledged_by is None]
    words = f"{len(shown)} incidents are open" if len(shown) > 1 else f"{shown[0].name} is open"
    if not unheld:
        return f"{words}; somebody has {'each of them' if len(shown) > 1 else 'it'}."
    if len(unheld) == 1:
        return f"{words}; nobody has acknowledged {unheld[0].name} yet."
    return f"{words}; nobody has acknowledged {len(unheld)} of them yet."
