"""Hand-overs: GoAlert's cases, the three rules, and words that cannot be read."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mainstay.estate import Layer
from mainstay.foundation.errors import Invalid
from mainstay.oncall.rotation import Rotation, first, last, rotation

ORACLE = json.loads(
    (Path(__file__).parent.parent / "oracles" / "rotation_handoffs.json").read_text("utf-8")
)
CHICAGO = ZoneInfo("America/Chicago")
ZURICH = ZoneInfo("Europe/Zurich")


def made(rotate: str, handover: str, zone: ZoneInfo = ZURICH, **more: object) -> Rotation:
    layer = {"rotate": rotate, "handover": handover, "order": [{"person": "ana"}], **more}
    return rotation(Layer.model_validate(layer), zone, pointer="/layers/0")


def starts(ours: Rotation, day: date, days: int) -> list[str]:
    """The hand-overs on `days` days from `day`, in the rotation's zone."""
    begin = datetime.combine(day, datetime.min.time(), tzinfo=ours.zone)
    end = begin + timedelta(days=days)
    number = ours.shift(begin.astimezone(UTC) - timedelta(microseconds=1))[0] + 1
    found = []
    while ours.start(number) < end:
        found.append(ours.start(number).astimezone(ours.zone).strftime("%m-%d %H:%M%z"))
        number += 1
    return found


@pytest.mark.parametrize("case", ORACLE["cases"], ids=lambda c: f"{c['tz']}-{c['rotation_start']}")
def test_probing_every_thirty_seconds_sees_exactly_the_handoffs_that_goalert_sees(
    case: dict[str, object],
) -> None:
    zone = ZoneInfo(str(case["tz"]))
    anchor = datetime.fromisoformat(str(case["rotation_start"]))
    kind = str(case["type"]).lower()
    handover = f"{anchor.day} {anchor:%H:%M}" if kind == "monthly" else f"{anchor:%H:%M}"
    ours = made(kind, handover, zone, every=case["shift_length"], starts=anchor.date())
    at = first(datetime.fromisoformat(str(case["probe_from"])), zone)
    end = last(datetime.fromisoformat(str(case["probe_to"])), zone)
    seen = set()
    while at <= end:
        seen.update(ours.shift(at)[1:])
        at += timedelta(seconds=30)
    assert seen == {datetime.strptime(h, "%Y-%m-%dT%H:%M%z") for h in case["handoffs"]}


def test_a_rotation_at_0230_hands_over_once_on_the_day_without_0230() -> None:
    assert starts(made("daily", "02:30"), date(2026, 3, 28), 3) == [
        "03-28 02:30+0100",
        "03-29 03:00+0200",
        "03-30 02:30+0200",
    ]


def test_a_rotation_at_0230_hands_over_once_on_the_day_with_two() -> None:
    assert starts(made("daily", "02:30"), date(2026, 10, 24), 3) == [
        "10-24 02:30+0200",
        "10-25 02:30+0200",
        "10-26 02:30+0100",
    ]


def test_a_monthly_rotation_on_the_31st_takes_the_last_day_of_shorter_months() -> None:
    ours = made("monthly", "31 09:00", ZoneInfo("UTC"), starts="2028-01-31")
    assert [ours.start(n).strftime("%m-%d") for n in range(5)] == [
        "01-31",
        "02-29",
        "03-31",
        "04-30",
        "05-31",
    ]


def test_every_second_month_counts_from_the_first_handover_on_or_after_the_start() -> None:
    ours = made("monthly", "15 09:00", ZoneInfo("UTC"), starts="2026-11-20", every=2)
    assert [f"{ours.start(n):%Y-%m-%d}" for n in (-1, 0, 1)] == [
        "2026-10-15",
        "2026-12-15",
        "2027-02-15",
    ]


def test_a_weekly_rotation_begins_with_the_first_such_weekday_on_or_after_the_start() -> None:
    ours = made("weekly", "mon 09:00", ZoneInfo("UTC"), starts="2026-11-25")
    assert ours.start(0) == datetime(2026, 11, 30, 9, tzinfo=UTC)


def test_in_the_skipped_hour_an_hourly_turn_of_no_length_is_passed_over() -> None:
    ours = made("hourly", ":00", CHICAGO, starts="2020-03-08")
    number, start, end = ours.shift(datetime(2020, 3, 8, 8, tzinfo=UTC))
    assert number == 3
    assert end - start == timedelta(hours=1)
    assert ours.start(2) == ours.start(3)


def test_the_repeated_hour_belongs_to_the_shift_that_runs_into_it() -> None:
    ours = made("hourly", ":30", CHICAGO, starts="2020-11-01")
    _, start, end = ours.shift(datetime(2020, 11, 1, 7, 40, tzinfo=UTC))
    assert end - start == timedelta(hours=2)


def test_a_day_that_a_zone_skips_ends_no_shift_twice() -> None:
    ours = made("daily", "12:00", ZoneInfo("Pacific/Apia"), starts="2011-12-01")
    lengths = {b - a for a, b in pairwise(ours.start(n) for n in range(27, 32))}
    assert lengths == {timedelta(hours=24), timedelta(hours=12)}


@pytest.mark.parametrize(
    ("rotate", "handover"),
    [
        ("daily", "9:00"),
        ("daily", "mon 09:00"),
        ("daily", "24:00"),
        ("weekly", "09:00"),
        ("weekly", "someday 09:00"),
        ("monthly", "32 09:00"),
        ("monthly", "0 09:00"),
        ("hourly", "30"),
        ("hourly", ""),
    ],
)
def test_a_handover_that_cannot_be_read_is_refused_with_an_example(
    rotate: str, handover: str
) -> None:
    with pytest.raises(Invalid, match="expects a handover such as") as caught:
        made(rotate, handover)
    assert caught.value.pointer == "/layers/0/handover"
