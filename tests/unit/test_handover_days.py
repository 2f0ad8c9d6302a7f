"""When is a checklist due, and which shift follows which, also on the odd days of the year?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest

from mainstay import estate, handover
from mainstay.estate import View

BASE: dict[str, Any] = {
    "org": {"name": "A", "timezone": "Europe/Zurich", "business_day_starts": "04:00"},
    "people": {"ana": {"name": "Ana"}},
    "calendars": {"weekdays": {"weekend": ["sat", "sun"], "extra": ["2026-12-25"]}},
    "escalations": {"fallback": {"steps": [{"after": "0m", "notify": ["person:ana"]}]}},
    "services": {"x": {"tier": 1, "owner": "ops"}},
    "routes": [{"to": "service:x"}],
}
SHIFTS = {"early": "06:00-14:00", "late": "14:00-22:00", "night": "22:00-06:00"}


def view(shifts: dict[str, Any] | None = None, **checklist: Any) -> View:
    team = {"members": ["ana"], "shifts": shifts or {}}
    day = {"team": "ops", "items": [{"manual": "Look"}], **checklist}
    values = BASE | {"teams": {"ops": team}, "checklists": {"day": day}}
    return View(1, estate.from_values(values))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_business_day_ends_when_the_next_one_starts() -> None:
    seen = view(due="06:45")
    assert handover.days.business_date(seen, at("2026-11-24T02:59")) == date(2026, 11, 23)
    assert handover.days.business_date(seen, at("2026-11-24T03:00")) == date(2026, 11, 24)


@pytest.mark.parametrize(
    ("due", "opens", "due_at", "opens_at"),
    [
        ("06:45", None, "2026-11-24T05:45", "2026-11-24T04:45"),
        ("06:45", "05:30", "2026-11-24T05:45", "2026-11-24T04:30"),
        ("06:45", "22:00", "2026-11-24T05:45", "2026-11-23T21:00"),
        ("02:00", None, "2026-11-25T01:00", "2026-11-25T00:00"),
    ],
)
def test_a_time_of_day_belongs_to_its_business_day(
    due: str, opens: str | None, due_at: str, opens_at: str
) -> None:
    seen = view(due=due, **({"opens": opens} if opens else {}))
    rules = seen.estate.checklists["day"]
    found = handover.days.occurrence(seen, rules, date(2026, 11, 24))
    assert (found.due_at, found.opens_at) == (at(due_at), at(opens_at))


def test_a_time_that_the_clock_skips_is_the_next_minute_that_exists() -> None:
    seen = view(due="02:30")  # of the business day before, in the night to 28 March 2027
    rules = seen.estate.checklists["day"]
    found = handover.days.occurrence(seen, rules, date(2027, 3, 27))
    assert found.due_at == at("2027-03-28T01:00")


def test_the_day_after_a_holiday_and_a_weekend_is_the_next_one() -> None:
    seen = view(due="06:45", calendar="weekdays")
    rules = seen.estate.checklists["day"]
    coming = handover.days.coming(seen, rules, at("2026-12-24T12:00"))
    assert coming is not None
    assert coming.day == date(2026, 12, 28)
    latest = handover.days.latest(seen, rules, at("2026-12-27T12:00"))
    assert latest is not None
    assert latest.day == date(2026, 12, 24)


def test_three_shifts_follow_each_other_without_a_hole_also_when_the_clock_changes() -> None:
    seen = view(SHIFTS, due="06:45")
    start, end = at("2027-03-27T05:00"), at("2027-03-30T05:00")
    found = handover.shifts.stretches(seen, "ops", start, end)
    inside = [one for one in found if one.starts_at >= start]
    for before, after in pairwise(inside):
        assert before.ends_at == after.starts_at
        assert handover.shifts.following(seen, before) == after
    night = next(one for one in inside if one.shift == "night")
    assert (night.ends_at - night.starts_at).total_seconds() == 7 * 3600  # an hour is missing


def test_a_version_that_was_stored_when_shifts_were_texts_is_still_read() -> None:
    stored = view(SHIFTS, due="06:45").estate.model_dump(mode="json", by_alias=True)
    stored["teams"]["ops"]["shifts"] = dict(SHIFTS)
    again = estate.Estate.model_validate(stored)
    assert again.teams["ops"].shifts["night"].at == "22:00-06:00"
