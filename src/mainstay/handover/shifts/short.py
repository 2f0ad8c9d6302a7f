"""A shift with too few people: the lead hears of it once, before it begins or as soon as it is so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mainstay.estate import View, handover_duty
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.record import Fact
from mainstay.handover.alarms import Alarm
from mainstay.handover.said import when
from mainstay.handover.shifts.staffing import Staffing, staffing
from mainstay.handover.shifts.times import Stretch, stretches

DUE = "handover.staffing"
"""Whether a team's shifts have enough people is to be looked at; the key is the team."""
AHEAD = timedelta(hours=1)
"""So long before a shift begins it is looked at: somebody can still be asked."""
EVERY = timedelta(minutes=10)
"""How soon it is noticed that somebody has fallen ill, or was found."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found. `told`: shifts that the lead has heard of; it goes into the next look."""

    facts: list[Fact]
    alarms: list[Alarm]
    told: dict[str, int]
    next_at: datetime | None
    """None: the team has no shifts."""


def look(tx: Tx, view: View, team: str, *, told: Mapping[str, int], now: datetime) -> Looked:
    """Tell of each shift that is on or about to begin and is short; and once it is short no longer."""
    declared = view.estate.teams.get(team)
    if declared is None or not declared.shifts:
        return Looked([], [], {}, None)
    facts: list[Fact] = []
    alarms: list[Alarm] = []
    known: dict[str, int] = {}
    for stretch in stretches(view, team, now, now + AHEAD):
        found, key = staffing(tx, view, stretch), _key(stretch)
        if found.missing:
            known[key] = to_us(stretch.ends_at)
            if key not in told:
                _tell(view, found, key, facts, alarms)
        elif key in told:
            words = f"{team} {stretch.shift} has enough people: {found.sentence}"
            alarms.append(Alarm(handover_duty(team), key, words, over=True))
            facts.append(Fact("shift.staffed", team, words, facts={"shift": stretch.shift}))
    alarms += [
        Alarm(handover_duty(team), key, f"the shift {key} is over", over=True)
        for key, ends_us in told.items() if ends_us <= to_us(now)
    ]  # fmt: skip
    return Looked(facts, alarms, known, now + EVERY)


def _tell(
    view: View, found: Staffing, key: str, facts: list[Fact], alarms: list[Alarm]
) -> None:  # fmt: skip
    stretch = found.stretch
    begins = when(stretch.starts_at, view.estate.org.timezone)
    words = (
        f"The shift {stretch.team} {stretch.shift} of {begins} is short by {found.missing}: "
        f"{found.sentence}."
    )
    more = {"shift": stretch.shift, "wanted": found.wanted, "missing": found.missing}
    facts.append(Fact("shift.short", stretch.team, words, facts=more))
    alarms.append(Alarm(handover_duty(stretch.team), key, words))


def _key(stretch: Stretch) -> str:
    return f"{stretch.shift} {stretch.starts_at:%Y-%m-%dT%H:%MZ}"
