"""Every instant has exactly one answer, and changes of membership leave the past alone."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.estate import Estate
from mainstay.oncall import Answer, Duty, Override, Rota

PEOPLE = ("ana", "ben", "chen", "dee")
ZONES = (
    "Europe/Zurich",
    "America/Chicago",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Havana",
    "Asia/Kolkata",
    "Pacific/Chatham",
)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
START = datetime(2026, 3, 1, tzinfo=UTC)
CLOCK = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from((0, 15, 30, 59)))
DAY = st.dates(date(2026, 1, 1), date(2027, 3, 1))
INSTANT = st.integers(0, 370 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))


def handover(rotate: str) -> st.SearchStrategy[str]:
    match rotate:
        case "hourly":
            return st.sampled_from((":00", ":30", "05:45"))
        case "weekly":
            return st.builds("{} {}".format, st.sampled_from(DAYS), CLOCK)
        case "monthly":
            return st.builds("{} {}".format, st.integers(1, 31), CLOCK)
        case _:
            return CLOCK


@st.composite
def turn(draw: st.DrawFn) -> dict[str, Any]:
    dated: dict[str, Any] = {"person": draw(st.sampled_from(PEOPLE))}
    if draw(st.booleans()):
        dated["from"] = draw(DAY)
    if draw(st.booleans()):
        dated["until"] = draw(DAY)
    return dated


@st.composite
def layer(draw: st.DrawFn, *, windows: bool = True) -> dict[str, Any]:
    rotate = draw(st.sampled_from(("hourly", "daily", "weekly", "monthly")))
    only = st.fixed_dictionaries(
        {},
        optional={
            "from": CLOCK,
            "to": CLOCK,
            "days": st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
            "calendar": st.just("odd"),
        },
    )
    return {
        "rotate": rotate,
        "every": draw(st.integers(1, 5)),
        "handover": draw(handover(rotate)),
        "order": draw(st.lists(turn(), min_size=1, max_size=4)),
        "timezone": draw(st.sampled_from(ZONES)),
        "starts": draw(DAY),
        "only": draw(st.lists(only, max_size=2)) if windows else [],
    }


@st.composite
def override(draw: st.DrawFn) -> Override:
    starts_at = draw(INSTANT)
    return Override(
        id=f"ovr_{draw(st.integers(0, 10**6))}",
        schedule="s",
        person=draw(st.sampled_from(PEOPLE)),
        instead_of=draw(st.none() | st.sampled_from(PEOPLE)),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=draw(st.integers(1, 60 * 24 * 20))),
        author="ana",
        reason="swap",
        created_at=START + timedelta(seconds=draw(st.integers(0, 3))),
    )


def rota(layers: list[dict[str, Any]], overrides: list[Override] | None = None) -> Rota:
    estate = {
        "org": {"name": "x", "timezone": "Europe/Zurich"},
        "people": {name: {"name": name} for name in PEOPLE},
        "schedules": {"s": {"layers": layers}},
    }
    return Rota(
        Estate.model_validate(estate),
        "s",
        is_business_day=lambda _, day: day.toordinal() % 3 != 0,
        overrides=overrides or [],
    )


def said(answer: Answer) -> tuple[str | None, int | None, str | None]:
    if isinstance(answer, Duty):
        return answer.person, answer.layer, answer.override
    return None, None, None


@settings(max_examples=60, deadline=None)
@given(
    layers=st.lists(layer(), min_size=1, max_size=3),
    overrides=st.lists(override(), max_size=4, unique_by=lambda o: o.id),
    start=INSTANT,
    hours=st.integers(1, 24 * 6),
    data=st.data(),
)
def test_every_instant_has_exactly_one_answer_and_shifts_agree_with_who(
    layers: list[dict[str, Any]],
    overrides: list[Override],
    start: datetime,
    hours: int,
    data: st.DataObject,
) -> None:
    ours = rota(layers, overrides)
    end = start + timedelta(hours=hours)
    answers = ours.shifts(start, end)
    bounds = [start, *(answer.until for answer in answers)]
    assert [answer.since for answer in answers] == bounds[:-1]
    assert bounds[-1] == end
    assert all(a < b for a, b in pairwise(bounds)), "a stretch of no length"
    assert all(said(a) != said(b) for a, b in pairwise(answers)), "equal neighbours not joined"
    for answer in answers:
        length = answer.until - answer.since
        inside = answer.since + length * data.draw(st.floats(0, 0.999))
        asked = ours.who(inside)
        assert said(asked) == said(answer)
        assert asked.since is None or asked.since <= answer.since
        assert asked.until is None or asked.until >= answer.until
        assert said(ours.who(answer.until - timedelta(microseconds=1))) == said(answer)


@settings(max_examples=60, deadline=None)
@given(
    base=layer(windows=False),
    joiner_at=st.integers(0, 4),
    day=DAY,
    probes=st.lists(INSTANT, min_size=5, max_size=30),
)
def test_a_join_never_changes_who_had_an_earlier_shift(
    base: dict[str, Any], joiner_at: int, day: date, probes: list[datetime]
) -> None:
    base["starts"] = date(2026, 1, 1)  # a day from which on nobody's past is hypothetical
    order = [turn for turn in base["order"] if turn.get("from", date.max) != base["starts"]]
    joined = list(order)
    joined.insert(joiner_at, {"person": "eve", "from": max(day, date(2026, 2, 1))})
    if not order:
        return
    before, after = with_eve({**base, "order": order}), with_eve({**base, "order": joined})
    for probe in probes:
        if probe.date() < max(day, date(2026, 2, 1)) - timedelta(days=1):
            assert said(before.who(probe)) == said(after.who(probe))


@settings(max_examples=60, deadline=None)
@given(
    base=layer(windows=False),
    leaver=st.integers(0, 3),
    day=DAY,
    probes=st.lists(INSTANT, min_size=5, max_size=30),
)
def test_a_leave_never_changes_who_had_an_earlier_shift(
    base: dict[str, Any], leaver: int, day: date, probes: list[datetime]
) -> None:
    base["starts"] = date(2026, 1, 1)
    order = base["order"]
    leaver %= len(order)
    last = min(order[leaver].get("until", date.max), max(day, date(2026, 2, 1)))
    left = [{**t, "until": last} if place == leaver else t for place, t in enumerate(order)]
    before, after = with_eve({**base, "order": order}), with_eve({**base, "order": left})
    for probe in probes:
        if probe.date() < last:
            assert said(before.who(probe)) == said(after.who(probe))
        elif probe.date() > last + timedelta(days=1) and len(order) == 1:
            assert said(after.who(probe))[0] is None


def with_eve(one: dict[str, Any]) -> Rota:
    estate = {
        "org": {"name": "x"},
        "people": {name: {"name": name} for name in (*PEOPLE, "eve")},
        "schedules": {"s": {"layers": [one]}},
    }
    return Rota(Estate.model_validate(estate), "s", is_business_day=lambda _, __: True)


@settings(max_examples=40, deadline=None)
@given(base=layer(windows=False), probes=st.lists(INSTANT, min_size=1, max_size=10))
def test_nobody_is_on_call_outside_of_their_own_dates_and_no_gap_while_anyone_is_there(
    base: dict[str, Any], probes: list[datetime]
) -> None:
    from_until = [(t["person"], t.get("from"), t.get("until")) for t in base["order"]]
    ours = rota([base])
    for probe in probes:
        today = local_date(probe, base["timezone"])
        here = {
            name
            for name, first, final in from_until
            if (first is None or first <= today) and (final is None or today <= final)
        }
        person = said(ours.who(probe))[0]
        # Whoever stands in from a day on does so from its midnight; a join fills a gap at once.
        assert person in here if here else person is None


def local_date(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()
