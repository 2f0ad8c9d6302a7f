"""Are times, ages and numbers said so that nobody can misread them at night?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mainstay.console import words
from mainstay.console.words import NBSP, Times

ZURICH = ZoneInfo("Europe/Zurich")
NOW = datetime(2026, 11, 24, 6, 4, tzinfo=UTC)


def said(text: str, now: datetime = NOW) -> str:
    return Times(ZURICH, now).short(datetime.fromisoformat(text)).replace(NBSP, " ")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-24T06:04:00+01:00", "06:04"),
        ("2026-11-23T23:59:00+00:00", "00:59"),  # today, in Zurich
        ("2026-11-23T22:59:00+00:00", "Mon 23:59"),
        ("2026-11-20T15:20:00+00:00", "Fri 16:20"),
        ("2026-11-30T08:00:00+00:00", "Mon 09:00"),
        ("2026-11-12T15:20:00+00:00", "12 Nov, 16:20"),
        ("2025-12-31T23:30:00+00:00", "1 Jan, 00:30"),
        ("2025-12-31T21:30:00+00:00", "31 Dec 2025, 22:30"),
    ],
)
def test_a_time_is_as_short_as_its_day_allows(at: str, expected: str) -> None:
    assert said(at) == expected


def test_in_the_hour_that_comes_twice_the_offset_is_said() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    times = Times(ZURICH, first)
    assert times.clock(first) == "02:30+02:00"
    assert times.clock(first + timedelta(hours=1)) == "02:30+01:00"
    assert times.clock(first + timedelta(hours=2)) == "03:30"


def test_what_is_copied_is_iso_8601_with_its_offset_and_the_title_says_utc_too() -> None:
    html = str(Times(ZURICH, NOW).html(NOW))
    assert 'datetime="2026-11-24T07:04:00+01:00"' in html
    assert "Tue 24 Nov 2026, 07:04:00 Europe/Zurich (+01:00), 06:04:00 UTC" in html
    assert ">07:04</time>" in html
    assert "—" in Times(ZURICH, NOW).html(None)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "now"), (1, "1 s"), (59, "59 s"), (60, "1 min"), (61, "1 min"), (3_599, "59 min"),
        (3_600, "1 h"), (10_440, "2 h 54 min"), (86_400, "1 d"), (90_061, "1 d 1 h"),
        (86_460, "1 d"), (-120, "2 min"),
    ],
)  # fmt: skip
def test_an_age_has_two_units_at_most(seconds: int, expected: str) -> None:
    assert words.age(timedelta(seconds=seconds)).replace(NBSP, " ") == expected


def test_a_number_never_parts_from_its_unit() -> None:
    assert words.tied("lags 31 s, limit 30 s; 6.8 % of 2 400") == (
        f"lags 31{NBSP}s, limit 30{NBSP}s; 6.8{NBSP}% of 2 400"
    )
    assert words.counted(1, "alert") == f"1{NBSP}alert"
    assert words.counted(10_000, "alert") == f"10,000{NBSP}alerts"


def test_lists_names_and_long_words() -> None:
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.listed(["a", "b", "c", "d", "e"]) == "a, b and 3 more"
    assert words.initials("Ana Keller") == "AK"
    assert words.initials("ops") == "OP"
    assert words.breakable("<b>/x") == "&lt;b&gt;/<wbr>x"
