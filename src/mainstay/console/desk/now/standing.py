"""How production stands at one instant, read once: what the verdict, the rail and Today are made of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from mainstay import alerts, handover, incidents, oncall, paging, signals
from mainstay.alerts import Alert
from mainstay.console.desk.reader import Reader
from mainstay.foundation import due, record
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.incidents import Incident, State
from mainstay.paging import Send, SendState

INCIDENTS_MAX = 200
SENDS_LOOKED_AT = 300
FAILED_WITHIN = timedelta(minutes=30)
"""A page that failed this long ago, with none since that got through, means that a channel is down."""
PROVEN_WITHIN = timedelta(hours=24)
"""A page that somebody answered longer ago than this no longer proves that pages arrive."""
BACKLOG_SLOW = 1_000


LOOKS = {
    "failing": "crit", "at risk": "warn", "not seen": "unknown", "muted": "mute", "healthy": "ok",
}  # fmt: skip
"""How a state of health is drawn."""


@dataclass(frozen=True, slots=True)
class Open:
    """An open incident with what a row of it shows."""

    incident: Incident
    alerts_n: int
    held_until: datetime | None
    is_held: bool
    next_page_at: datetime | None
    paged: str | None
    """Who was paged last for it."""
    update_due: datetime | None

    @property
    def is_urgent(self) -> bool:
        """P1 or P2."""
        return self.incident.priority in ("P1", "P2")

    @property
    def state(self) -> str:
        """The state that its row is drawn in."""
        if not self.is_held and self.incident.state is not State.ON_HOLD:
            return "crit" if self.is_urgent else "warn"
        return "warn" if self.is_urgent else "run"


@dataclass(frozen=True, slots=True)
class Down:
    """A channel whose pages fail."""

    kind: str
    since: datetime
    pages: int


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is on call for one schedule; a gap where `person` is None."""

    schedule: str
    team: str | None
    person: str | None
    until: datetime | None
    why: str
    gap_meant: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that is looked at once."""

    open: tuple[Open, ...]
    last_closed: Incident | None
    alerts_n: int
    alerts_silenced_n: int
    alerts_unheld_n: int
    severities: Counter[str]
    duties: tuple[Duty, ...]
    down: tuple[Down, ...]
    proven: Send | None
    proven_at: datetime | None
    silences_n: int
    silence_ends: datetime | None
    quarantined: int
    backlog: int
    services: dict[str, str]
    """Service → glyph and hue of its health."""


def stand(reader: Reader, tx: Tx) -> Standing:
    """As it is now; read once for a screen, whose parts share it."""
    return reader.once("standing", lambda: _read(reader, tx))


def _read(reader: Reader, tx: Tx) -> Standing:
    found = incidents.page(
        tx, open_only=True, before=None, limit=INCIDENTS_MAX, hidden=reader.hidden
    )
    opened = tuple(sorted((_open(reader, tx, one) for one in found), key=_urgency))
    counts = alerts.counts_open(tx, hidden=reader.hidden)
    unheld = {one.incident.id for one in opened if not one.is_held}
    sends = paging.latest_sends(tx, limit=SENDS_LOOKED_AT)
    proven, proven_at = _proven(tx, sends)
    silences = [
        one for one in alerts.silences(tx, ended_since_us=to_us(reader.now))
        if one.ended_at is None and one.starts_at <= to_us(reader.now)
    ]  # fmt: skip
    ends = min((one.ends_at for one in silences), default=None)
    return Standing(
        open=opened,
        last_closed=_last_closed(reader, tx),
        alerts_n=sum(one.n for one in counts),
        alerts_silenced_n=sum(one.n for one in counts if one.silenced),
        alerts_unheld_n=sum(alerts.count_open(tx, one) for one in unheld),
        severities=_severities(counts),
        duties=duties(reader, tx),
        down=_down(sends, reader.now),
        proven=proven,
        proven_at=proven_at,
        silences_n=len(silences),
        silence_ends=None if ends is None else from_us(ends),
        quarantined=signals.quarantined_n(tx),
        backlog=signals.waiting_n(tx),
        services={name: LOOKS[one.state] for name, one in healths(reader, tx).items()},
    )


def _severities(counts: list[alerts.Count]) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in counts:
        if not one.silenced:
            found[one.severity] += one.n
    return found


def _open(reader: Reader, tx: Tx, one: Incident) -> Open:
    held = one.acknowledged(to_us(reader.now))
    runs = [] if held else paging.running(tx, one.id)
    times = [at for run in runs if (at := due.pending(tx, paging.STEP_DUE, run.id))]
    sends = [] if held else paging.sends_of_incident(tx, one.id, limit=200)
    reached = [send.person for send in sends if send.state is SendState.SENT]
    return Open(
        incident=one,
        alerts_n=alerts.count_open(tx, one.id),
        held_until=None if one.acked_until is None else from_us(one.acked_until),
        is_held=held,
        next_page_at=min(times, default=None),
        paged=reached[-1] if reached else None,
        update_due=update_due(reader, tx, one),
    )


def update_due(reader: Reader, tx: Tx, one: Incident) -> datetime | None:
    """When the business is to hear of it next; None where no clock runs."""
    every: timedelta | None = dict(reader.view.estate.org.incidents.update_every).get(one.priority)  # type: ignore[call-overload]
    if every is None or not one.is_open:
        return None
    told = record.last_of_incident(tx, one.id, ("incident.update",))
    return from_us(told["at"] if told is not None else one.opened_at) + every


def _urgency(one: Open) -> tuple[bool, str, int]:
    """Nobody's first, then the more urgent, then the older."""
    return (one.is_held, one.incident.priority, one.incident.opened_at)


