"""When a rotation hands over: pure arithmetic on the wall clock of a zone.

Hand-over number 0 is the first one on or after the day that the layer names in `starts`; the
others are counted from it, forwards and backwards, in wall-clock time. Three rules turn a wall
clock time into an instant:

- a shift starts at the first occurrence of its time, so it ends at the first occurrence of the next;
- a time that the clock skips moves to the next minute that exists;
- two hand-overs that fall on one instant (hourly, in the skipped hour) make a shift of no length:
  that turn is passed over.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mainstay.estate import Layer, handover
from mainstay.foundation.errors import Invalid

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Questions outside are refused; inside, no date can overflow."""

_SPAN = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(weeks=1)}


def first(wall: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant at which `zone`'s clocks first show `wall` (naive), or the next minute that exists."""
    return _instant(wall.replace(tzinfo=zone), zone)


def last(wall: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant at which `zone`'s clocks last show `wall`, or the next minute that exists."""
    return _instant(wall.replace(tzinfo=zone, fold=1), zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The UTC instant at which `day` begins in `zone`."""
    return first(datetime.combine(day, time()), zone)


@dataclass(frozen=True, slots=True)
class Rotation:
    """The hand-overs of one layer. Either `span` apart (wall clock) or, with no span, `months`."""

    zone: ZoneInfo
    anchor: datetime
    """Wall-clock time of hand-over 0 (naive)."""
    span: timedelta | None
    months: int = 0
    day: int = 0
    """Monthly: the day of the month; the month's last day where it has no such day."""

    def start(self, number: int) -> datetime:
        """The UTC instant of a hand-over; never earlier than that of a lower number."""
        return first(self._wall(number), self.zone)

    def shift(self, at: datetime) -> tuple[int, datetime, datetime]:
        """The number of the shift that holds `at`, its start and its end."""
        number = self._guess(at.astimezone(self.zone).replace(tzinfo=None))
        start, end = self.start(number), self.start(number + 1)
        # The guess is off by what the clock was put back, at most: a step or two.
        while at < start:
            number, start, end = number - 1, self.start(number - 1), start
        while end <= at:
            number, start, end = number + 1, end, self.start(number + 2)
        return number, start, end

    def _wall(self, number: int) -> datetime:
        if self.span is not None:
            return self.anchor + number * self.span
        year, month = divmod(_month(self.anchor) + number * self.months, 12)
        day = min(self.day, monthrange(year, month + 1)[1])
        return self.anchor.replace(year=year, month=month + 1, day=day)

    def _guess(self, wall: datetime) -> int:
        if self.span is not None:
            return (wall - self.anchor) // self.span
        return (_month(wall) - _month(self.anchor)) // self.months


def rotation(layer: Layer, zone: ZoneInfo, *, pointer: str = "") -> Rotation:
    """The compiled hand-overs of `layer`. Invalid, at `pointer`, when its texts cannot be read."""
    try:
        at = handover(layer.rotate, layer.handover)
    except ValueError as error:
        raise Invalid(f"{error}.", pointer=f"{pointer}/handover") from error
    if at.day is not None:
        begin = datetime.combine(_month_day(layer.starts, at.day), at.at)
        return Rotation(zone, begin, None, months=layer.every, day=at.day)
    begin_day = layer.starts
    if at.weekday is not None:
        begin_day += timedelta(days=(at.weekday - begin_day.weekday()) % 7)
    return Rotation(zone, datetime.combine(begin_day, at.at), layer.every * _SPAN[layer.rotate])


def _month_day(since: date, day: int) -> date:
    """The first `day` of a month on or after `since`, clamped to that month's last day."""
    found = since.replace(day=min(day, monthrange(since.year, since.month)[1]))
    if found >= since:
        return found
    year, month = divmod(_month(since) + 1, 12)
    return date(year, month + 1, min(day, monthrange(year, month + 1)[1]))


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def _instant(aware: datetime, zone: ZoneInfo) -> datetime:
    instant = aware.astimezone(UTC)
    # Two times of one zone compare by what its clocks show: unequal only where `aware` is skipped.
    return instant if instant.astimezone(zone) == aware else _after_the_skip(aware, zone)


def _after_the_skip(aware: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the clock jumped over `aware`, found by halving."""
    before = aware.replace(fold=1).astimezone(UTC)  # PEP 495: in a skip, fold=1 is the earlier one
    after = aware.replace(fold=0).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
