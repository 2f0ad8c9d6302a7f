"""How each service stands, how it stood, and a badge."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel

from mainstay import handover
from mainstay.api import asking
from mainstay.api.routes.shapes import At, Listed
from mainstay.foundation.clock import to_text
from mainstay.foundation.errors import NotFound
from mainstay.foundation.nearest import hint

READ = "alerts.read"


class Health(BaseModel):
    """Healthy, at risk, failing, not seen, or muted; and why."""

    service: str
    state: str
    sentence: str


class Down(BaseModel):
    """An incident that stopped it, within the span."""

    incident: str
    title: str
    start: At
    end: At


class Window(BaseModel):
    """A time in which its alerts were silenced."""

    start: At
    end: At
    reason: str


class WholeHealth(Health):
    """With the share of the span (0 to 1) in which no incident of its own stopped it."""

    start: At
    end: At
    availability: float
    down: list[Down]
    muted: list[Window]


def list_health(call: asking.Asked) -> Listed[Health]:
    """Every service, with its state and why."""
    view, hidden = call.view(), call.hidden(READ)
    found = call.read(lambda tx: handover.health.healths(tx, view, now=call.now))
    return Listed(items=[_shown(one) for name, one in found.items() if name not in hidden])


def get_health(
    call: asking.Asked, service: str, days: Annotated[int, Query(ge=1, le=366)] = 30
) -> WholeHealth:
    """One service, and how it stood over the last days."""
    health, start = _one(call, service), call.now - timedelta(days=days)
    past = call.read(
        lambda tx: handover.health.availability(tx, service, start=start, end=call.now)
    )
    return WholeHealth(
        service=service, state=health.state, sentence=health.sentence, start=to_text(past.start),
        end=to_text(past.end), availability=past.share,
        down=[
            Down(incident=one.name, title=one.title, start=to_text(one.start), end=to_text(one.end))
            for one in past.down
        ],
        muted=[
            Window(start=to_text(begin), end=to_text(end), reason=reason)
            for begin, end, reason in past.muted
        ],
    )  # fmt: skip


def badge(
    call: asking.Asked, service: str, token: Annotated[str | None, Query()] = None
) -> Response:
    """A small picture of how it stands, for a wiki; a token may stand in the address."""
    health = _one(call, service)
    declared = call.view().estate.services[service]
    picture = handover.health.badge(health, declared.name or service)
    headers = {"cache-control": "max-age=30", "content-security-policy": "default-src 'none'"}
    return Response(picture, media_type="image/svg+xml", headers=headers)


def _one(call: asking.Asked, service: str) -> handover.health.Health:
    view = call.view()
    if service not in view.estate.services:
        near = hint(service[:60], view.estate.services)
        raise NotFound(f"The estate declares no service {service[:60]!r}{near}.")
    call.require_services(READ, [service], what="GET /mainstay/v1/services/{service}")
    return call.read(lambda tx: handover.health.healths(tx, view, now=call.now))[service]


def _shown(one: handover.health.Health) -> Health:
    return Health(service=one.service, state=one.state, sentence=one.sentence)
