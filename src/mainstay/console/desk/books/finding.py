"""Find: where is this payment, and where did it stop? A form by POST: no id of a customer stands in an address."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from mainstay import web
from mainstay.console.answering import show
from mainstay.console.gate import Visit
from mainstay.diagnosis import Found
from mainstay.foundation.errors import Invalid

PERMISSION = "diagnosis.find"
BACK = {"1h": "an hour", "1d": "a day", "7d": "a week", "31d": "a month"}
"""How far back the form looks."""
_HOURS = {"1h": 1, "1d": 24, "7d": 168, "31d": 744}


def screen(visit: Visit) -> Response:
    """The empty form."""
    return _shown(visit)


def find(visit: Visit) -> Response:
    """The timeline of the id that was typed; what is no id is said beside the form."""
    chosen = visit.text("back") if visit.text("back") in BACK else "1d"
    since = visit.now - timedelta(hours=_HOURS[chosen])
    try:
        found = web.find_item(visit.call, visit.text("id"), since=since, until=None)
    except Invalid as error:
        return _shown(visit, chosen=chosen, problem=error)
    return _shown(visit, found=found, chosen=chosen)


def _shown(
    visit: Visit, *, found: Found | None = None, chosen: str = "1d", problem: Invalid | None = None
) -> Response:
    return show(
        visit, "find.html", status=400 if problem else 200, here="find", where="Find",
        title="Find", found=found, text=visit.text("id")[:200], back=BACK, chosen=chosen,
        problem=problem,
    )  # fmt: skip
