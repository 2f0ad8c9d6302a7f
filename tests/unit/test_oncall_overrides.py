"""Overrides as acts: in force at once, refused in words, and never a change of the past."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mainstay.estate import Estate, Target
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Invalid, NotFound
from mainstay.foundation.ids import Ids
from mainstay.oncall import (
    Found,
    Gap,
    Override,
    Reached,
    Wanted,
    calendar_feed,
    on_call_for,
    overrides,
    shifts,
    who,
)

pytestmark = pytest.mark.both

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday; it is ben's week
HOUR = timedelta(hours=1)
ESTATE = Estate.model_validate(
    {
        "org": {"name": "Alpenpay", "timezone": "Europe/Zurich"},
        "people": {
            "ana": {"name": "Ana"},
            "ben": {"name": "Ben"},
            "dee": {"name": "Dee", "from": "2026-12-01"},
            "old": {"name": "Old", "until": "2026-11-25"},
        },
        "teams": {
            "payops": {"members": ["ana", "ben", "dee"]},
            "leavers": {"members": ["dee"]},
        },
        "schedules": {
            "payops-oncall": {
                "layers": [
                    {
                        "rotate": "weekly",
                        "handover": "mon 09:00",
                        "order": [{"person": "ana"}, {"person": "ben"}],
                        "starts": "2026-11-16",
                    }
                ]
            },
            "office": {
                "layers": [
                    {
                        "rotate": "weekly",
                        "handover": "mon 09:00",
                        "order": [{"person": "ana"}],
                        "only": {"from": "08:00", "to": "12:00"},
                    }
                ]
            },
        },
    }
)


def always(_: str, __: date) -> bool:
    return True


@pytest.fixture
def add(tx: Tx) -> Callable[..., tuple[Override, ...]]:
    ids = Ids()

    def make(*wanted: Wanted, now: datetime = NOW) -> tuple[Override, ...]:
        return overrides.add(
            tx, ids, estate=ESTATE, wanted=wanted, author="ben", now=now, is_business_day=always
        )

    return make


def wanted(person: str = "ana", start: float = 0, end: float = 2, **more: Any) -> Wanted:
    """`start` and `end` in hours from now."""
    given: dict[str, Any] = {
        "schedule": "payops-oncall",
        "person": person,
        "starts_at": NOW + start * HOUR,
        "ends_at": NOW + end * HOUR,
        "reason": "dentist",
    }
    return Wanted(**given | more)


def person_at(tx: Tx, at: datetime) -> str | None:
    answer = who(tx, ESTATE, schedule="payops-oncall", at=at, is_business_day=always)
    return None if isinstance(answer, Gap) else answer.person


def test_an_override_is_in_force_from_the_instant_it_is_made(
    tx: Tx, add: Callable[..., tuple[Override, ...]]
) -> None:
    assert person_at(tx, NOW) == "ben"
    add(wanted("ana"))
    assert person_at(tx, NOW) == "ana"
    assert person_at(tx, NOW + 2 * HOUR) == "ben"


def test_an_override_that_starts_in_the_past_rewrites_nobodys_past(
    tx: Tx, add: Callable[..., tuple[Override, ...]]
) -> None:
    (made,) = add(wanted("ana", start=-5))
    assert made.starts_at == NOW
    assert person_at(tx, NOW - HOUR) == "ben"


def test_a_removed_override_ends_now_and_stays_true_for_what_it_covered(
    tx: Tx, add: Callable[..., tuple[Override, ...]]
) -> None:
    (made,) = add(wanted("ana"))
    overrides.remove(tx, made.id, now=NOW + HOUR)
    assert person_at(tx, NOW + HOUR) == "ben"
    assert person_at(tx, NOW + HOUR / 2) == "ana"


def test_an_override_removed_before_it_begins_never_begins(
    tx: Tx, add: Callable[..., tuple[Override, ...]]
) -> None:
    (made,) = add(wanted("ana", start=1))
    assert overrides.remove(tx, made.id, now=NOW) == made
    assert person_at(tx, NOW + HOUR) == "ben"
    assert overrides.coming(tx, now=NOW) == []


def test_removing_twice_or_too_late_is_a_conflict_and_an_unknown_one_is_not_found(
    tx: Tx, add: Callable[..., tuple[Override, ...]]
) -> None:
    (early,) = add(wanted("ana", start=1))
    (late,) = add(wanted("ana"))
    overrides.remove(tx, early.id, now=NOW)
    with pytest.raises(Conflict, match="removed before"):
        overrides.remove(tx, early.id, now=NOW)
    with pytest.raises(Conflict, match="over already"):
        overrides.remove(tx, late.id, now=NOW + 2 * HOUR)
    with pytest.raises(NotFound, match="no override 'ovr_x'"):
        overrides.remove(tx, "ovr_x", now=NOW)


def test_a_swap_is_two_overrides_in_one_act_over_one_span(
    tx: Tx, add: Callable[..., tuple[Override, ...]]
) -> None:
    fortnight = {"start": 0, "end": 24 * 13}
    add(
        wanted("ana", instead_of="ben", **fortnight),
        wanted("ben", instead_of="ana", **fortnight),
    )
    answers = shifts(
        tx,
        ESTATE,
        schedule="payops-oncall",
        start=NOW,
        end=NOW + 24 * 13 * HOUR,
        is_business_day=always,
    )
    assert [getattr(a, "person", None) for a in answers] == ["ana", "ben", "ana"]
    assert answers[2].why.startswith("ana, override instead of ben")


def test_coming_overrides_are_listed_soonest_first_and_by_schedule(
    tx: Tx, add: Callable[..., tuple[Override, ...]]
) -> None:
    (later,) = add(wanted("ana", start=5, end=6))
    (sooner,) = add(wanted("ana", start=1, end=2))
    (office,) = add(wanted("ben", start=3, end=4, schedule="office"))
    assert overrides.coming(tx, now=NOW) == [sooner, office, later]
    assert overrides.coming(tx, now=NOW, schedule="office") == [office]
    assert overrides.coming(tx, now=NOW + 5 * HOUR) == [later]


@pytest.mark.parametrize(
    ("bad", "pointer", "words"),
    [
        (wanted(end=0), "/0/ends_at", "ends after it starts"),
        (wanted(start=-3, end=-1), "/0/ends_at", "over already"),
        (wanted(end=24 * 91), "/0/ends_at", "at most 90 days"),
        (wanted(start=24 * 390, end=24 * 401), "/0/ends_at", "within 400 days"),
        (wanted("anna"), "/0/person", "did you mean 'ana'"),
        (wanted(instead_of="benn"), "/0/instead_of", "did you mean 'ben'"),
        (wanted("ana", instead_of="ana"), "/0/instead_of", "name two people"),
        (wanted("dee"), "/0/person", "dee joins on 2026-12-01"),
        (wanted("old", end=48), "/0/person", "old's last day is 2026-11-25"),
        (wanted("ben", instead_of="ana"), "/0/instead_of", "ana has no shift of payops-oncall"),
        (wanted(reason="  "), "/0/reason", "Say why"),
        (wanted(starts_at=datetime(2026, 11, 24)), "/0/starts_at", "no time zone"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_override_that_makes_no_sense_is_refused_with_what_to_mend(
    tx: Tx, add: Callable[..., tuple[Override, ...]], bad: Wanted, pointer: str, words: str
) -> None:
    with pytest.raises(Invalid, match=words) as caught:
        add(bad)
    assert caught.value.pointer == pointer


def test_when_one_of_an_act_is_refused_none_is_kept(
    tx: Tx, add: Callable[..., tuple[Override, ...]]
) -> None:
    with pytest.raises(Invalid) as caught:
        add(wanted("ana"), wanted("zoe"))
    assert caught.value.pointer == "/1/person"
    assert overrides.coming(tx, now=NOW) == []


def test_an_act_without_overrides_is_refused(add: Callable[..., tuple[Override, ...]]) -> None:
    with pytest.raises(Invalid, match="1 to 50"):
        add()


def test_an_unknown_schedule_is_not_found(add: Callable[..., tuple[Override, ...]]) -> None:
    with pytest.raises(NotFound, match="did you mean 'payops-oncall'"):
        add(wanted(schedule="payops-oncal"))


def found(tx: Tx, text: str, at: datetime = NOW) -> Found:
    kind, _, name = text.partition(":")
    target = Target(kind, name)  # type: ignore[arg-type]
    return on_call_for(tx, ESTATE, target=target, at=at, is_business_day=always)


def test_a_schedule_stands_for_the_one_who_is_on_call(tx: Tx) -> None:
    assert found(tx, "schedule:payops-oncall").people == (
        Reached("ben", "ben, weekly rotation of layer 1, until Mon 30 Nov 09:00 CET"),
    )


def test_a_team_stands_for_its_members_who_are_with_us_that_day(tx: Tx) -> None:
    assert [p.person for p in found(tx, "team:payops").people] == ["ana", "ben"]
    december = datetime(2026, 12, 1, tzinfo=UTC)
    assert [p.person for p in found(tx, "team:payops", december).people] == ["ana", "ben", "dee"]


def test_a_person_stands_for_themselves_through_the_last_day(tx: Tx) -> None:
    assert found(tx, "person:old", datetime(2026, 11, 25, 22, 59, tzinfo=UTC)).people == (
        Reached("old", "old, by name"),
    )


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("schedule:office", "gap: nobody is on call for office, until Wed 25 Nov 08:00 CET"),
        ("schedule:gone", "there is no schedule 'gone' any more"),
        ("team:gone", "there is no team 'gone' any more"),
        ("team:leavers", "nobody of team leavers is with us on that day"),
        ("person:gone", "there is no person 'gone' any more"),
        ("person:dee", "dee joins on 2026-12-01"),
    ],
)
def test_a_target_that_reaches_nobody_says_why_and_is_no_error(
    tx: Tx, target: str, why: str
) -> None:
    assert found(tx, target) == Found((), why)


def test_who_left_is_not_paged_any_more(tx: Tx) -> None:
    after = datetime(2026, 11, 25, 23, tzinfo=UTC)
    assert found(tx, "person:old", after) == Found((), "old left; the last day was 2026-11-25")


def feed(tx: Tx, text: str, start: datetime = NOW) -> bytes:
    kind, _, name = text.partition(":")
    return calendar_feed(
        tx,
        ESTATE,
        target=Target(kind, name),  # type: ignore[arg-type]
        start=start,
        days=14,
        now=NOW,
        is_business_day=always,
    )


def events(text: bytes) -> list[dict[str, str]]:
    """The events of a calendar, read with nothing but RFC 5545's line rules."""
    lines = text.decode().replace("\r\n ", "").split("\r\n")
    found: list[dict[str, str]] = []
    for line in lines:
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found:
            found[-1].setdefault(name.partition(";")[0], value)
    return found


