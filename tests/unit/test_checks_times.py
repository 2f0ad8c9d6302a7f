"""When does a check look, also on the days when clocks change?"""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from looking import sheet
from mainstay import checking
from mainstay.checks import times
from mainstay.estate import BadCron, Cron, first_occurrence
from mainstay.estate.collections import TIMEOUT_MAX

ZURICH = ZoneInfo("Europe/Zurich")
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
CALENDARS = {"ch": {"holidays": {"country": "CH", "subdiv": "ZH"}}}


def looks(
    check: dict[str, Any], count: int, *, after: datetime = MONDAY, **more: Any
) -> list[datetime]:
    compiled = sheet({"tcp": {"to": "a.example:1"}, **check}, calendars=CALENDARS, **more)
    one, found = compiled.watched["it"], []
    for _ in range(count):
        after = times.next_look(one, compiled, after=after)
        found.append(after)
    return found


def test_the_longest_look_is_over_and_written_down_before_its_lease_ends() -> None:
    assert TIMEOUT_MAX.total_seconds() + 10 < checking.LEASE_S


def test_looks_are_every_so_often_at_a_place_of_their_own() -> None:
    found = looks({"every": "1m"}, 4)
    assert {later - one for one, later in itertools.pairwise(found)} == {timedelta(minutes=1)}
    assert times.spread("it", timedelta(minutes=1), after=MONDAY) == found[0]


def test_a_thousand_checks_are_spread_evenly_over_their_minute() -> None:
    places = [times.spread(f"c{n}", timedelta(minutes=1), after=MONDAY).second for n in range(1000)]
    tenths = [sum(1 for one in places if one // 6 == tenth) for tenth in range(10)]
    assert min(tenths) > 60
    assert max(tenths) < 140


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2027-03-27", "01:30"),  # as on any day: 02:30 in Zurich
        ("2027-03-28", "01:00"),  # left out: at 03:00 summer time, the next minute that exists
        ("2027-10-31", "00:30"),  # comes twice: the first
        ("2027-11-01", "01:30"),
    ],
)
def test_half_past_two_happens_once_on_each_day(day: str, expected: str) -> None:
    start = datetime.fromisoformat(f"{day}T00:00+00:00") - timedelta(hours=3)
    found = [
        at
        for at in looks({"schedule": "30 2 * * *"}, 2, after=start)
        if at.astimezone(ZURICH).date() == date.fromisoformat(day)
    ]
    assert [at.strftime("%H:%M") for at in found] == [expected]


def test_every_quarter_of_an_hour_goes_by_the_time_that_passes() -> None:
    start = datetime(2027, 10, 30, 23, 50, tzinfo=UTC)
    found = looks({"schedule": "*/15 * * * *"}, 12, after=start)
    assert {later - one for one, later in itertools.pairwise(found)} == {timedelta(minutes=15)}


def test_active_times_and_calendars_say_when_not() -> None:
    friday_night = datetime(2026, 12, 24, 21, 30, tzinfo=UTC)
    found = looks(
        {"every": "1m", "active": "06:00-22:00", "calendar": "ch"}, 1, after=friday_night
    )[0]
    local = found.astimezone(ZURICH)
    assert local.date() == date(2026, 12, 28), "over Christmas, St Stephen's day and the weekend"
    assert time(6, 0) <= local.time() < time(6, 1)
    over_midnight = looks({"every": "1h", "active": "23:00-02:00"}, 6)
    assert all(at.astimezone(ZURICH).hour in (23, 0, 1) for at in over_midnight)


def test_by_a_time_is_on_each_day_of_its_calendar() -> None:
    found = looks(
        {"by": "05:30", "calendar": "ch"}, 3, after=datetime(2026, 12, 23, 12, tzinfo=UTC)
    )
    assert [at.astimezone(ZURICH).strftime("%m-%d %H:%M") for at in found] == [
        "12-24 05:30",
        "12-28 05:30",
        "12-29 05:30",
    ]


def test_what_never_comes_is_far_away() -> None:
    assert looks({"schedule": "0 0 30 2 *"}, 1)[0] - MONDAY > timedelta(days=3000)


@pytest.mark.parametrize(
    ("text", "day", "falls"),
    [
        ("0 0 * * mon-fri", date(2026, 11, 23), True), ("0 0 * * sat,sun", date(2026, 11, 23), False),
        ("0 0 L * *", date(2027, 2, 28), True), ("0 0 L * *", date(2028, 2, 28), False),
        ("0 0 13 * fri", date(2026, 11, 13), True), ("0 0 13 * fri", date(2026, 11, 20), True),
        ("0 0 1-7 * *", date(2026, 11, 8), False), ("0 0 * jan *", date(2026, 11, 8), False),
        ("@monthly", date(2026, 12, 1), True), ("0 0 * * 7", date(2026, 11, 22), True),
    ],
)  # fmt: skip
def test_cron_falls_on_its_days(text: str, day: date, falls: bool) -> None:
    assert Cron.of(text).falls_on(day) is falls


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "60 * * * *",
        "* 24 * * *",
        "5-1 * * * *",
        "a * * * *",
        "*/0 * * * *",
        "* * 0 * *",
        "* * * 13 *",
    ],
)
def test_what_is_no_schedule_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(BadCron):
        Cron.of(text)


def test_cron_agrees_with_counting_every_minute() -> None:
    """A slow oracle: walk the minutes of a zone's clock, and ask each whether it fits."""
    for text in ("17 4 * * *", "0 9-17/2 * * mon-fri", "5,35 * * * *"):
        cron, at = Cron.of(text), datetime(2027, 3, 26, tzinfo=UTC)
        wanted = {(t.hour, t.minute) for t in cron.times}
        minutes = (at + timedelta(minutes=n) for n in range(60 * 24 * 4))
        fits = [
            m
            for m in minutes
            if cron.falls_on(m.astimezone(ZURICH).date())
            and (m.astimezone(ZURICH).hour, m.astimezone(ZURICH).minute) in wanted
        ]
        here = at - timedelta(microseconds=1)
        for expected in fits:
            here = cron.next_after(here, ZURICH)  # type: ignore[assignment]
            assert here == expected, text
        assert cron.last_before(fits[-1], ZURICH) == fits[-1]


def test_a_time_that_is_left_out_is_the_next_minute_that_exists() -> None:
    assert first_occurrence(date(2027, 3, 28), time(2, 30), ZURICH) == datetime(
        2027, 3, 28, 1, 0, tzinfo=UTC
    )