def _last_closed(reader: Reader, tx: Tx) -> Incident | None:
    rows = incidents.page(tx, open_only=False, before=None, limit=50, hidden=reader.hidden)
    over = [one for one in rows if one.resolved_at is not None]
    return max(over, key=lambda one: one.resolved_at or 0, default=None)


def duties(reader: Reader, tx: Tx, at: datetime | None = None) -> tuple[Duty, ...]:
    """Who is on call for every schedule, now or `at` an instant."""
    if at is None:
        return reader.once("duties", lambda: duties(reader, tx, reader.now))
    view, when = reader.view, at
    found = []
    for name, schedule in view.estate.schedules.items():
        answer = oncall.who(
            tx, view.estate, schedule=name, at=when, is_business_day=view.is_business_day
        )
        person = answer.person if isinstance(answer, oncall.Duty) else None
        meant = schedule.gaps == "allow"
        found.append(Duty(name, schedule.team, person, answer.until, answer.why, meant))
    return tuple(found)


def _down(sends: list[Send], now: datetime) -> tuple[Down, ...]:
    """Channels whose newest tries failed, with nothing since that got through."""
    after = to_us(now - FAILED_WITHIN)
    down = []
    for kind in sorted({one.channel for one in sends}):
        tried = sorted(
            (one for one in sends if one.channel == kind and (one.attempted_at or 0) >= after),
            key=lambda one: one.attempted_at or 0, reverse=True,
        )  # fmt: skip
        failed = []
        for one in tried:
            if one.state is SendState.SENT:
                break
            if one.state is SendState.FAILED or (one.state is SendState.WAITING and one.tries):
                failed.append(one)
        if failed:
            down.append(Down(kind, from_us(failed[-1].attempted_at or 0), len(failed)))
    return tuple(down)


def _proven(tx: Tx, sends: list[Send]) -> tuple[Send | None, datetime | None]:
    """The newest page that got through and that its person answered."""
    answered = record.newest(tx, ("incident.acknowledged",), limit=50)
    for row in answered:
        person = row["actor"].removeprefix("person:")
        for one in sends:
            same = one.incident == row["incident"] and one.person == person
            if same and one.sent_at is not None and one.sent_at <= row["at"]:
                return one, from_us(row["at"])
    return None, None


def healths(reader: Reader, tx: Tx) -> dict[str, handover.health.Health]:
    """How every service stands, and why: the one answer, wherever it is shown."""
    return reader.once("healths", lambda: handover.health.healths(tx, reader.view, now=reader.now))


def alert_state(alert: Alert) -> str:
    """The state that an alert is drawn in."""
    if alert.closed_at is not None:
        return "ok"
    if alert.silence is not None:
        return "mute"
    return "crit" if alert.severity in ("critical", "error") else "warn"