def test_a_schedules_feed_has_one_event_per_shift_whole_and_in_utc(tx: Tx) -> None:
    text = feed(tx, "schedule:payops-oncall")
    assert [(e["DTSTART"], e["DTEND"], e["SUMMARY"]) for e in events(text)] == [
        ("20261123T080000Z", "20261130T080000Z", "ben on call: payops-oncall"),
        ("20261130T080000Z", "20261207T080000Z", "ana on call: payops-oncall"),
        ("20261207T080000Z", "20261214T080000Z", "ben on call: payops-oncall"),
    ]
    assert text.startswith(b"BEGIN:VCALENDAR\r\n")


def test_a_shift_keeps_its_uid_as_the_feed_moves_on(tx: Tx) -> None:
    today = {e["UID"] for e in events(feed(tx, "schedule:payops-oncall"))}
    tomorrow = {e["UID"] for e in events(feed(tx, "schedule:payops-oncall", NOW + 24 * HOUR))}
    assert today == tomorrow
    assert len(today) == 3


def test_a_persons_feed_has_the_shifts_of_every_schedule_and_overrides(
    tx: Tx, add: Callable[..., tuple[Override, ...]]
) -> None:
    add(wanted("ben", start=2, end=4, schedule="office"))
    found = {e["SUMMARY"] for e in events(feed(tx, "person:ben"))}
    assert found == {"ben on call: payops-oncall", "ben on call: office"}


@pytest.mark.parametrize("target", ["team:payops", "person:gone"])
def test_a_feed_for_nobody_is_refused(tx: Tx, target: str) -> None:
    with pytest.raises(Invalid):
        feed(tx, target)
