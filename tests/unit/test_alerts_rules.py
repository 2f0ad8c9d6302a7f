"""Matchers speak Alertmanager's grammar; the correlator gives one answer, whatever the order."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from mainstay.acts import commands
from mainstay.alerts import Alert, Candidate, Matcher, State, correlate, parse
from mainstay.foundation.errors import Invalid
from walk import Walk, fire

pytestmark = pytest.mark.both

NOW_US = 1_795_420_800_000_000
MINUTE_US = 60_000_000
DISTANCE = {("api", "db"): 1, ("api", "web"): 1, ("api", "cdn"): 2}


@pytest.mark.parametrize(
    ("text", "name", "op", "value"),
    [
        ("service=pay-api", "service", "=", "pay-api"),
        (' service = "pay api" ', "service", "=", "pay api"),
        ("severity=~critical|error", "severity", "=~", "critical|error"),
        ('a!="b"', "a", "!=", "b"),
        ('a!~"b.*"', "a", "!~", "b.*"),
        ('a="say \\"hi\\""', "a", "=", 'say "hi"'),
        ("a=", "a", "=", ""),
        ("a==b", "a", "=", "=b"),
        ("__x:y=1", "__x:y", "=", "1"),
    ],
)
def test_a_matcher_is_read_as_alertmanager_reads_it(
    text: str, name: str, op: str, value: str
) -> None:
    found = parse(text)
    assert (found.name, found.op, found.value) == (name, op, value)
    assert parse(str(found)) == found


@pytest.mark.parametrize("text", ["", "service", "=x", "1a=b", "a b=c", "a=~(", "a=~(?=x)", "é=1"])
def test_what_is_no_matcher_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(Invalid, match=r"no matcher|no regular expression"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "labels", "fits"),
    [
        ("a=b", {"a": "b"}, True),
        ("a=b", {}, False),
        ("a=", {}, True),
        ("a!=b", {}, True),
        ("a=~b", {"a": "bb"}, False),
        ("a=~b.*", {"a": "bb"}, True),
        ("a!~b", {"a": "b"}, False),
        ("a=~.*", {}, True),
    ],
)
def test_a_matcher_fits_whole_values_and_missing_labels_are_empty(
    text: str, labels: dict[str, str], fits: bool
) -> None:
    assert parse(text).fits(labels) is fits


def alert(service: str) -> Alert:
    return Alert(
        "alt_1", "s", "k", service, "critical", "it broke", {}, {}, None, NOW_US, NOW_US, NOW_US,
        None, 0, "firing", False, State.OPEN, None, None, None, "r", "r", 1,
    )  # fmt: skip


def distance(one: str, other: str) -> int | None:
    return DISTANCE.get((one, other))


def place(candidates: list[Candidate]) -> Any:
    return correlate(
        alert("api"), candidates, distance=distance, window=timedelta(minutes=10), at_us=NOW_US
    )


def test_the_order_of_the_candidates_does_not_matter() -> None:
    dice = random.Random(3)
    candidates = [
        Candidate(f"inc_{n % 3}", service, NOW_US - (n % 4) * MINUTE_US)
        for n, service in enumerate(["db", "web", "cdn", "db", "web", "other"] * 2)
    ]
    wanted = place(candidates)
    for _ in range(100):
        dice.shuffle(candidates)
        assert place(candidates) == wanted


def test_two_neighbours_as_near_and_as_new_in_one_incident_are_no_riddle() -> None:
    found = place([Candidate("inc_1", "db", NOW_US), Candidate("inc_1", "web", NOW_US)])
    assert found.incident == "inc_1"
    assert "db" in found.because


def test_the_nearest_and_then_the_newest_neighbour_wins() -> None:
    far, old, new = (
        Candidate("inc_far", "cdn", NOW_US),
        Candidate("inc_old", "db", NOW_US - 5 * MINUTE_US),
        Candidate("inc_new", "web", NOW_US - MINUTE_US),
    )
    assert place([far, old, new]).incident == "inc_new"
    assert place([far, old]).incident == "inc_old"
    assert place([far]).incident == "inc_far"


def test_a_neighbour_counts_to_the_end_of_the_window_and_no_longer() -> None:
    edge = NOW_US - 10 * MINUTE_US
    assert place([Candidate("inc_1", "db", edge)]).incident == "inc_1"
    assert place([Candidate("inc_1", "db", edge - 1)]).incident is None
    assert place([Candidate("inc_1", "api", edge - 1)]).incident == "inc_1"


# -- alerts and the clock, silences and what an alert becomes ----------------------------------------


@pytest.fixture
def walk() -> Any:
    made = Walk()
    yield made
    made.end()


def test_a_clock_that_was_set_back_hides_no_alert(walk: Walk) -> None:
    walk.fires("alpha")
    walk.clears("alpha")
    walk.clock.forward(hours=-2)
    walk.restart()
    for _ in range(3):
        walk.fires("alpha")
    assert [one.service for one in walk.alerts() if one.source != "mainstay"] == ["alpha"]
    assert not walk.rows("SELECT receipt FROM signals_request WHERE state <> 'settled'")


def event(severity: str) -> dict[str, Any]:
    payload = {"summary": "it broke", "source": "x", "severity": severity, "class": "c"}
    return {
        "routing_key": "*" * 32,
        "event_action": "trigger",
        "dedup_key": "k",
        "payload": payload,
    }


def test_an_alert_that_outgrows_its_silence_is_heard(walk: Walk) -> None:
    now = walk.clock.now()
    matcher = Matcher("severity", "=", "warning")
    walk.act(commands.AddSilence((matcher,), now, now + timedelta(hours=1), "noise"))
    walk.sends(event("warning"), source="agents")  # type: ignore[arg-type]
    walk.settle()
    assert not walk.journal
    walk.sends(event("critical"), source="agents")  # type: ignore[arg-type]
    walk.settle()
    assert [one.page.person for one in walk.journal] == ["mara"]


def test_time_that_we_were_down_is_given_back_once(walk: Walk) -> None:
    ends = walk.clock.now() + timedelta(minutes=10)
    walk.sends([fire("alpha") | {"endsAt": ends.isoformat()}])
    walk.settle()
    walk.clock.forward(minutes=5)
    walk.restart()
    walk.restart()
    assert walk.alerts()[0].expires_at == int((ends + timedelta(minutes=5)).timestamp() * 1e6)


def test_what_reopens_takes_back_all_its_services_for_the_rest_of_the_request(walk: Walk) -> None:
    """web and mobile have only lake in common, which is in the incident too."""
    for service in ("web", "lake", "mobile"):
        walk.fires(service)
    for service in ("web", "lake", "mobile"):
        walk.clears(service)
    walk.sends([fire("web"), fire("mobile")])
    walk.settle()
    assert len(walk.incidents()) == 1
    assert not walk.rows("SELECT receipt FROM signals_request WHERE state <> 'settled'")


def test_a_fault_closed_by_hand_speaks_again_once_its_source_said_that_it_was_over(
    walk: Walk,
) -> None:
    walk.fires("alpha")
    walk.act(commands.Resolve("INC-1"))
    walk.fires("alpha")
    assert not walk.alerts()
    walk.clears("alpha")
    walk.fires("alpha")
    assert len(walk.alerts()) == 1


def test_a_fault_closed_by_hand_that_goes_on_firing_speaks_again_after_a_quarter_of_an_hour(
    walk: Walk,
) -> None:
    walk.fires("alpha")
    walk.act(commands.Resolve("INC-1"))
    walk.clock.forward(minutes=14)
    walk.fires("alpha")
    assert not walk.alerts()
    walk.clock.forward(minutes=1)
    walk.fires("alpha")
    assert len(walk.alerts()) == 1
