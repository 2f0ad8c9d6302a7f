"""Who is on call: the layers of one schedule and its overrides, compiled into a `Rota`.

Every instant has exactly one answer, a `Duty` or an explicit `Gap`. The later layer wins where it
covers; overrides win over every layer, and a later act over an earlier one. Overrides made in one
act (a swap) all look at who was on call before that act, so a swap over one span of time does not
undo itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from mainstay.estate import Estate, Schedule
from mainstay.foundation.errors import Invalid, NotFound
from mainstay.foundation.nearest import hint
from mainstay.oncall.layer import BusinessDay, CompiledLayer
from mainstay.oncall.rotation import EARLIEST, LATEST, midnight
from mainstay.oncall.store import Override

SIGHT = timedelta(days=400)
"""How far around a question we look for the ends of a shift; also the longest span of `shifts`."""
_PIECES_MAX = 40
"""Pieces joined in search of a shift's end (a lone person's daily windows, say)."""
_MOMENT = timedelta(microseconds=1)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Duty:
    """`person` is on call from `since` (included) to `until` (excluded), UTC.

    None as a bound: no change within `SIGHT`. `layer` counts from 1; None when an override (its id
    in `override`) put them there. `why` is a sentence in the layer's zone.
    """

    person: str
    layer: int | None
    override: str | None
    since: datetime | None
    until: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody is on call from `since` to `until`, UTC. Bounds and `why` as in `Duty`."""

    since: datetime | None
    until: datetime | None
    why: str


Answer = Duty | Gap


