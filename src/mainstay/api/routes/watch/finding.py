"""One item in production – a payment, an order, an account – across services."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, BaseModel

from mainstay import diagnosis, web
from mainstay.api import asking
from mainstay.api.routes.shapes import At
from mainstay.foundation.clock import to_text


class Wanted(BaseModel):
    """What to look for. Every character of `id` stands for itself. Without times: the last day."""

    id: str
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class Seen(BaseModel):
    """One trace; `at` is null where the trace has no time."""

    at: At | None
    service: str
    source: str
    what: str


class Stop(BaseModel):
    """Where it stands. `next` null: it went all the way. `known` false: what follows is not known."""

    service: str
    at: At | None
    next: str | None
    skipped: list[str]
    within_s: float | None
    learned_from: int
    late: bool
    known: bool


class Found(BaseModel):
    """Its traces in order of time, where it stopped, and what could not be read."""

    id: str
    journey: str | None
    sentence: str
    stop: Stop | None
    seen: list[Seen]
    searched: list[str]
    notes: list[str]


def find_item(call: asking.Asked, body: Wanted) -> Found:
    """Where is it, and where did it stop? Searches production; the record says who looked."""
    found = web.find_item(call, body.id, since=body.since, until=body.until)
    return Found(
        id=found.id, journey=found.journey, sentence=found.sentence, stop=_stop(found.stop),
        seen=[Seen(at=_text(one.at), service=one.service, source=one.source, what=one.what)
              for one in found.seen],
        searched=list(found.searched), notes=list(found.notes),
    )  # fmt: skip


def _stop(stop: diagnosis.Stop | None) -> Stop | None:
    if stop is None:
        return None
    return Stop(
        service=stop.service, at=_text(stop.at), next=stop.next, skipped=list(stop.skipped),
        within_s=stop.within_s, learned_from=stop.learned_from, late=stop.late, known=stop.known,
    )  # fmt: skip


def _text(at: datetime | None) -> str | None:
    return None if at is None else to_text(at)
