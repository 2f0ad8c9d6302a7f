"""How checks stood over time, by day, week or month: of one check, or of all those of a service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Query
from pydantic import BaseModel

from mainstay import checks
from mainstay.api import asking
from mainstay.api.routes.shapes import At, Listed
from mainstay.checks import By, Slot
from mainstay.foundation.clock import to_text
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import NotFound
from mainstay.foundation.nearest import hint

READ = "checks.read"
Days = Annotated[int, Query(ge=1, le=400)]
Each = Annotated[By, Query(alias="by")]


class Stretch(BaseModel):
    """A day, week or month of the organisation's zone; hours that are over are in it.

    `availability` is the share (0 to 1) of what was seen in which nothing failed; null: nothing was.
    """

    start: At
    end: At
    availability: float | None
    ok_s: float
    warn_s: float
    fail_s: float


def of_check(call: asking.Asked, name: str, days: Days = 30, by: Each = "day") -> Listed[Stretch]:
    """How one check (`id`, or `id@host`) stood over the last days."""
    sheet = call.app.sheets.of(call.view())
    found = sheet.watched.get(name)
    if found is None:
        sheet.choose(ids=(name,))
        names = ", ".join(one.name for one in sheet.choose(ids=(name,)))
        raise NotFound(f"Check {name!r} looks at several hosts; ask for one of {names}.")
    what = "GET /mainstay/v1/checks/{name}/availability"
    call.require_services(READ, [found.check.service], what=what)
    return _stretches(call, [name], days, by)


def of_service(
    call: asking.Asked, service: str, days: Days = 30, by: Each = "day"
) -> Listed[Stretch]:
    """How the checks of a service stood over the last days: the worst of them in each hour."""
    view = call.view()
    if service not in view.estate.services:
        near = hint(service[:60], view.estate.services)
        raise NotFound(f"The estate declares no service {service[:60]!r}{near}.")
    call.require_services(READ, [service], what="GET /mainstay/v1/services/{service}/availability")
    chosen = call.app.sheets.of(view).choose(service=service)
    return _stretches(call, [one.name for one in chosen], days, by)


def _stretches(call: asking.Asked, names: Sequence[str], days: int, by: By) -> Listed[Stretch]:
    zone, start = ZoneInfo(call.view().estate.org.timezone), call.now - timedelta(days=days)

    def ask(tx: Tx) -> list[Slot]:
        return checks.past.slots(tx, names, start=start, end=call.now, zone=zone, by=by)

    return Listed(items=[_shown(one) for one in call.read(ask)])


def _shown(one: Slot) -> Stretch:
    return Stretch(
        start=to_text(one.start), end=to_text(one.end), availability=one.share,
        ok_s=one.ok.total_seconds(), warn_s=one.warn.total_seconds(),
        fail_s=one.fail.total_seconds(),
    )  # fmt: skip
