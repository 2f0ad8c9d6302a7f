"""Today: the verdict, then the evidence. One look for each part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mainstay import acts, alerts, changes, handover, incidents, oncall, paging, people
from mainstay.console import draw, words
from mainstay.console.desk.asking import DOES
from mainstay.console.desk.duty import checklists, handovers
from mainstay.console.desk.now.standing import Standing, alert_state, duties, stand
from mainstay.console.desk.now.verdict import verdict
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import SELF, Part, Showing
from mainstay.foundation import record
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.incidents import Incident

INCIDENTS_SHOWN = 10
ALERTS_SHOWN = 6
DAY = timedelta(hours=24)
SLOTS = 24
CHANGES_SHOWN = 6
SERVICES_SHOWN = 80
"""With more than this, healthy ones fold to a count on the desk too."""
LANES = ("Tier 1", "Tier 2", "Tier 3", "Third party")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the strip below the verdict: a state, what it is about, and the fact."""

    state: str
    name: str
    fact: str
    href: str


def today(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The screen; its parts read what they show."""
    return {"title": "Today", "where": "Today"}


def head(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The verdict, and the strip of what it rests on."""
    standing = stand(reader, tx)
    found = verdict(standing, reader)
    return {
        "verdict": found, "greeting": greeting(reader), "cells": cells(standing, reader),
        "about": found.about.incident if found.about else None,
    }  # fmt: skip


def greeting(reader: Reader) -> str:
    """`Tuesday 24 November, a business day`: by the first calendar that is declared."""
    here = reader.now.astimezone(reader.site)
    text = f"{here:%A} {here.day} {here:%B}"
    calendars = reader.view.estate.calendars
    plain = [name for name, one in calendars.items() if getattr(one, "rule", None) is None]
    if not plain:
        return text
    starts = reader.view.estate.org.business_day_starts
    day = here.date() if here.time() >= starts else here.date() - timedelta(days=1)
    is_one = reader.view.is_business_day(plain[0], day)
    if day != here.date():
        return f"{text}; the business day of {day:%A} ends at {starts:%H:%M}"
    if not is_one:
        return f"{text}, no business day"
    special = [
        name for name, one in calendars.items()
        if getattr(one, "rule", None) is not None and reader.view.is_business_day(name, day)
    ]  # fmt: skip
    also = f" and {words.listed(special)}" if special else ""
    return f"{text}, a business day{also}"


def cells(standing: Standing, reader: Reader) -> list[Cell]:
    """What the verdict rests on; healthy only where something was seen that says so."""
    return [
        _incidents_cell(standing), _alerts_cell(standing), _services_cell(standing),
        _paging_cell(standing, reader), _oncall_cell(standing, reader), _silences_cell(standing, reader),
        _signals_cell(standing),
    ]  # fmt: skip


def _incidents_cell(standing: Standing) -> Cell:
    if not standing.open:
        return Cell("ok", "Incidents", "none open", "/incidents")
    alone = [one for one in standing.open if not one.is_held]
    n, urgent = len(standing.open), any(one.is_urgent for one in alone or standing.open)
    if alone:
        state = "crit" if urgent else "warn"
        return Cell(state, "Incidents", f"{len(alone)} of {n} with nobody yet", "/incidents")
    return Cell("warn" if urgent else "run", "Incidents", f"{n} open, all taken", "/incidents")


def _alerts_cell(standing: Standing) -> Cell:
    loud = standing.alerts_n - standing.alerts_silenced_n
    if not loud:
        silenced = standing.alerts_silenced_n
        words_ = f"none firing, {silenced} silenced" if silenced else "none open"
        return Cell("mute" if silenced else "ok", "Alerts", words_, "/alerts")
    if not standing.alerts_unheld_n:
        return Cell("warn", "Alerts", f"{loud:,} firing, all taken", "/alerts")
    urgent = any(one.is_urgent and not one.is_held for one in standing.open)
    fact = f"{loud:,} firing, {standing.alerts_unheld_n:,} with nobody"
    return Cell("crit" if urgent else "warn", "Alerts", fact, "/alerts")


def _services_cell(standing: Standing) -> Cell:
    states = list(standing.services.values())
    failing, strained = states.count("crit"), states.count("warn")
    if failing:
        more = f", {strained} strained" if strained else ""
        return Cell("crit", "Services", f"{failing} of {len(states)} failing{more}", "/services")
    if strained:
        return Cell("warn", "Services", f"{strained} of {len(states)} strained", "/services")
    return Cell("ok", "Services", f"{len(states)} without an alert", "/services")


def _paging_cell(standing: Standing, reader: Reader) -> Cell:
    if standing.down:
        one = standing.down[0]
        return Cell(
            "crit", "Paging", f"{one.kind} fails since {reader.times.short(one.since)}", "/system"
        )
    if standing.proven_at is None or reader.now - standing.proven_at > DAY:
        return Cell("unknown", "Paging", "no page answered in 24 h", "/settings")
    return Cell("ok", "Paging", f"answered {reader.times.short(standing.proven_at)}", "/system")


def _oncall_cell(standing: Standing, reader: Reader) -> Cell:
    wanted = [one for one in standing.duties if not (one.person is None and one.gap_meant)]
    gaps = [one for one in wanted if one.person is None]
    if gaps:
        return Cell("crit", "On call", f"gap in {gaps[0].schedule}", "/oncall")
    if not wanted:
        return Cell("unknown", "On call", "no schedule declared", "/oncall")
    return Cell("ok", "On call", f"{len(wanted)} of {len(wanted)} staffed", "/oncall")


def _silences_cell(standing: Standing, reader: Reader) -> Cell:
    if not standing.silences_n or standing.silence_ends is None:
        return Cell("ok", "Silences", "none in force", "/silences")
    until = reader.times.short(standing.silence_ends)
    return Cell("mute", "Silences", f"{standing.silences_n}, next ends {until}", "/silences")


def _signals_cell(standing: Standing) -> Cell:
    if standing.quarantined:
        return Cell("warn", "Signals", f"{standing.quarantined} in quarantine", "/system")
    if standing.backlog:
        return Cell("run", "Signals", f"{standing.backlog:,} waiting", "/system")
    return Cell("ok", "Signals", "all settled", "/system")


# -- the left column -------------------------------------------------------------------------------


def open_incidents(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """Open incidents, nobody's first."""
    standing = stand(reader, tx)
    return {
        "rows": standing.open[:INCIDENTS_SHOWN], "n": len(standing.open),
        "last": standing.last_closed,
    }  # fmt: skip


def last_day(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The incidents of the last 24 hours, drawn: when each began, was paged for, taken, ended."""
    start = reader.now - DAY
    rows = [
        one for one in incidents.page(
            tx, open_only=False, before=None, limit=100, hidden=reader.hidden
        )
        if one.resolved_at is None or from_us(one.resolved_at) > start
    ]  # fmt: skip
    rows.sort(key=lambda one: (one.priority, one.opened_at))
    shown = sorted(rows[: draw.ROWS_MAX], key=lambda one: one.opened_at)
    picture = draw.day(
        [_bar(tx, one) for one in shown], start=start, now=reader.now, zone=reader.zone,
        label=f"{words.counted(len(rows), 'incident')} in the last 24 hours",
    )  # fmt: skip
    return {"rows": shown, "n": len(rows), "picture": picture, "tone": _tone}


def _tone(one: Incident) -> str:
    return "crit" if one.priority == "P1" else "warn" if one.priority == "P2" else "run"


def _bar(tx: Tx, one: Incident) -> draw.Bar:
    ticks = [
        draw.Tick(from_us(send.sent_at), "page")
        for send in paging.sends_of_incident(tx, one.id, limit=50) if send.sent_at is not None
    ]  # fmt: skip
    acked = record.last_of_incident(tx, one.id, ("incident.acknowledged",))
    if acked is not None:
        ticks.append(draw.Tick(from_us(acked["at"]), "ack"))
    end = None if one.resolved_at is None else from_us(one.resolved_at)
    state = ("" if end else _tone(one)) or "past"
    return draw.Bar(from_us(one.opened_at), end, state, tuple(ticks))


def open_alerts(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The newest open alerts, with who has each, and how they came over the last hours."""
    rows = alerts.page_open(tx, service=None, before=None, limit=60, hidden=reader.hidden)
    rows.sort(key=lambda one: (one.silence is not None, alerts.rank(one.severity), -one.opened_at))
    counts = alerts.counts_open(tx, hidden=reader.hidden)
    slot = timedelta(minutes=15)
    since = reader.now - slot * SLOTS
    slots = alerts.opened_by_slot(
        tx,
        since_us=to_us(since),
        slot_us=slot.seconds * 1_000_000,
        slots=SLOTS,
        hidden=reader.hidden,
    )
    return {
        "rows": [alert_row(reader, tx, one) for one in rows[:ALERTS_SHOWN]],
        "n": sum(one.n for one in counts),
        "repeats": sum(one.repeats + one.n for one in counts),
        "slots": slots, "opened": sum(slots),
    }  # fmt: skip


def alert_row(reader: Reader, tx: Tx, one: alerts.Alert) -> dict[str, Any]:
    """An alert as every list shows it: its state, and in whose hands it is."""
    incident = incidents.get(tx, one.incident) if one.incident else None
    state, hands, tone = alert_state(one), "no incident", "warn"
    if one.silence is not None:
        silence = alerts.get_silence(tx, one.silence)
        until = f" until {reader.times.short(from_us(silence.ends_at))}" if silence else ""
        hands, tone = f"silenced{until}", "mute"
    elif incident is not None and incident.acknowledged(to_us(reader.now)):
        hands, tone = f"{reader.name(incident.acked_by)} has {incident.name}", ""
    elif incident is not None and incident.is_open:
        hands, tone = f"{incident.name}, nobody yet", "crit"
    elif incident is not None:
        hands, tone = f"{incident.name}, {incident.state}", ""
    return {"alert": one, "state": state, "incident": incident, "hands": hands, "tone": tone,
            "since": from_us(one.opened_at)}  # fmt: skip


def services(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """Every service as a chip in the lane of its tier."""
    states = stand(reader, tx).services
    lanes: dict[str, list[tuple[str, str]]] = {lane: [] for lane in LANES}
    for name, one in reader.view.estate.services.items():
        lane = LANES[3] if one.type == "external" else f"Tier {one.tier}"
        lanes[lane].append((name, states[name]))
    found = list(states.values())
    folds = len(found) > SERVICES_SHOWN
    return {
        "folds": folds,
        "lanes": {lane: row for lane, row in lanes.items() if row}, "n": len(found),
        "failing": found.count("crit"), "strained": found.count("warn"),
    }  # fmt: skip


# -- the right column ------------------------------------------------------------------------------


def yours(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """What waits for the reader: incidents that page them or that they hold, their own shift."""
    me, lines = reader.actor.id, []
    for one in stand(reader, tx).open:
        row = one.incident
        sends = paging.sends_of_incident(tx, row.id, limit=200)
        if not one.is_held and any(send.person == me and send.sent_at for send in sends):
            lines.append(("crit", row, "pages you; nobody has it yet", "ack"))
        elif one.is_held and row.acked_by == me:
            until = (
                f"yours until {reader.times.short(one.held_until)}" if one.held_until else "yours"
            )
            lines.append(("run", row, until, ""))
        elif row.assignee == me and not one.is_held:
            lines.append(("warn", row, "was handed to you; acknowledge it", "ack"))
    mine = [one for one in duties(reader, tx) if one.person == me]
    signs = [one for one in checklists.signs(reader, tx) if one.mine and one.run.is_open]
    todo = [
        one for team in handovers.teams(reader) for one in handover.passing.open_of(tx, team)
        if one.owner == me
    ]  # fmt: skip
    addresses = people.addresses(tx, me)
    return {
        "lines": lines, "signs": signs, "todo": todo, "handovers": handovers.waiting(reader, tx),
        "asked": acts.asked(tx, reader.actor, now=reader.now), "does": DOES, "mine": mine,
        "next": next_shift(reader, tx, me), "reachable": bool(addresses),
        "known": me in reader.view.estate.people,
    }  # fmt: skip


def next_shift(reader: Reader, tx: Tx, person: str, *, days: int = 28) -> oncall.Duty | None:
    """The person's next shift that has not begun, of any schedule."""
    view, found = reader.view, []
    taken = {
        one.schedule for one in oncall.overrides.coming(tx, now=reader.now) if one.person == person
    }
    for name, schedule in view.estate.schedules.items():
        if name not in taken and not any(
            turn.person == person for layer in schedule.layers for turn in layer.order
        ):
            continue
        stretch = oncall.shifts(
            tx, view.estate, schedule=name, start=reader.now,
            end=oncall.days_from(reader.now, days), is_business_day=view.is_business_day, whole=True,
        )  # fmt: skip
        found += [
            one for one in stretch
            if isinstance(one, oncall.Duty) and one.person == person and one.since and one.since > reader.now
        ]  # fmt: skip
    return min(found, key=lambda one: one.since or reader.now, default=None)


def on_call(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """Who is on call now, schedule by schedule."""
    return {"duties": duties(reader, tx)}


def due_today(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """What has a time today: cut-offs of services, ends of silences, handovers of shifts."""
    lines: list[tuple[datetime, str, str, str]] = []
    here = reader.now.astimezone(reader.site)
    for name, one in reader.view.estate.services.items():
        if one.cutoff is not None:
            at = here.replace(
                hour=one.cutoff.hour, minute=one.cutoff.minute, second=0, microsecond=0
            )
            lines.append(
                (at, f"{reader.service(name)} takes nothing more", "cut-off", f"/services/{name}")
            )
    for silence in alerts.silences(tx, ended_since_us=to_us(reader.now)):
        at = from_us(silence.ends_at)
        if silence.ended_at is None and at - reader.now < DAY:
            lines.append(
                (
                    at,
                    f"silence of {reader.name(silence.author)} ends: {silence.reason}",
                    "silence",
                    "/silences",
                )
            )
    for duty in duties(reader, tx):
        if duty.until is not None and duty.until - reader.now < DAY and duty.person:
            lines.append(
                (
                    duty.until,
                    f"{duty.schedule}: shift of {reader.name(duty.person)} ends",
                    "handover",
                    "/oncall",
                )
            )
    lines.sort(key=lambda one: one[0])
    return {"lines": lines}


def changes_today(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """What was changed in the last 24 hours, as senders told."""
    found = changes.recent(
        tx, services=None, since=reader.now - DAY, until=reader.now, limit=CHANGES_SHOWN
    )
    return {"changes": found}


def proof(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The last page that got through and was answered: that pages arrive is shown, not believed."""
    standing = stand(reader, tx)
    incident = incidents.get(tx, standing.proven.incident) if standing.proven else None
    return {
        "send": standing.proven,
        "at": standing.proven_at,
        "incident": incident,
        "down": standing.down,
    }


PARTS = (
    Part(
        "today/head",
        "incidents.read",
        ("incidents", "alerts", "pages", "oncall", "silences"),
        head,
        "The verdict",
    ),
    Part("today/incidents", "incidents.read", ("incidents",), open_incidents, "Open incidents"),
    Part("today/day", "incidents.read", ("incidents", "pages"), last_day, "The last 24 hours"),
    Part("today/alerts", "alerts.read", ("alerts", "incidents"), open_alerts, "Alerts"),
    Part("today/services", "alerts.read", ("alerts", "estate"), services, "Services"),
    Part(
        "today/yours", "incidents.read", ("incidents", "oncall", "yours", "shift"), yours, "Yours"
    ),
    Part("today/oncall", "oncall.read", ("oncall", "estate"), on_call, "On call"),
    Part("today/due", "alerts.read", ("silences", "oncall"), due_today, "Due today"),
    Part("today/changes", "alerts.read", ("changes",), changes_today, "Changes"),
    Part("today/proof", "paging.read", ("pages", "incidents"), proof, "Paging"),
)
SHOWINGS = (
    Showing("/", SELF, today, "today.html", here="today"),
    Showing("/wall", "incidents.read", today, "wall.html", here="today"),
)
