"""Services: the map in lanes by tier, the table, and a screen for each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from mainstay import alerts, changes, handover, incidents
from mainstay.alerts import Wanted
from mainstay.console import draw, words
from mainstay.console.desk.duty.watching import days, look_of, sheet_of, standings
from mainstay.console.desk.now.standing import healths, stand
from mainstay.console.desk.now.today import LANES, alert_row
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Part, Showing
from mainstay.estate import duty_team
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import NotFound
from mainstay.foundation.nearest import hint

WORST = ("crit", "warn", "unknown", "mute", "ok")
CHANGES_WITHIN = timedelta(days=14)
STOOD_FOR = timedelta(days=30)


def everything(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The screen."""
    states = stand(reader, tx).services
    failing = [reader.service(name) for name, state in states.items() if state == "crit"]
    if failing:
        sentence = f"{words.listed(failing)} {'is' if len(failing) == 1 else 'are'} failing."
    else:
        sentence = "No service is failing." if states else "No service is declared."
    return {"title": "Services", "where": "Services", "sentence": sentence}


def chart(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The map and the table of the same."""
    standing = stand(reader, tx)
    states = standing.services
    declared = reader.view.estate.services
    nodes = [
        draw.Node(
            name, reader.service(name), _lane(one.type, one.tier), states[name],
            tuple(one.depends), f"/services/{name}",
        )
        for name, one in declared.items()
    ]  # fmt: skip
    held = {one.incident.service: one.incident for one in standing.open}
    rows = sorted(declared.items(), key=lambda kv: (WORST.index(states[kv[0]]), kv[1].tier, kv[0]))
    return {
        "picture": draw.lanes(nodes, order=LANES, label=f"{len(nodes)} services and what they need"),
        "rows": [(name, one, states[name], held.get(name)) for name, one in rows],
    }  # fmt: skip


def _lane(kind: str, tier: int) -> str:
    return LANES[3] if kind == "external" else f"Tier {tier}"


def one(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """A service: what it is, who owns it, what needs it, what is wrong, what changed."""
    name = reader.query.get("service", "")
    declared = reader.view.estate.services
    found = declared.get(name)
    if found is None and duty_team(reader.view.estate, name) is not None:
        kind, _, which = name.partition(":")
        raise NotFound(f"{which} is a {kind}, no service: look under Checklists or Shift.")
    if found is None:
        near = hint(name[:60], declared)
        raise NotFound(f"The estate declares no service {name[:60]!r}{near}.")
    states = stand(reader, tx).services
    opened = alerts.find(tx, Wanted(services=(name,), hidden=reader.hidden), before=None, limit=20)
    past = [
        row for row in incidents.page(
            tx, open_only=False, before=None, limit=300, hidden=reader.hidden
        )
        if row.service == name
    ][:5]  # fmt: skip
    told = changes.recent(
        tx, services=(name,), since=reader.now - CHANGES_WITHIN, until=reader.now, limit=5
    )
    return {
        "health": healths(reader, tx)[name],
        "stood": _stood(reader, tx, name),
        "title": reader.service(name), "where": name, "name": name, "it": found,
        "state": states[name], "states": states,
        "users": sorted(other for other, o in declared.items() if name in o.depends),
        "rows": [alert_row(reader, tx, alert) for alert in opened], "past": past, "changes": told,
        "policy": reader.view.policy_of(name), "shadow": reader.view.is_shadow(name),
        "team": reader.view.estate.teams.get(found.owner or ""),
    }  # fmt: skip


def _stood(reader: Reader, tx: Tx, name: str) -> Mapping[str, Any]:
    """The last thirty days as a band, and in words."""
    past = handover.health.availability(
        tx, name, start=reader.now - STOOD_FOR, end=reader.now
    )  # fmt: skip
    down = [(one.start, one.end, f"{one.name} {one.title}") for one in past.down]
    share = f"{100 * past.share:.2f}".rstrip("0").rstrip(".")
    said = f"{share} % of the last {STOOD_FOR.days} days without an incident that stopped it"
    picture = draw.uptime(down, past.muted, start=past.start, end=past.end, label=said)
    names = [one.name for one in sheet_of(reader.view).choose(service=name)]
    seen = days(reader, tx, names) if reader.may("checks.read") and names else None
    return {
        "said": said, "picture": picture, "down": past.down, "lost": past.lost, "checks": seen,
        "signals": [
            (one, look_of(one)) for one in standings(reader, tx) if one.service == name
        ],
    }  # fmt: skip


PARTS = (
    Part(
        "services/chart",
        "alerts.read",
        ("alerts", "incidents", "estate"),
        chart,
        "The map of services",
    ),
)
SHOWINGS = (
    Showing("/services", "alerts.read", everything, "services.html", here="services"),
    Showing("/services/{service}", "alerts.read", one, "service.html", here="services"),
)
