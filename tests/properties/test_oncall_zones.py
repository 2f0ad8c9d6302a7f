"""Hand-overs and windows over every change of clocks of every time zone, 2024 to 2035.

The oracle here knows no arithmetic: it walks the minutes around a change and keeps what the clock on
the wall shows. A time occurs first in the first minute that shows it or something later (so a
skipped time needs no rule of its own), and last in the last minute that shows it. Zones that change
alike at one instant are asked once.
"""

from array import array
from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo, available_timezones

import pytest

from mainstay.estate import Estate, Layer, Only, Schedule
from mainstay.oncall import Duty, Rota
from mainstay.oncall.rotation import Rotation, rotation

MINUTE = timedelta(minutes=1)
AROUND = 30 * 60  # minutes on either side of a change
HANDOVERS = [
    ("hourly", 1, ":00"),
    ("hourly", 1, ":30"),
    ("hourly", 3, "01:15"),
    ("daily", 1, "00:00"),
    ("daily", 1, "02:30"),
    ("daily", 2, "03:00"),
    ("weekly", 1, "sun 02:00"),
    ("monthly", 1, "31 02:30"),
]
WINDOWS = [
    {"from": "23:00", "to": "07:00"},
    {"from": "01:30", "to": "02:30"},
    {"from": "02:30", "to": "02:30"},
    {"days": ["sat", "sun"]},
    {"from": "00:30", "days": ["sun"]},
    {"to": "01:30"},
]
Change = tuple[str, datetime, int, int]


