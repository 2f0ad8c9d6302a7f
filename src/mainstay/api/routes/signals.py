"""What came in and was not settled whole; and a person's own report."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, Field

from mainstay import pipeline, signals
from mainstay.acts.commands import ReleaseSignal
from mainstay.api import asking
from mainstay.api.routes import shapes
from mainstay.api.routes.shapes import After, At, Limit, Listed, Sentence
from mainstay.estate import Severity
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid, NotFound
from mainstay.foundation.nearest import hint
from mainstay.ground import REPORTS, source_in
from mainstay.web import require_every_team


class Signal(BaseModel):
    """A request that came in; `problem` says what is wrong with it, or with some of its items."""

    receipt: str
    received_at: At
    source: str
    format: str
    items: int
    state: str
    tries: int
    problem: dict[str, Any] | None


class WholeSignal(Signal):
    """With its raw body, credentials blanked, as text."""

    headers: dict[str, str]
    body: str


class Report(shapes.Asked):
    """What is wrong, in a line; whoever asks is the reporter."""

    summary: Annotated[str, Field(min_length=1, max_length=10_000)]
    service: Annotated[str | None, Field(max_length=100)] = None
    severity: Severity | None = None
    details: str | None = None


class Taken(BaseModel):
    """The receipt: `mainstay trace` follows it."""

    receipt: str


def list_signals(call: asking.Asked, limit: Limit = 50, after: After = None) -> Listed[Signal]:
    """Signals that are quarantined, failed at first, or hold refused items; newest first."""
    require_every_team(call, "signals.read", what="GET /mainstay/v1/signals")
    found = call.read(lambda tx: signals.with_problems(tx, limit=limit, before=after or "~"))
    following = found[-1].receipt if len(found) == limit else None
    return Listed(items=[Signal(**_words(one)) for one in found], next=following)


def get_signal(call: asking.Asked, receipt: str) -> WholeSignal:
    """One signal, with its raw body."""
    require_every_team(call, "signals.read", what="GET /mainstay/v1/signals/{receipt}")
    found = call.read(lambda tx: signals.find(tx, receipt))
    if found is None:
        raise NotFound(f"There is no signal {receipt!r}; it may be older than what is kept.")
    body = found.body.decode("utf-8", "replace")
    return WholeSignal(**_words(found), headers=found.headers, body=body)


def release_signal(call: asking.Asked, receipt: str) -> Sentence:
    """Let a quarantined signal try again."""
    done = call.act(ReleaseSignal(receipt))
    call.app.wake.settle()
    return Sentence(sentence=done.sentence)


def report(call: asking.Asked, body: Report) -> Taken:
    """Say that something is wrong: it pages like any other signal."""
    words = body.model_dump(exclude_none=True) | {"reporter": call.actor.id}
    raw = msgspec.json.encode(words)
    app, receipt = call.app, call.app.ground.ids.new("rcp", call.now)
    arrival = signals.Arrival(receipt, to_us(call.now))

    def take(tx: Tx) -> None:
        view = app.ground.views.current(tx)
        known = view.estate.services
        if body.service is not None and body.service not in known:
            near = hint(body.service, known)
            raise Invalid(f"There is no service {body.service!r}{near}.", pointer="/service")
        source = source_in(view, REPORTS)
        verdict = signals.door_named("report").check(raw, source, arrival)
        pipeline.accept(
            tx,
            signals.Arrived(receipt, call.now, REPORTS, "report", view.version, {}, raw, verdict),
        )

    app.db.run(take)
    app.wake.settle()
    return Taken(receipt=receipt)


def _words(found: signals.Request) -> dict[str, Any]:
    return {
        "receipt": found.receipt, "received_at": shapes.at(found.received_at_us),
        "source": found.source, "format": found.format, "items": found.items_n,
        "state": found.state, "tries": found.tries, "problem": found.problem,
    }  # fmt: skip
