"""Whose turn it is: the order of a rotation, with dated joins and leaves.

At every hand-over the turn goes to the next in the order who is active that day. Whoever joins is
first considered at the first hand-over on or after the day of joining; whoever leaves is passed
over from the day after the last one. So neither changes who had an earlier shift. When somebody
leaves in the middle of a shift, the rest of it, from local midnight, goes to the next active one,
and nobody else's turn moves: the next hand-over goes to whom it would have gone anyway.

At hand-over 0 the turn is the first active one's in the order. Before it the order runs backwards.
Membership is constant over long stretches; within one, a turn is a remainder of a division.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from mainstay.estate import Person, Turn
from mainstay.oncall.rotation import EARLIEST, LATEST, Rotation, midnight

_MOMENT = timedelta(microseconds=1)


class Held(NamedTuple):
    """Who holds a layer around an instant, and between which instants that is certain."""

    person: str | None
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Dates:
    """First and last day of somebody's time; None: open."""

    first: date | None
    last: date | None

    def include(self, day: date) -> bool:
        """True on the first day, on the last, and between."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Shifts whose starts see the same active places. Shift `at` is `active[turn]`'s."""

    first: int | None
    """Its first shift; None: since ever."""
    active: tuple[int, ...]
    at: int
    turn: int

    def place(self, number: int) -> int | None:
        if not self.active:
            return None
        return self.active[(self.turn + number - self.at) % len(self.active)]


class Turns:
    """A rotation with its order, compiled. Cheap to ask, however far from its start."""

    def __init__(
        self, rotation: Rotation, order: Sequence[Turn], people: Mapping[str, Person]
    ) -> None:
        self._rotation = rotation
        self._order = [turn.person for turn in order]
        dates = [_dates(turn, people.get(turn.person)) for turn in order]
        days = sorted(_change_days(dates))
        self._changes = [midnight(day, rotation.zone) for day in days]
        self._active = [_active(dates, day) for day in [EARLIEST.date(), *days]]
        """`_active[i]` holds from change i-1 to change i."""
        self._stretches = self._compile()
        self._firsts = [s.first for s in self._stretches if s.first is not None]

    def held(self, at: datetime) -> Held:
        """Who holds the shift at `at`. The bounds may fall short of a shift, never exceed it.

        A stretch in which one person is alone is one piece, however often it is handed over.
        """
        number, since, until = self._rotation.shift(at)
        stretch = self._stretches[bisect_right(self._firsts, number)]
        place = stretch.place(number)
        low, high = bisect_right(self._changes, since), bisect_right(self._changes, until - _MOMENT)
        if low < high:
            return self._split(Held(None, since, until), at, place, range(low, high))
        person = self._name(place)
        if len({self._order[active] for active in stretch.active}) <= 1:
            since = EARLIEST if stretch.first is None else self._rotation.start(stretch.first)
            until = self._changes[high] if high < len(self._changes) else LATEST
        return Held(person, since, until)

    def _split(self, shift: Held, at: datetime, place: int | None, inside: range) -> Held:
        """The part of a shift that holds `at`, where membership changes within the shift."""
        since = shift.since
        for change in inside:
            moment = self._changes[change]
            holder = self._next(place, self._active[change + 1])
            if moment > at:
                return Held(self._name(place), since, moment)
            since, place = moment, holder
        return Held(self._name(place), since, shift.until)

    @staticmethod
    def _next(place: int | None, active: tuple[int, ...]) -> int | None:
        """`place` while it is active, else the next active one after it."""
        if not active:
            return None
        if place is None:
            return active[0]
        return active[_next_turn(active, place)]

    def _name(self, place: int | None) -> str | None:
        return None if place is None else self._order[place]

    def _compile(self) -> list[_Stretch]:
        """The stretches in order. Those in which no shift starts are left out."""
        begins: list[int | None] = [None]
        begins += [self._rotation.shift(change - _MOMENT)[0] + 1 for change in self._changes]
        spans = list(zip(begins, [*begins[1:], None], self._active, strict=True))
        spans = [span for span in spans if span[1] is None or span[0] != span[1]]
        middle = sum(1 for begin, _, _ in spans if begin is not None and begin <= 0)
        forwards = _forwards(spans[middle:])
        return _backwards(spans[:middle], forwards[0]) + forwards


_Span = tuple[int | None, int | None, tuple[int, ...]]
"""First shift, first shift after it, active places."""


def _forwards(spans: list[_Span]) -> list[_Stretch]:
    """From shift 0 on: the first of each stretch goes to the next active after the one before."""
    found: list[_Stretch] = []
    before = -1
    for begin, end, active in spans:
        at = (begin or 0) if found else 0
        stretch = _Stretch(begin, active, at=at, turn=_next_turn(active, before + 1))
        found.append(stretch)
        final = None if end is None else stretch.place(end - 1)
        before = before if final is None else final
    return found


def _backwards(spans: list[_Span], middle: _Stretch) -> list[_Stretch]:
    """Before shift 0: the last of each stretch is the active one before the one after."""
    found: list[_Stretch] = []
    after = _first_place(middle) or 0
    for begin, end, active in reversed(spans):
        turn = bisect_left(active, after) - 1
        stretch = _Stretch(begin, active, at=(end or 0) - 1, turn=turn)
        found.append(stretch)
        initial = _first_place(stretch)
        after = after if initial is None else initial
    return found[::-1]


def _first_place(stretch: _Stretch) -> int | None:
    return None if stretch.first is None else stretch.place(stretch.first)


def _next_turn(active: tuple[int, ...], place: int) -> int:
    """The index in `active` of the first one at or after `place`, going round."""
    return bisect_left(active, place) % len(active) if active else 0


def _dates(turn: Turn, person: Person | None) -> Dates:
    """Both the turn's dates and the person's must hold."""
    firsts = [turn.from_, person.from_ if person else None]
    lasts = [turn.until, person.until if person else None]
    return Dates(
        max((day for day in firsts if day is not None), default=None),
        min((day for day in lasts if day is not None), default=None),
    )


def _change_days(dates: list[Dates]) -> set[date]:
    """The days on which somebody joins, or is gone for the first time."""
    days = {d.first for d in dates if d.first is not None}
    days |= {d.last + timedelta(days=1) for d in dates if d.last not in (None, date.max)}
    return {day for day in days if EARLIEST.date() < day < LATEST.date()}


def _active(dates: list[Dates], day: date) -> tuple[int, ...]:
    return tuple(place for place, d in enumerate(dates) if d.include(day))
