"""All incidents: the open ones, nobody's first, and those that are over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mainstay import incidents
from mainstay.console import words
from mainstay.console.desk.now.standing import stand
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Part, Showing
from mainstay.foundation.db import Tx

OVER_AT_ONCE = 50


def everything(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The screen."""
    standing = stand(reader, tx)
    alone = sum(not one.is_held for one in standing.open)
    head = f"{words.counted(len(standing.open), 'incident')} open"
    rest = f"{alone} of them with nobody yet" if alone else "somebody has each of them"
    return {
        "title": "Incidents", "where": "Incidents",
        "sentence": f"{head}; {rest}." if standing.open else "No incident is open.",
        "teams": list(reader.view.estate.teams), "team": reader.query.get("team", ""),
    }  # fmt: skip


def opened(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The open ones, of one team where it was asked."""
    team = reader.query.get("team", "")
    services = reader.view.estate.services
    rows = [
        one for one in stand(reader, tx).open
        if not team or (one.incident.service in services and services[one.incident.service].owner == team)
    ]  # fmt: skip
    return {"rows": rows, "team": team}


def over(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """Those that are resolved or closed, newest first."""
    before = cursor(reader.query.get("before", ""))
    rows = incidents.page(
        tx, open_only=False, before=before, limit=OVER_AT_ONCE, hidden=reader.hidden
    )
    shown = [one for one in rows if one.resolved_at is not None]
    more = f"{rows[-1].opened_at}.{rows[-1].id}" if len(rows) == OVER_AT_ONCE else ""
    return {"rows": shown, "more": more}


def cursor(text: str) -> tuple[int, str] | None:
    """(instant, id) of the last row that was seen; None for anything else."""
    at, _, name = text.partition(".")
    return (int(at), name) if at.isascii() and at.isdecimal() and len(at) < 19 and name else None


PARTS = (
    Part(
        "incidents/open",
        "incidents.read",
        ("incidents", "alerts"),
        opened,
        "Open incidents",
        ("team",),
    ),
    Part(
        "incidents/over", "incidents.read", ("incidents",), over, "Resolved incidents", ("before",)
    ),
)
SHOWINGS = (
    Showing("/incidents", "incidents.read", everything, "incidents.html", here="incidents"),
)
