"""Joins and leaves: who has which shift, and that the past stays as it was."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mainstay.estate import Layer, Person, Turn
from mainstay.oncall.rotation import rotation
from mainstay.oncall.turns import Turns

MONDAY = date(2026, 11, 2)


def turns(*order: object, people: dict[str, Person] | None = None, **more: object) -> Turns:
    parsed = [
        Turn.model_validate({"person": turn} if isinstance(turn, str) else turn) for turn in order
    ]
    layer = {"rotate": "weekly", "handover": "mon 09:00", "starts": MONDAY, "order": parsed, **more}
    zone = ZoneInfo("Europe/Zurich")
    return Turns(rotation(Layer.model_validate(layer), zone), parsed, people or {})


def weeks(ours: Turns, count: int, *, since: date = MONDAY) -> list[str]:
    """Who holds each week, asked on its Monday at noon."""
    noon = datetime(since.year, since.month, since.day, 12, tzinfo=UTC)
    return [ours.held(noon + timedelta(weeks=n)).person or "-" for n in range(count)]


def at(ours: Turns, text: str) -> str:
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Zurich"))
    return ours.held(local.astimezone(UTC)).person or "-"


def test_the_first_in_the_order_has_the_shift_of_the_start_and_the_others_follow() -> None:
    assert weeks(turns("ana", "ben", "dee"), 5) == ["ana", "ben", "dee", "ana", "ben"]


def test_before_the_start_the_order_runs_backwards() -> None:
    before = MONDAY - timedelta(weeks=3)
    assert weeks(turns("ana", "ben", "dee"), 4, since=before) == ["ana", "ben", "dee", "ana"]


def test_before_the_start_too_who_had_left_by_then_is_in_the_order() -> None:
    ours = turns("ana", "ben", {"person": "dee", "until": "2026-10-11"})
    before = MONDAY - timedelta(weeks=6)
    assert weeks(ours, 7, since=before) == ["ben", "dee", "ana", "ben", "ana", "ben", "ana"]


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_who_joins_takes_a_place_and_moves_nobody_before_that_day(place: int) -> None:
    order: list[object] = ["ana", "ben", "dee"]
    before = turns(*order)
    order.insert(place, {"person": "eve", "from": "2026-11-25"})
    after = turns(*order)
    past = MONDAY - timedelta(weeks=8)
    assert weeks(after, 12, since=past) == weeks(before, 12, since=past)
    assert "eve" in weeks(after, 8)


def test_who_joins_in_mid_shift_waits_for_a_handover() -> None:
    ours = turns("ana", {"person": "eve", "from": "2026-11-04"})
    assert at(ours, "2026-11-05T12:00") == "ana"
    assert at(ours, "2026-11-09T09:00") == "eve"


@pytest.mark.parametrize("leaver", [0, 1, 2])
def test_who_leaves_moves_nobody_before_that_day(leaver: int) -> None:
    names = ["ana", "ben", "dee"]
    order = [{"person": n, "until": "2026-11-29"} if n == names[leaver] else n for n in names]
    past = MONDAY - timedelta(weeks=8)
    assert weeks(turns(*order), 12, since=past) == weeks(turns(*names), 12, since=past)
    assert names[leaver] not in weeks(turns(*order), 20, since=date(2026, 11, 30))


def test_the_rest_of_a_leavers_shift_goes_to_the_next_from_local_midnight() -> None:
    ours = turns("ana", {"person": "ben", "until": "2026-11-11"}, "dee")
    assert at(ours, "2026-11-11T23:59") == "ben"
    assert at(ours, "2026-11-12T00:00") == "dee"


def test_a_leave_in_mid_shift_moves_nobody_elses_next_turn() -> None:
    ours = turns("ana", {"person": "ben", "until": "2026-11-11"}, "dee")
    assert weeks(ours, 6) == ["ana", "ben", "dee", "ana", "dee", "ana"]


def test_a_stand_in_who_leaves_too_hands_on_to_the_next() -> None:
    ours = turns(
        {"person": "ana", "until": "2026-11-03"}, {"person": "ben", "until": "2026-11-04"}, "dee"
    )
    days = ("03", "04", "05")
    assert [at(ours, f"2026-11-{day}T12:00") for day in days] == ["ana", "ben", "dee"]


def test_a_persons_own_dates_count_like_those_of_the_turn() -> None:
    people = {"ben": Person(name="Ben", until=date(2026, 11, 15))}
    assert weeks(turns("ana", "ben", people=people), 4) == ["ana", "ben", "ana", "ana"]


def test_with_nobody_active_there_is_a_gap_until_the_day_that_somebody_joins() -> None:
    ours = turns({"person": "ana", "until": "2026-11-03"}, {"person": "ben", "from": "2026-11-06"})
    assert at(ours, "2026-11-04T12:00") == "-"
    assert at(ours, "2026-11-05T23:59") == "-"
    assert at(ours, "2026-11-06T00:00") == "ben"


def test_the_widest_dates_that_the_estate_takes_are_no_trouble() -> None:
    ours = turns({"person": "ana", "from": "1971-01-01", "until": "2199-12-31"}, "ben")
    assert weeks(ours, 2) == ["ana", "ben"]


def test_an_answer_far_from_the_start_costs_no_walk_through_the_years() -> None:
    ours = turns("ana", "ben", "dee", rotate="hourly", handover=":00", starts=date(1972, 1, 1))
    hours = (datetime(2190, 6, 1, 12, tzinfo=UTC) - datetime(1971, 12, 31, 23, tzinfo=UTC)) // (
        timedelta(hours=1)
    )
    # Summer time in 2190 may or may not be in the zone's rules: an hour either way.
    answer = ours.held(datetime(2190, 6, 1, 12, tzinfo=UTC)).person
    assert answer in {("ana", "ben", "dee")[(hours + shift) % 3] for shift in (0, 1)}


def test_one_alone_is_one_piece_however_often_it_is_handed_over() -> None:
    ours = turns("ana", {"person": "ben", "until": "2026-11-11"}, rotate="daily", handover="02:00")
    held = ours.held(datetime(2026, 12, 1, tzinfo=UTC))
    assert held.person == "ana"
    assert held.until - held.since > timedelta(days=365)
