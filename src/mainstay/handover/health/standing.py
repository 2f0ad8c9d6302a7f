"""The health of a service: from its alerts, its checks, its incidents, and what it needs.

Green is earned: a service is healthy when something has looked at it and found it well. What nobody
looks at is not seen, whatever nobody says about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mainstay import alerts, checks, incidents
from mainstay.alerts import Wanted
from mainstay.checks import Standing, State
from mainstay.estate import View
from mainstay.foundation.clock import from_us
from mainstay.foundation.db import Tx
from mainstay.handover.checklists import sheet_of
from mainstay.handover.said import when
from mainstay.incidents import Incident

HealthState = Literal["healthy", "at risk", "failing", "not seen", "muted"]
_BAD = frozenset({"critical", "error"})
_ORDER = (State.FAIL, State.NOT_SEEN, State.WARN, State.WAITING, State.OK)


@dataclass(frozen=True, slots=True)
class Health:
    """How a service stands, and why, in a sentence."""

    service: str
    state: HealthState
    sentence: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of one service by itself."""

    loud: frozenset[str]
    silenced: int
    checks: tuple[Standing, ...]
    incident: Incident | None


def healths(tx: Tx, view: View, *, now: datetime) -> dict[str, Health]:
    """Every declared service, by id. Trouble goes up: what needs a failing service is at risk."""
    seen = _look(tx, view, now)
    found = {name: _own(tx, view, name, one) for name, one in seen.items()}
    for name, health in list(found.items()):
        if health.state != "failing":
            continue
        for user in view.users(name):
            if found[user].state in ("healthy", "not seen"):
                found[user] = Health(user, "at risk", f"{name}, which it needs, is failing.")
    return found


def _look(tx: Tx, view: View, now: datetime) -> dict[str, _Seen]:
    """One question of each kind for all services together."""
    loud: dict[str, set[str]] = {}
    silenced: dict[str, int] = {}
    for one in alerts.counts_open(tx):
        if one.silenced:
            silenced[one.service] = silenced.get(one.service, 0) + one.n
        else:
            loud.setdefault(one.service, set()).add(one.severity)
    standings: dict[str, list[Standing]] = {}
    for standing in checks.states(tx, sheet_of(view), now=now):
        standings.setdefault(standing.service, []).append(standing)
    opened = {one.service: one for one in incidents.every_open(tx)}
    return {
        name: _Seen(
            frozenset(loud.get(name, ())), silenced.get(name, 0),
            tuple(sorted(standings.get(name, ()), key=lambda one: _ORDER.index(one.state))),
            opened.get(name),
        )
        for name in view.estate.services
    }  # fmt: skip


def _own(tx: Tx, view: View, name: str, seen: _Seen) -> Health:
    """The worst that is known of it, the firmest first."""
    loud_checks = [one for one in seen.checks if one.muted is None]
    worst = loud_checks[0] if loud_checks else None
    if worst is not None and worst.state is State.FAIL:
        return Health(name, "failing", f"{worst.name} fails: {worst.sentence}.")
    if seen.loud & _BAD:
        return Health(name, "failing", _alert_said(tx, name))
    if seen.loud:
        return Health(name, "at risk", _alert_said(tx, name))
    if worst is not None and worst.state is State.WARN:
        return Health(name, "at risk", f"{worst.name} warns: {worst.sentence}.")
    if worst is not None and worst.state is State.NOT_SEEN:
        return Health(name, "not seen", f"{worst.name}: {worst.sentence}.")
    if seen.silenced:
        return Health(name, "muted", _silence_said(tx, view, name))
    if seen.incident is not None:
        return Health(name, "at risk", f"{seen.incident.name} is open: {seen.incident.title}.")
    if seen.checks and not loud_checks:
        return Health(name, "muted", f"{seen.checks[0].name} is muted: {seen.checks[0].muted}.")
    well = [one for one in loud_checks if one.state is State.OK]
    if not well:
        words = (
            "Its checks have not been looked at yet." if seen.checks else "No check looks at it."
        )
        return Health(name, "not seen", words)
    one = f"{well[0].name} is as it should be"
    words = one if len(well) == 1 else f"All {len(well)} checks are as they should be"
    return Health(name, "healthy", f"{words}, and no alert is open.")


def _alert_said(tx: Tx, name: str) -> str:
    """The worst open alert, in its own words."""
    found = alerts.find(tx, Wanted(services=(name,), silenced=False), before=None, limit=50)
    worst = min(found, key=lambda one: alerts.rank(one.severity), default=None)
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{worst.summary}{more}." if worst is not None else "An alert is open."


def _silence_said(tx: Tx, view: View, name: str) -> str:
    """Until when it is muted, by whom, and why."""
    found = alerts.find(tx, Wanted(services=(name,), silenced=True), before=None, limit=1)
    silence = alerts.get_silence(tx, found[0].silence or "") if found else None
    if silence is None:
        return "Its alerts are silenced."
    until = when(from_us(silence.ends_at), view.estate.org.timezone)
    return f"Silenced until {until} by {silence.author}: {silence.reason}."