class Rota:
    """One schedule, compiled: ask it as often as you like (tens of microseconds an answer)."""

    def __init__(
        self,
        estate: Estate,
        schedule_id: str,
        *,
        is_business_day: BusinessDay,
        overrides: Sequence[Override] = (),
    ) -> None:
        """NotFound for an unknown schedule; Invalid, with a pointer, for a hand-over we cannot read."""
        schedule = schedule_of(estate, schedule_id)
        self.id = schedule_id
        self.zone = zone_of(estate, schedule)
        self._layers = [
            CompiledLayer(
                layer,
                number,
                zone=ZoneInfo(layer.timezone) if layer.timezone else self.zone,
                people=estate.people,
                is_business_day=is_business_day,
                pointer=f"/schedules/{schedule_id}/layers/{number - 1}",
            )
            for number, layer in enumerate(schedule.layers, start=1)
        ][::-1]
        kept = [kept for o in overrides if (kept := _within_dates(o, estate, self.zone))]
        kept.sort(key=lambda o: (o.created_at, o.id))
        self._acts = [list(act) for _, act in groupby(kept, key=lambda o: o.created_at)]
        self._edges = sorted({edge for o in kept for edge in (o.starts_at, o.ends_at)})

    def who(self, at: datetime) -> Answer:
        """Who is on call at `at` (aware, 1970 to 2199, else Invalid), or the gap it falls into."""
        at = checked(at)
        piece = self._backward(self._piece(at), limit=at - SIGHT)
        return self._answer(self._forward(piece, limit=at + SIGHT))

    def shifts(self, start: datetime, end: datetime, *, whole: bool = False) -> list[Answer]:
        """Start..end as shifts and gaps, in order, without overlap or hole.

        The first and the last are cut to start..end unless `whole`. Invalid when `end` is not after
        `start`, or more than 400 days after it.
        """
        start, end = _span(start, end)
        found = [self._answer(piece) for piece in self._pieces(start, end)]
        if not whole:
            found[0] = replace(found[0], since=start)
            found[-1] = replace(found[-1], until=end)
        return found

    def gaps(self, start: datetime, end: datetime) -> list[Gap]:
        """The parts of start..end in which nobody is on call."""
        return [answer for answer in self.shifts(start, end) if isinstance(answer, Gap)]

    # -- pieces: what is certain around an instant, joined into shifts ---------------------------

    def _pieces(self, start: datetime, end: datetime) -> Iterator[_Piece]:
        current = self._backward(self._piece(start), limit=start - SIGHT)
        while current.until < end:
            following = self._piece(current.until)
            if following.same(current):
                current = replace(current, until=following.until)
            else:
                yield current
                current = following
        yield self._forward(current, limit=end + SIGHT)

    def _forward(self, piece: _Piece, *, limit: datetime) -> _Piece:
        for _ in range(_PIECES_MAX):
            if piece.until > limit:
                break
            following = self._piece(piece.until)
            if not following.same(piece):
                return piece
            piece = replace(piece, until=following.until)
        return replace(piece, until=LATEST)

    def _backward(self, piece: _Piece, *, limit: datetime) -> _Piece:
        for _ in range(_PIECES_MAX):
            if piece.since < limit:
                break
            preceding = self._piece(piece.since - _MOMENT)
            if not preceding.same(piece):
                return piece
            piece = replace(piece, since=preceding.since)
        return replace(piece, since=EARLIEST)

    def _piece(self, at: datetime) -> _Piece:
        person, number, since, until = None, None, EARLIEST, LATEST
        for layer in self._layers:
            held = layer.held(at)
            since, until = max(since, held.since), min(until, held.until)
            if held.person is not None:
                person, number = held.person, layer.number
                break
        override = self._override(at, person) if self._acts else None
        for edge in self._edges:
            if edge <= at:
                since = max(since, edge)
            else:
                until = min(until, edge)
        if override is not None:
            return _Piece(override.person, None, override, since, until)
        return _Piece(person, number, None, since, until)

    def _override(self, at: datetime, person: str | None) -> Override | None:
        """The override in force at `at`, when the layers say `person`."""
        found = None
        for act in self._acts:
            before = person
            for override in act:
                in_time = override.starts_at <= at < override.ends_at
                if in_time and override.instead_of in (None, before):
                    found, person = override, override.person
        return found

    def _answer(self, piece: _Piece) -> Answer:
        since = None if piece.since <= EARLIEST else piece.since
        until = None if piece.until >= LATEST else piece.until
        layer = next((one for one in self._layers if one.number == piece.layer), None)
        end = _end_said(until, layer.zone if layer else self.zone)
        if piece.person is None:
            return Gap(since, until, f"nobody is on call for {self.id}, {end}")
        if piece.override is not None:
            reason = f"{piece.person}, {_override_said(piece.override)}, {end}"
            return Duty(piece.person, None, piece.override.id, since, until, reason)
        word = layer.rotate if layer else ""
        reason = f"{piece.person}, {word} rotation of layer {piece.layer}, {end}"
        return Duty(piece.person, piece.layer, None, since, until, reason)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a shift or gap."""

    person: str | None
    layer: int | None
    override: Override | None
    since: datetime
    until: datetime

    def same(self, other: _Piece) -> bool:
        return (
            self.person == other.person
            and self.layer == other.layer
            and self.override is other.override
        )


def schedule_of(estate: Estate, schedule_id: str) -> Schedule:
    """The declared schedule; NotFound offers a near name."""
    found = estate.schedules.get(schedule_id)
    if found is None:
        near = hint(schedule_id, estate.schedules)
        raise NotFound(f"There is no schedule {schedule_id!r}{near}.", schedule=schedule_id)
    return found


def zone_of(estate: Estate, schedule: Schedule) -> ZoneInfo:
    """The schedule's own zone, else the organisation's."""
    return ZoneInfo(schedule.timezone or estate.org.timezone)


def said(at: datetime, zone: ZoneInfo) -> str:
    """`at` for a person in `zone`: Mon 30 Nov 09:00 CET."""
    return f"{said_short(at, zone)} {_zone_said(at.astimezone(zone))}"


def said_short(at: datetime, zone: ZoneInfo) -> str:
    """`said` without the zone: Mon 30 Nov 09:00."""
    local = at.astimezone(zone)
    day = f"{_WEEKDAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}"
    return f"{day} {local:%H:%M}"


def _zone_said(local: datetime) -> str:
    name = local.tzname() or "UTC"
    return f"UTC{name}" if name[0] in "+-" else name


def _end_said(until: datetime | None, zone: ZoneInfo) -> str:
    return f"until {said(until, zone)}" if until else "with no change in sight"


def _override_said(override: Override) -> str:
    instead = f" instead of {override.instead_of}" if override.instead_of else ""
    return f"override{instead} by {override.author.removeprefix('person:')} ({override.reason})"


def _within_dates(override: Override, estate: Estate, zone: ZoneInfo) -> Override | None:
    """The part of an override in which its person is still (or already) with us, or None."""
    person = estate.people.get(override.person)
    if person is None:
        return None
    start, end = override.starts_at, override.ends_at
    if person.from_ is not None and person.from_ > start.astimezone(zone).date():
        start = midnight(person.from_, zone)
    if person.until is not None and person.until < end.astimezone(zone).date():
        end = midnight(person.until + timedelta(days=1), zone)
    if (start, end) == (override.starts_at, override.ends_at):
        return override
    return replace(override, starts_at=start, ends_at=end) if start < end else None


def days_from(start: datetime, days: int) -> datetime:
    """`days` (1 to 400, else Invalid) after `start`."""
    if not 1 <= days <= SIGHT.days:
        raise Invalid(f"Ask for 1 to {SIGHT.days} days, not {days}.", pointer="/days")
    return checked(start) + timedelta(days=days)


def checked(at: datetime) -> datetime:
    """`at` in UTC; Invalid when it has no zone or lies outside of 1972 to 2197."""
    if at.tzinfo is None:
        raise Invalid(f"{at} has no time zone; add Z or an offset such as +01:00.", pointer="/at")
    if not EARLIEST + SIGHT < at < LATEST - 2 * SIGHT:
        raise Invalid(f"{at:%Y-%m-%d} is too far away; ask about 1972 to 2197.", pointer="/at")
    return at.astimezone(UTC)


def _span(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    start, end = checked(start), checked(end)
    if not start < end:
        raise Invalid("The end must be after the start.", pointer="/end")
    if end - start > SIGHT:
        raise Invalid(f"Ask for at most {SIGHT.days} days at a time.", pointer="/end")
    return start, end
