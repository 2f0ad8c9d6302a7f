"""What a handover says, drafted from what is: open incidents, silences, what flaps, what is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from mainstay import alerts, changes, checks, incidents, oncall
from mainstay.estate import View
from mainstay.foundation import record
from mainstay.foundation.clock import from_us, text_of_us, to_text, to_us
from mainstay.foundation.db import Tx
from mainstay.handover import checklists, days, shifts
from mainstay.handover.ours import is_ours
from mainstay.handover.passing import followups
from mainstay.handover.passing.store import Handover

FLAPS = 3
"""An alert that opened so often within a shift flaps."""
LOOKED_AT = 2_000
SHOWN = 50
"""Lines in one section."""
AHEAD = timedelta(hours=12)
"""How far ahead `due` looks where no next shift is declared."""


def draft(tx: Tx, view: View, one: Handover, *, now: datetime) -> dict[str, Any]:
    """Every section, ready for JSON; a section without a line is empty."""
    return {
        "team": one.team, "shift": one.shift, "starts_at": to_text(one.starts_at),
        "ends_at": to_text(one.ends_at), "next_shift": one.next_shift,
        "staffing": _staffing(tx, view, one),
        "incidents": _incidents(tx, view, one.team),
        "silences": _silences(tx, view, one.team, now),
        "flapping": _flapping(tx, view, one, now),
        "changes": _changes(tx, view, one, now),
        "due": _due(tx, view, one, now),
        "waivers": _waivers(tx, view, one.team, now),
        "followups": [
            {"id": each.id, "text": each.text, "owner": each.owner, "at": to_text(each.at)}
            for each in followups.open_of(tx, one.team)
        ],
    }  # fmt: skip


def sentence(found: Mapping[str, Any]) -> str:
    """What the next shift takes over, in one sentence."""
    counts = (
        ("incidents", "open incident"), ("silences", "silence"), ("flapping", "flapping alert"),
        ("waivers", "waiver"), ("followups", "follow-up"),
    )  # fmt: skip
    said = [
        f"{n} {noun}{'' if n == 1 else 's'}" for name, noun in counts if (n := len(found[name]))
    ]
    alone = [one["name"] for one in found["incidents"] if one["owner"] is None]
    if not said:
        return "Nothing is open: no incident, no silence, nothing to follow up."
    words = f"To take over: {', '.join(said)}."
    return f"{words} Nobody has {', '.join(alone[:5])}." if alone else words


def _staffing(tx: Tx, view: View, one: Handover) -> dict[str, Any] | None:
    """Who takes over, and whether they are enough."""
    coming = shifts.following(view, one.stretch)
    if coming is None:
        return None
    found = shifts.staffing(tx, view, coming)
    return {
        "shift": coming.shift, "starts_at": to_text(coming.starts_at), "people": list(found.people),
        "lead": found.lead, "wanted": found.wanted, "missing": found.missing,
        "sentence": found.sentence,
    }  # fmt: skip


def _incidents(tx: Tx, view: View, team: str) -> list[dict[str, Any]]:
    found = [one for one in incidents.every_open(tx) if is_ours(view, team, one.service)]
    found.sort(key=lambda one: (one.priority, one.number))
    return [_incident(tx, one) for one in found[:SHOWN]]


def _incident(tx: Tx, one: incidents.Incident) -> dict[str, Any]:
    """With its owner, and the next step as the current picture says it."""
    picture = record.last_of_incident(tx, one.id, ("incident.picture",))
    told = record.facts_of(picture) if picture is not None else {}
    return {
        "id": one.id, "number": one.number, "name": one.name, "title": one.title,
        "service": one.service, "priority": one.priority, "state": str(one.state),
        "owner": one.acked_by or one.assignee, "until": text_of_us(one.acked_until),
        "next_step": told.get("needed") or told.get("doing") or None,
        "since": to_text(from_us(one.opened_at)),
    }  # fmt: skip


def _silences(tx: Tx, view: View, team: str, now: datetime) -> list[dict[str, Any]]:
    found = []
    for one in alerts.silences(tx, ended_since_us=to_us(now)):
        pinned = [m.value for m in one.matchers if m.name == "service" and m.op == "="]
        if one.ended_at is None and all(is_ours(view, team, service) for service in pinned):
            found.append(
                {
                    "id": one.id, "what": ", ".join(str(m) for m in one.matchers),
                    "author": one.author, "reason": one.reason,
                    "starts_at": to_text(from_us(one.starts_at)),
                    "ends_at": to_text(from_us(one.ends_at)),
                }
            )  # fmt: skip
    return found[:SHOWN]


def _flapping(tx: Tx, view: View, one: Handover, now: datetime) -> list[dict[str, Any]]:
    """Checks that the engine says flap, and what else opened again and again within the shift.

    The alert of a check that flaps stays open: how often it opened says nothing of it.
    """
    flapping = [
        {"service": each.service, "summary": each.name,
         "times": sum(a != b for a, b in pairwise(each.recent))}
        for each in checks.states(tx, checklists.sheet_of(view), now=now)
        if each.flapping and is_ours(view, one.team, each.service)
    ]  # fmt: skip
    return [*flapping, *_opened_often(tx, view, one, now)][:SHOWN]


def _opened_often(tx: Tx, view: View, one: Handover, now: datetime) -> list[dict[str, Any]]:
    rows = record.between(
        tx, to_us(one.starts_at), to_us(now), kinds=("alert.opened",), limit=LOOKED_AT
    )
    opened = Counter[tuple[str, str]]()
    for row in rows:
        facts = record.facts_of(row)
        if row["actor"] != "source:checks" and is_ours(view, one.team, facts.get("service")):
            opened[str(facts.get("service")), str(facts.get("summary"))] += 1
    return [
        {"service": service, "summary": summary, "times": times}
        for (service, summary), times in opened.most_common(SHOWN) if times >= FLAPS
    ]  # fmt: skip


def _changes(tx: Tx, view: View, one: Handover, now: datetime) -> list[dict[str, Any]]:
    """What was changed during the shift."""
    found = changes.recent(tx, services=None, since=one.starts_at, until=now, limit=SHOWN)
    return [
        {"service": each.service, "summary": each.summary, "at": to_text(each.at),
         "source": each.source}
        for each in found if is_ours(view, one.team, each.service)
    ]  # fmt: skip


def _due(tx: Tx, view: View, one: Handover, now: datetime) -> list[dict[str, Any]]:
    """What has a time in the next shift: checklists, cut-offs, overrides that begin."""
    coming = shifts.following(view, one.stretch)
    until = coming.ends_at if coming is not None else max(now, one.ends_at) + AHEAD
    lines = [
        (found.due_at, f"{rules.name or name} is due", "checklist")
        for name, rules in view.estate.checklists.items()
        if rules.team == one.team and (found := days.coming(view, rules, now)) is not None
    ]
    for name in view.estate.checklists:
        lines += [
            (run.due_at, f"{name} of {run.day} is not signed yet", "checklist")
            for run in checklists.open_runs(tx, name) if run.team == one.team
        ]  # fmt: skip
    lines += _cutoffs(view, one.team, now)
    for override in oncall.overrides.coming(tx, now=now):
        schedule = view.estate.schedules.get(override.schedule)
        if schedule is not None and schedule.team == one.team:
            words = f"{override.person} takes over {override.schedule}: {override.reason}"
            lines.append((override.starts_at, words, "override"))
    lines.sort()
    return [
        {"at": to_text(at), "what": what, "kind": kind} for at, what, kind in lines if at < until
    ][:SHOWN]


def _cutoffs(view: View, team: str, now: datetime) -> list[tuple[datetime, str, str]]:
    """The next cut-off of each service of the team."""
    zone = days.zone_of(view)
    today = now.astimezone(zone).date()
    found = []
    for name, service in view.estate.services.items():
        if service.cutoff is None or not is_ours(view, team, name):
            continue
        at = (
            oncall.wall_instant(datetime.combine(day, service.cutoff), zone)
            for day in (today, today + days.DAY)
        )
        found.append(
            (next(one for one in at if one > now), f"{service.name or name} takes nothing more",
             "cut-off")
        )  # fmt: skip
    return found


def _waivers(tx: Tx, view: View, team: str, now: datetime) -> Sequence[dict[str, Any]]:
    declared = view.estate.checklists
    return [
        {"id": one.id, "checklist": one.checklist, "item": one.item, "owner": one.owner,
         "reason": one.reason, "ends_at": to_text(one.ends_at)}
        for one in checklists.waivers(tx, checklist=None, at=now)
        if one.checklist in declared and declared[one.checklist].team == team
    ]  # fmt: skip
