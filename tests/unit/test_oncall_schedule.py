"""A schedule's answer: layers, windows, gaps, overrides, and the sentence that says why."""

from datetime import UTC, date, datetime, timedelta

import pytest

from mainstay.estate import Estate
from mainstay.foundation.errors import Invalid, NotFound
from mainstay.oncall import Answer, Duty, Gap, Override, Rota

WEEKLY = {
    "rotate": "weekly",
    "handover": "mon 09:00",
    "order": [{"person": "ana"}, {"person": "ben"}],
    "starts": "2026-11-16",
}
NIGHT = {
    "rotate": "daily",
    "handover": "02:00",
    "order": [{"person": "chen"}],
    "only": {"from": "23:00", "to": "07:00"},
}


def rota(*layers: object, overrides: tuple[Override, ...] = (), **people: object) -> Rota:
    names = {name: {"name": name} for name in ("ana", "ben", "chen", "dee")}
    estate = {
        "org": {"name": "Alpenpay", "timezone": "Europe/Zurich"},
        "people": names | people,
        "schedules": {"payops-oncall": {"layers": list(layers)}},
    }
    return Rota(
        Estate.model_validate(estate),
        "payops-oncall",
        is_business_day=lambda calendar, day: calendar == "ch" and day.weekday() < 5,
        overrides=overrides,
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def override(person: str, start: str, end: str, *, act: int = 0, **more: str) -> Override:
    return Override(
        id=more.get("id", f"ovr_{act}{person}"),
        schedule="payops-oncall",
        person=person,
        instead_of=more.get("instead_of"),
        starts_at=at(start),
        ends_at=at(end),
        author="person:ana",
        reason="dentist",
        created_at=at("2026-11-01T00:00Z") + timedelta(seconds=act),
    )


def persons(answers: list[Answer]) -> list[str]:
    return [answer.person if isinstance(answer, Duty) else "-" for answer in answers]


def test_the_answer_names_the_person_the_bounds_and_why() -> None:
    answer = rota(WEEKLY).who(at("2026-11-24T12:00Z"))
    assert answer == Duty(
        person="ben",
        layer=1,
        override=None,
        since=at("2026-11-23T08:00Z"),
        until=at("2026-11-30T08:00Z"),
        why="ben, weekly rotation of layer 1, until Mon 30 Nov 09:00 CET",
    )


def test_the_later_layer_wins_where_it_covers_and_passes_midnight() -> None:
    answers = rota(WEEKLY, NIGHT).shifts(at("2026-11-24T11:00Z"), at("2026-11-25T11:00Z"))
    assert persons(answers) == ["ben", "chen", "ben"]
    assert (answers[1].since, answers[1].until) == (
        at("2026-11-24T22:00Z"),
        at("2026-11-25T06:00Z"),
    )


def test_the_days_of_a_window_are_the_days_on_which_it_starts() -> None:
    friday_night = {**NIGHT, "only": {"from": "23:00", "to": "07:00", "days": ["fri"]}}
    ours = rota(friday_night)
    assert isinstance(ours.who(at("2026-11-28T05:00Z")), Duty)  # Saturday morning
    assert isinstance(ours.who(at("2026-11-27T05:00Z")), Gap)  # Friday morning


def test_a_calendars_window_is_open_on_its_business_days_only() -> None:
    ours = rota({**WEEKLY, "only": {"from": "08:00", "to": "18:00", "calendar": "ch"}})
    assert isinstance(ours.who(at("2026-11-27T12:00Z")), Duty)
    assert isinstance(ours.who(at("2026-11-28T12:00Z")), Gap)


def test_several_windows_of_a_layer_cover_together() -> None:
    windows = [{"from": "08:00", "to": "12:00"}, {"from": "13:00", "to": "17:00"}]
    answers = rota({**WEEKLY, "only": windows}).shifts(
        at("2026-11-24T00:00+01:00"), at("2026-11-25T00:00+01:00")
    )
    assert persons(answers) == ["-", "ben", "-", "ben", "-"]


def test_a_whole_weekend_is_one_stretch_with_the_hour_that_comes_twice() -> None:
    weekend = {**WEEKLY, "order": [{"person": "ana"}], "only": {"days": ["sat", "sun"]}}
    answer = rota(weekend).who(at("2026-10-24T12:00Z"))
    assert (answer.since, answer.until) == (at("2026-10-23T22:00Z"), at("2026-10-25T23:00Z"))


def test_a_gap_is_an_answer_with_its_bounds() -> None:
    answer = rota({**WEEKLY, "only": {"from": "08:00", "to": "18:00"}}).who(at("2026-11-24T20:00Z"))
    assert answer == Gap(
        since=at("2026-11-24T17:00Z"),
        until=at("2026-11-25T07:00Z"),
        why="nobody is on call for payops-oncall, until Wed 25 Nov 08:00 CET",
    )


def test_who_is_alone_has_no_end_in_sight() -> None:
    answer = rota({**WEEKLY, "order": [{"person": "ana"}]}).who(at("2026-11-24T20:00Z"))
    assert (answer.since, answer.until) == (None, None)
    assert answer.why == "ana, weekly rotation of layer 1, with no change in sight"


def test_a_zone_without_a_name_of_its_own_is_told_by_its_offset() -> None:
    answer = rota({**WEEKLY, "timezone": "Asia/Singapore"}).who(at("2026-11-24T20:00Z"))
    assert answer.why.endswith("until Mon 30 Nov 09:00 UTC+08")


def test_an_override_wins_over_every_layer_and_says_whose_word_it_is() -> None:
    dee = override("dee", "2026-11-24T20:00Z", "2026-11-25T00:00Z")
    ours = rota(WEEKLY, NIGHT, overrides=(dee,))
    answer = ours.who(at("2026-11-24T23:30Z"))
    assert answer.why == "dee, override by ana (dentist), until Wed 25 Nov 01:00 CET"
    assert persons(ours.shifts(at("2026-11-24T12:00Z"), at("2026-11-25T12:00Z"))) == [
        "ben",
        "dee",
        "chen",
        "ben",
    ]


def test_of_two_overrides_the_one_made_later_wins() -> None:
    first = override("dee", "2026-11-24T08:00Z", "2026-11-24T16:00Z", act=1)
    second = override("chen", "2026-11-24T10:00Z", "2026-11-24T12:00Z", act=2)
    answers = rota(WEEKLY, overrides=(second, first)).shifts(
        at("2026-11-24T08:00Z"), at("2026-11-24T16:00Z")
    )
    assert persons(answers) == ["dee", "chen", "dee"]


def test_a_swap_over_one_span_of_time_does_not_undo_itself() -> None:
    span = ("2026-11-23T08:00Z", "2026-12-07T08:00Z")
    swap = (
        override("ben", *span, act=1, instead_of="ana"),
        override("ana", *span, act=1, instead_of="ben"),
    )
    assert persons(rota(WEEKLY, overrides=swap).shifts(at(span[0]), at(span[1]))) == ["ana", "ben"]


def test_a_later_act_can_replace_the_one_who_stepped_in() -> None:
    span = ("2026-11-23T08:00Z", "2026-11-30T08:00Z")
    acts = (
        override("dee", *span, act=1, instead_of="ben"),
        override("chen", *span, act=2, instead_of="dee"),
    )
    assert persons(rota(WEEKLY, overrides=acts).shifts(at(span[0]), at(span[1]))) == ["chen"]


def test_an_override_instead_of_somebody_leaves_the_others_shifts_alone() -> None:
    span = ("2026-11-16T08:00Z", "2026-11-30T08:00Z")
    dee = override("dee", *span, instead_of="ana")
    assert persons(rota(WEEKLY, overrides=(dee,)).shifts(at(span[0]), at(span[1]))) == [
        "dee",
        "ben",
    ]


def test_an_override_ends_with_its_persons_last_day() -> None:
    span = ("2026-11-23T08:00Z", "2026-11-30T08:00Z")
    leaver = {"name": "Dee", "until": date(2026, 11, 25)}
    ours = rota(WEEKLY, overrides=(override("dee", *span),), dee=leaver)
    answers = ours.shifts(at(span[0]), at(span[1]))
    assert persons(answers) == ["dee", "ben"]
    assert answers[0].until == at("2026-11-25T23:00Z")


def test_an_override_for_somebody_who_is_no_longer_declared_is_ignored() -> None:
    span = ("2026-11-23T08:00Z", "2026-11-30T08:00Z")
    ours = rota(WEEKLY, overrides=(override("zoe", *span),))
    assert persons(ours.shifts(at(span[0]), at(span[1]))) == ["ben"]


def test_shifts_are_cut_to_what_was_asked_unless_wanted_whole() -> None:
    start, end = at("2026-11-24T00:00Z"), at("2026-11-25T00:00Z")
    assert [(a.since, a.until) for a in rota(WEEKLY).shifts(start, end)] == [(start, end)]
    whole = rota(WEEKLY).shifts(start, end, whole=True)
    assert [(a.since, a.until) for a in whole] == [
        (at("2026-11-23T08:00Z"), at("2026-11-30T08:00Z"))
    ]


def test_an_unknown_schedule_is_not_found_and_a_near_name_is_offered() -> None:
    estate = Estate.model_validate(
        {
            "org": {"name": "x"},
            "people": {"ana": {"name": "A"}, "ben": {"name": "B"}},
            "schedules": {"payops-oncall": {"layers": [WEEKLY]}},
        }
    )
    with pytest.raises(NotFound, match="did you mean 'payops-oncall'"):
        Rota(estate, "payops-on-call", is_business_day=lambda _, __: True)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (datetime(2026, 1, 1), datetime(2026, 1, 2), "no time zone"),
        (at("2026-01-02T00:00Z"), at("2026-01-02T00:00Z"), "after the start"),
        (at("2026-01-02T00:00Z"), at("2028-01-02T00:00Z"), "at most 400 days"),
        (datetime(1, 1, 1, tzinfo=UTC), at("2026-01-02T00:00Z"), "too far away"),
        (at("2026-01-02T00:00Z"), datetime(9999, 12, 31, 23, tzinfo=UTC), "too far away"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_in_words(
    start: datetime, end: datetime, words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        rota(WEEKLY).shifts(start, end)
