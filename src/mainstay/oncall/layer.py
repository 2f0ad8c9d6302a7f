"""One layer, compiled: the turns of its rotation, and the `only` windows in which it covers.

A window belongs to the day on which it starts; `days` and `calendar` speak of that day. It runs
from the first occurrence of `from` (midnight when left out) to the last occurrence of `to`, on the
next day when `to` is not later than `from`. Without `to` it runs to the end of the day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from mainstay.estate import Layer, Only, Person
from mainstay.oncall.rotation import first, last, midnight, rotation
from mainstay.oncall.turns import Held, Turns

BusinessDay = Callable[[str, date], bool]
"""(calendar id, date) → is it a business day there?"""

Span = tuple[datetime, datetime]
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_KEPT_DAYS = 256
"""Days whose windows are remembered: consecutive questions look at the same few."""


class CompiledLayer:
    """A layer that can be asked. `number` counts from 1; `rotate` is its word in the estate."""

    def __init__(
        self,
        layer: Layer,
        number: int,
        *,
        zone: ZoneInfo,
        people: Mapping[str, Person],
        is_business_day: BusinessDay,
        pointer: str,
    ) -> None:
        """Invalid, below `pointer`, for a hand-over that we cannot read."""
        self.number = number
        self.rotate = layer.rotate
        self.zone = zone
        self._turns = Turns(rotation(layer, zone, pointer=pointer), layer.order, people)
        self._windows = Windows(layer.only, zone, is_business_day)

    def held(self, at: datetime) -> Held:
        """Who holds the layer at `at`; nobody outside of its windows."""
        if self._windows.whole:
            return self._turns.held(at)
        covered, since, until = self._windows.around(at)
        if not covered:
            return Held(None, since, until)
        held = self._turns.held(at)
        return Held(held.person, max(since, held.since), min(until, held.until))


class Windows:
    """The windows of one layer, compiled. `whole` says that there are none: always covered."""

    def __init__(self, only: Sequence[Only], zone: ZoneInfo, is_business_day: BusinessDay) -> None:
        self.whole = not only
        self._only = only
        self._zone = zone
        self._is_business_day = is_business_day
        self._on = lru_cache(maxsize=_KEPT_DAYS)(self._compute)
        self._midnight = lru_cache(maxsize=_KEPT_DAYS)(lambda day: midnight(day, zone))

    def around(self, at: datetime) -> tuple[bool, datetime, datetime]:
        """Is `at` covered, and between which instants is that certain? (At most some days.)"""
        today = at.astimezone(self._zone).date()
        # Two days either way: a window passes midnight, and so may an hour that is repeated.
        near = [span for offset in range(-2, 3) for span in self._on(today + offset * _DAY)]
        for begin, end in near:
            if begin <= at < end:
                return True, begin, end
        edges = [self._midnight(today + offset * _DAY) for offset in (-1, 0, 1, 2)]
        edges += [edge for span in near for edge in span]
        return False, max(e for e in edges if e <= at), min(e for e in edges if e > at)

    def _compute(self, day: date) -> list[Span]:
        found = []
        for only in self._only:
            if self._starts_on(only, day):
                begin, end = self._span(only, day)
                if begin < end:
                    found.append((begin, end))
        return found

    def _starts_on(self, only: Only, day: date) -> bool:
        if only.days and _DAYS[day.weekday()] not in only.days:
            return False
        return only.calendar is None or self._is_business_day(only.calendar, day)

    def _span(self, only: Only, day: date) -> Span:
        begin = only.from_ or time()
        start = first(datetime.combine(day, begin), self._zone)
        if only.to is None:
            return start, midnight(day + _DAY, self._zone)
        end_day = day if only.to > begin else day + _DAY
        return start, last(datetime.combine(end_day, only.to), self._zone)
