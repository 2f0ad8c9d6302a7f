"""Alerts: grouped by the incident that holds them, or as a filtered list; and the way of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mainstay import acts, alerts, incidents, trace
from mainstay.acts import commands
from mainstay.alerts import Alert, Matcher, Wanted
from mainstay.console import words
from mainstay.console.desk.now.incidents import cursor
from mainstay.console.desk.now.standing import Open, stand
from mainstay.console.desk.now.today import alert_row
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Form, Part, Showing, Went
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid, NotFound

IN_GROUP = 5
AT_ONCE = 100
GROUPS_MAX = 30
LASTS = {"1h": "1 hour", "4h": "4 hours", "8h": "8 hours", "24h": "24 hours", "72h": "3 days"}
"""How long a silence of ticked alerts lasts."""
FILTERS = ("q", "team", "severity", "source", "incident", "state")
TICKED_MAX = 200


@dataclass(frozen=True, slots=True)
class Group:
    """An incident and the first of its alerts; `incident` None: alerts that are in none."""

    incident: Open | None
    state: str
    rows: list[dict[str, Any]]
    n: int


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of an alert's way, as people read it."""

    at: datetime
    glyph: str
    word: str
    text: str


def everything(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The screen: what is asked, and how much of it there is."""
    standing = stand(reader, tx)
    signals_n = sum(one.n + one.repeats for one in alerts.counts_open(tx, hidden=reader.hidden))
    head = f"{words.counted(standing.alerts_n, 'open', 'open')} from {words.counted(signals_n, 'signal')}"
    silenced = f"; {standing.alerts_silenced_n:,} silenced" if standing.alerts_silenced_n else ""
    unowned = f"; {standing.alerts_unheld_n:,} that nobody has" if standing.alerts_unheld_n else ""
    estate = reader.view.estate
    return {
        "title": "Alerts", "where": "Alerts",
        "sentence": f"{head}{unowned}{silenced}." if standing.alerts_n else "No alert is open.",
        "teams": list(estate.teams), "sources": list(estate.sources), "severities": alerts.SEVERITIES,
        "asked": {name: reader.query.get(name, "") for name in FILTERS}, "lasts": LASTS,
        "is_list": is_list(reader),
    }  # fmt: skip


def is_list(reader: Reader) -> bool:
    """Whether anything was asked for: then a flat list, else groups."""
    return any(reader.query.get(name) for name in (*FILTERS, "before"))


def listed(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """Groups, or the rows that were asked for."""
    if not is_list(reader):
        return {"groups": _groups(reader, tx), "rows": None}
    wanted = _wanted(reader, tx)
    found = alerts.find(tx, wanted, before=cursor(reader.query.get("before", "")), limit=AT_ONCE)
    more = f"{found[-1].opened_at}.{found[-1].id}" if len(found) == AT_ONCE else ""
    n = alerts.count(tx, wanted)
    wider = (
        alerts.count(tx, Wanted(open_only=False, text=wanted.text, hidden=reader.hidden))
        if not found
        else 0
    )
    asked = {name: reader.query[name] for name in FILTERS if reader.query.get(name)}
    rows = [alert_row(reader, tx, one) for one in found]
    return {"groups": None, "rows": rows, "n": n, "more": more, "asked": asked, "wider": wider}


def _wanted(reader: Reader, tx: Tx) -> Wanted:
    asked = reader.query.get
    team = asked("team", "")
    services = None
    if team:
        known = reader.view.estate.services
        services = tuple(name for name, one in known.items() if one.owner == team)
    incident = None
    if asked("incident"):
        found = incidents.by_name(tx, asked("incident", ""))
        incident = found.id if found is not None else "none"
    state = asked("state", "")
    return Wanted(
        open_only=state != "all", text=asked("q") or None, services=services,
        severity=asked("severity") or None, source=asked("source") or None, incident=incident,
        silenced={"silenced": True, "firing": False}.get(state), hidden=reader.hidden,
    )  # fmt: skip


def _groups(reader: Reader, tx: Tx) -> list[Group]:
    groups = []
    for one in stand(reader, tx).open[:GROUPS_MAX]:
        found = alerts.open_of_incident(tx, one.incident.id, limit=IN_GROUP)
        rows = [alert_row(reader, tx, alert) for alert in found]
        groups.append(Group(one, one.state, rows, one.alerts_n))
    alone = [
        one for one in alerts.find(tx, Wanted(silenced=True, hidden=reader.hidden), before=None, limit=AT_ONCE)
        if one.incident is None
    ]  # fmt: skip
    if alone:
        rows = [alert_row(reader, tx, one) for one in alone[:IN_GROUP]]
        groups.append(Group(None, "mute", rows, len(alone)))
    return groups


# -- one alert -------------------------------------------------------------------------------------


def one(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The alert, and its whole way: why it did, or did not, reach somebody."""
    alert = alerts.get(tx, reader.query.get("id", ""))
    if alert is None:
        raise NotFound("There is no such alert; /alerts?state=all lists what is kept.")
    reader.check_services([alert.service])
    told = trace.trace(tx, reader.app.ground, alert.id)
    return {
        "title": alert.summary, "where": "Alert", "alert": alert, "answer": reader.named(told.answer),
        "hops": [_hop(reader, line) for line in told.lines], "row": alert_row(reader, tx, alert),
        "matchers": _matchers_of(alert),
    }  # fmt: skip


_HOPS = {
    "signal.received": ("wait", "Received"),
    "alert.repeated": ("wait", "Repeated"),
    "alert.opened": ("crit", "Opened"),
    "alert.silenced": ("mute", "Silenced"),
    "alert.heard": ("warn", "Heard again"),
    "alert.resolved": ("ok", "Resolved"),
    "alert.expired": ("unknown", "Not seen"),
    "alert.closed": ("ok", "Closed"),
    "incident.opened": ("crit", "Grouped"),
    "incident.joined": ("crit", "Grouped"),
    "incident.acknowledged": ("person", "Acknowledged"),
    "incident.resolved": ("ok", "Resolved"),
    "paging.started": ("page", "Escalated"),
    "paging.step": ("page", "Decided"),
    "paging.stopped": ("ok", "Paging ended"),
    "page.sent": ("page", "Paged"),
    "page.retry": ("warn", "Tried again"),
    "page.failed": ("crit", "Not delivered"),
    "page.next_channel": ("warn", "Next way"),
    "page.cancelled": ("wait", "Not needed"),
}


def _hop(reader: Reader, line: trace.Line) -> Hop:
    kind = line.kind.partition(".")[2].replace("_", " ")
    glyph, word = _HOPS.get(line.kind, ("wait", kind.capitalize()))
    return Hop(line.at, glyph, word, reader.named(line.sentence))


def _matchers_of(alert: Alert) -> str:
    """What a silence of just this alert would match."""
    name = alert.labels.get("alertname")
    texts = [
        f'service="{alert.service}"',
        f'alertname="{name}"' if name else f'severity="{alert.severity}"',
    ]
    return "\n".join(texts)


# -- many at once ----------------------------------------------------------------------------------


def bulk(reader: Reader) -> Went:
    """Acknowledge or silence everything that was ticked."""
    ticked = reader.fields.get("id", ())[:TICKED_MAX]
    if not ticked:
        raise Invalid("Tick the alerts first.", pointer="/id")
    found = reader.call.read(lambda tx: [row for name in ticked if (row := alerts.get(tx, name))])
    back = "/alerts"
    if reader.text("do") == "silence":
        return Went(back, _silence(reader, found))
    names = list(dict.fromkeys(one.incident for one in found if one.incident))
    if not names:
        raise Invalid("None of these is in an incident; there is nothing to acknowledge.")
    said = [reader.act(commands.Acknowledge(name)).sentence for name in names]
    return Went(back, said[0] if len(said) == 1 else f"{len(said)} incidents are acknowledged.")


def _silence(reader: Reader, found: list[Alert]) -> str:
    """One silence for each alert: by all of its labels, so that it mutes nothing else."""
    lasts = reader.text("lasts")
    if lasts not in LASTS:
        raise Invalid("Say until when.", pointer="/lasts")
    ends_at = reader.now + timedelta(hours=int(lasts[:-1]))
    for alert in found:
        matchers = tuple(
            Matcher(name, "=", value)
            for name, value in sorted(alerts.matched_labels(alert).items())
        )
        reader.act(commands.AddSilence(matchers, reader.now, ends_at, reader.text("reason")))
    until = reader.times.short(ends_at)
    return f"{words.counted(len(found), 'alert')} silenced until {until}."


PARTS = (
    Part(
        "alerts/list",
        "alerts.read",
        ("alerts", "incidents", "silences"),
        listed,
        "Alerts",
        (*FILTERS, "before"),
    ),
)
_LIST = Showing("/alerts", "alerts.read", everything, "alerts.html", here="alerts")
SHOWINGS = (_LIST, Showing("/alerts/{id}", "alerts.read", one, "alert.html", here="alerts"))
FORMS = (Form("/alerts", acts.PERMISSION[commands.Acknowledge], bulk, back=_LIST),)
