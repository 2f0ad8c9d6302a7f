"""What a change means for people: the sentences that `plan` and `check` show."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mainstay.estate import Estate
from mainstay.foundation.errors import Invalid
from mainstay.oncall import Difference, differences, gap_report

START = datetime(2026, 11, 24, 12, tzinfo=UTC)


def estate(order: str = "ana ben", *, gaps: str = "warn", **more: Any) -> Estate:
    layer = {
        "rotate": "weekly",
        "handover": "mon 09:00",
        "order": [{"person": name} for name in order.split()],
        "starts": "2026-11-16",
    }
    schedules = {"payops-oncall": {"layers": [layer | more], "gaps": gaps}}
    return declared(schedules)


def declared(schedules: dict[str, Any]) -> Estate:
    return Estate.model_validate(
        {
            "org": {"name": "Alpenpay", "timezone": "Europe/Zurich"},
            "people": {name: {"name": name} for name in ("ana", "ben", "dee")},
            "schedules": schedules,
        }
    )


def weekday(_: str, day: date) -> bool:
    return day.weekday() < 5


def changed(old: Estate | None, new: Estate, days: int = 28) -> list[Difference]:
    return differences(
        old,
        new,
        start=START,
        days=days,
        is_business_day_old=weekday,
        is_business_day_new=weekday,
    )


def test_the_same_estate_has_no_consequences() -> None:
    assert changed(estate(), estate()) == []


def test_a_changed_order_says_who_is_on_call_instead_of_whom() -> None:
    assert [d.sentence for d in changed(estate("ana ben"), estate("ana dee"), days=14)] == [
        "dee is on call for payops-oncall from Tue 24 Nov 13:00 to Mon 30 Nov 09:00 CET "
        "instead of ben",
        "dee is on call for payops-oncall from Mon 7 Dec 09:00 to Tue 8 Dec 13:00 CET "
        "instead of ben",
    ]


def test_a_new_gap_is_flagged_unless_the_schedule_allows_gaps() -> None:
    narrow: dict[str, Any] = {"only": {"from": "08:00", "to": "20:00"}}
    found = changed(estate("ana"), estate("ana", **narrow), days=3)
    assert [(d.gap, d.sentence) for d in found] == [
        (
            True,
            "nobody is on call for payops-oncall from Tue 24 Nov 20:00 to Fri 27 Nov 08:00 CET; "
            "it was ana, in 3 stretches",
        )
    ]
    allowed = changed(estate("ana"), estate("ana", gaps="allow", **narrow), days=3)
    assert [d.gap for d in allowed] == [False]


def test_a_gap_that_closes_says_where_nobody_was() -> None:
    narrow: dict[str, Any] = {"only": {"days": ["mon", "tue"]}}
    (found,) = changed(estate("ana", **narrow), estate("ana"), days=2)
    assert found.sentence.endswith("where nobody was")
    assert (found.before, found.after) == (None, "ana")


def test_a_first_estate_names_who_begins() -> None:
    assert [d.sentence for d in changed(None, estate())] == [
        "payops-oncall is new: ben is on call for it first, "
        "from Tue 24 Nov 13:00 to Mon 30 Nov 09:00 CET"
    ]


def test_a_schedule_that_goes_names_who_loses_it() -> None:
    assert [d.sentence for d in changed(estate(), declared({}))] == [
        "payops-oncall is gone; ben is on call for it now"
    ]


def test_differences_come_soonest_first() -> None:
    other = {"layers": [{"rotate": "daily", "handover": "00:00", "order": [{"person": "ana"}]}]}
    both = declared({**estate("ben ana").model_dump(by_alias=True)["schedules"], "aaa": other})
    found = changed(estate("ana ben"), both)
    assert [d.since for d in found] == sorted(d.since for d in found)
    assert len(found) == 6


def test_check_hears_of_gaps_once_per_schedule_with_their_sum() -> None:
    (found,) = gap_report(
        estate("ana", gaps="error", only={"from": "08:00", "to": "20:00", "days": ["mon"]}),
        start=START,
        days=14,
        is_business_day=weekday,
    )
    assert (found.level, found.count) == ("error", 3)
    assert found.total == timedelta(days=14) - timedelta(hours=24)
    assert found.sentence == (
        "nobody is on call for payops-oncall in 3 stretches of the next 14 days, 312 h in all; "
        "the first is from Tue 24 Nov 13:00 to Mon 30 Nov 08:00 CET"
    )


def test_a_schedule_that_covers_all_or_may_have_gaps_is_not_reported() -> None:
    whole = estate("ana ben")
    allowed = estate("ana", gaps="allow", only={"days": ["mon"]})
    for one in (whole, allowed):
        assert gap_report(one, start=START, is_business_day=weekday) == []


@pytest.mark.parametrize("days", [0, -1, 401, 10**12])
def test_a_span_of_days_that_makes_no_sense_is_refused(days: int) -> None:
    with pytest.raises(Invalid, match="1 to 400 days"):
        gap_report(estate(), start=START, days=days, is_business_day=weekday)