def find_changes() -> list[Change]:
    """(a zone, instant, minutes east before, after), one for each way in which clocks change."""
    noons = [datetime(2024, 1, 1, 12) + timedelta(days=n) for n in range(12 * 366)]
    found: dict[tuple[datetime, int, int], str] = {}
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        offsets = [zone.utcoffset(noon) for noon in noons]
        for i in range(1, len(noons)):
            if offsets[i - 1] != offsets[i]:
                low, high = noons[i - 1] - offsets[i - 1], noons[i] - offsets[i]
                at = exact(zone, low.replace(tzinfo=UTC), high.replace(tzinfo=UTC))
                if at.year <= 2035:
                    east = (offsets[i - 1] // MINUTE, offsets[i] // MINUTE)
                    found.setdefault((at, *east), name)
    return [(name, *key) for key, name in found.items()]


def exact(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    before = low.astimezone(zone).utcoffset()
    while high - low > MINUTE:
        middle = low + (high - low) // 2 // MINUTE * MINUTE
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


class Wall:
    """What the clock on the wall shows, minute by minute, around one change."""

    def __init__(self, change: Change) -> None:
        self.name, at, east_before, east_after = change
        self.start = at - AROUND * MINUTE
        zero = (self.start.replace(tzinfo=None) - datetime(2024, 1, 1)) // MINUTE
        shown = [zero + i + east_before for i in range(AROUND)]
        shown += [zero + i + east_after for i in range(AROUND, 2 * AROUND)]
        self.latest_so_far = array("l", accumulate(shown, max))
        self.backwards = array("l", reversed(shown))

    def first(self, wall: datetime) -> int:
        return bisect_left(self.latest_so_far, (wall - datetime(2024, 1, 1)) // MINUTE)

    def last(self, wall: datetime) -> int:
        try:
            return 2 * AROUND - 1 - self.backwards.index((wall - datetime(2024, 1, 1)) // MINUTE)
        except ValueError:  # skipped, or too far away to matter
            return self.first(wall)

    def instant(self, minute: int) -> datetime:
        return self.start + minute * MINUTE

    def days(self) -> list[date]:
        begin = self.start.date() - timedelta(days=3)
        return [begin + timedelta(days=n) for n in range(10)]


def walls(rotate: str, every: int, handover: str) -> list[datetime]:
    """The wall-clock times of a rotation from 2024 on, by counting."""
    clock = handover.split()[-1]
    hour, minute = int(clock.split(":")[0] or 0), int(clock.split(":")[1])
    at = datetime(2024, 1, 7 if rotate == "weekly" else 1, hour, minute)
    found = []
    if rotate == "monthly":
        months = [(year, month) for year in range(2024, 2037) for month in range(1, 13)]
        for year, month in months:
            following = datetime(year + month // 12, month % 12 + 1, 1, hour, minute)
            found.append(following - timedelta(days=1))  # the 31st, or the last day there is
        return found
    step = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(days=7)}
    while at < datetime(2036, 6, 1):
        found.append(at)
        at += every * step[rotate]
    return found


def layer(rotate: str, every: int, handover: str, **more: object) -> Layer:
    return Layer.model_validate(
        {"rotate": rotate, "every": every, "handover": handover, "order": [{"person": "a"}], **more}
    )


@pytest.fixture(scope="module")
def around_changes() -> list[Wall]:
    found = find_changes()
    assert len(found) > 300, "the time zone database is missing"
    return [Wall(change) for change in found]


@pytest.mark.parametrize(("rotate", "every", "handover"), HANDOVERS)
def test_every_shift_begins_and_ends_when_the_wall_clock_first_says_so(
    around_changes: list[Wall], rotate: str, every: int, handover: str
) -> None:
    expected = walls(rotate, every, handover)
    for wall in around_changes:
        ours = rotation(layer(rotate, every, handover), ZoneInfo(wall.name))
        compare(ours, wall, expected)


def compare(ours: Rotation, wall: Wall, expected: list[datetime]) -> None:
    low = bisect_left(expected, wall.start.replace(tzinfo=None) - timedelta(days=2))
    high = bisect_left(expected, wall.start.replace(tzinfo=None) + timedelta(days=5))
    numbered = [(number, wall.first(expected[number])) for number in range(low, high)]
    inside = [(n, at) for n, at in numbered if 0 < at < 2 * AROUND]
    for i, (number, at) in enumerate(inside):
        if i + 1 < len(inside) and inside[i + 1][1] == at:
            continue  # a turn of no length: the next one's start is the same instant
        assert ours.shift(wall.instant(at))[:2] == (number, wall.instant(at)), wall.name
        before = ours.shift(wall.instant(at) - timedelta(microseconds=1))
        assert before[2] == wall.instant(at), wall.name
        assert before[0] < number


@pytest.mark.parametrize("only", WINDOWS, ids=str)
def test_every_window_runs_from_the_first_occurrence_of_its_start_to_the_last_of_its_end(
    around_changes: list[Wall], only: dict[str, object]
) -> None:
    for wall in around_changes:
        begin, end = wall.instant(60), wall.instant(2 * AROUND - 60)
        answers = rota(wall.name, only).shifts(begin, end)
        covered = [(a.since, a.until) for a in answers if isinstance(a, Duty)]
        assert covered == naive_windows(wall, Only.model_validate(only), begin, end), wall.name


def rota(zone: str, only: dict[str, object]) -> Rota:
    one = Schedule(layers=[layer("daily", 1, "12:00", timezone=zone, only=only)])
    estate = Estate.model_validate(
        {"org": {"name": "x"}, "people": {"a": {"name": "A"}}, "schedules": {"s": one}}
    )
    return Rota(estate, "s", is_business_day=lambda _, __: True)


def naive_windows(
    wall: Wall, only: Only, begin: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    joined: list[tuple[datetime, datetime]] = []
    for day in wall.days():
        weekday = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day.weekday()]
        if only.days and weekday not in only.days:
            continue
        following = day + timedelta(days=1)
        start = only.from_ or time()
        opens = wall.instant(wall.first(datetime.combine(day, start)))
        if only.to is None:
            closes = wall.instant(wall.first(datetime.combine(following, time())))
        else:
            final = day if only.to > start else following
            closes = wall.instant(wall.last(datetime.combine(final, only.to)))
        opens, closes = max(opens, begin), min(closes, end)
        if opens < closes and joined and joined[-1][1] >= opens:
            joined[-1] = (joined[-1][0], max(joined[-1][1], closes))
        elif opens < closes:
            joined.append((opens, closes))
    return joined


@pytest.mark.parametrize(
    "zone",
    ["America/Chicago", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana", "Asia/Beirut"],
)
def test_probing_minute_by_minute_finds_the_same_shift_as_walking_the_clock(zone: str) -> None:
    expected = walls("hourly", 1, ":30")
    ours = rotation(layer("hourly", 1, ":30"), ZoneInfo(zone))
    for change in [c for c in one_zone(zone) if c[1].year == 2027]:
        wall = Wall(change)
        for minute in range(AROUND - 240, AROUND + 240):
            shown = datetime(2024, 1, 1) + wall.latest_so_far[minute] * MINUTE
            passed = bisect_left(expected, shown + MINUTE) - 1
            assert ours.shift(wall.instant(minute))[0] == passed


def one_zone(name: str) -> list[Change]:
    zone = ZoneInfo(name)
    hours = [datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(365 * 24)]
    east = [hour.astimezone(zone).utcoffset() // MINUTE for hour in hours]
    return [
        (name, exact(zone, hours[i - 1], hours[i]), east[i - 1], east[i])
        for i in range(1, len(hours))
        if east[i - 1] != east[i]
    ]
