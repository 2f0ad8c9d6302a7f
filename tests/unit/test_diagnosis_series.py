"""Do metrics tell who got slow or fails itself, which resource ran out, and when nothing is wrong?"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mainstay.diagnosis import (
    CauseClass,
    Hypothesis,
    Material,
    Measure,
    Series,
    Symptom,
    Verdict,
    diagnose,
)
from mainstay.diagnosis.series.change import change, change_point, rarity, wander
from mainstay.diagnosis.series.measures import measure_of
from mainstay.diagnosis.series.nodes import is_control_plane, is_relay

WINDOW_S = 300.0
USUAL_COUNT = 60
CALLS = frozenset({("shop", "search"), ("shop", "pay"), ("pay", "ledger"), ("pay", "ledger.elb.x")})


def points(values: Sequence[float], start_s: float = 0.0) -> tuple[tuple[float, float], ...]:
    return tuple((start_s + index * WINDOW_S, value) for index, value in enumerate(values))


def series(where: str, measure: Measure, was: float, now: float) -> Series:
    """Usual days that wander by a hundredth around `was`, one window before, three during."""
    usual = [was * (1 + 0.01 * (index % 3 - 1)) for index in range(USUAL_COUNT)]
    return Series(
        where, measure.value, measure,
        usual=points(usual), before=points([was], 1e6), during=points([now] * 3, 2e6),
    )  # fmt: skip


def shop(measure: Measure, **levels: tuple[float, float, float]) -> Material:
    """Each service: requests a window, level before, level now; seen at the shop."""
    found = []
    for name, (requests, was, now) in levels.items():
        where = name.replace("_", ".")
        found.append(series(where, measure, was, now))
        found.append(series(where, Measure.REQUESTS, requests, requests))
    return Material(symptom=Symptom("shop", measure), series=tuple(found), calls=CALLS)


def first(material: Material) -> Hypothesis:
    return diagnose(material).hypotheses[0]


def test_the_one_that_got_slow_itself_is_the_cause_not_those_that_wait_for_it() -> None:
    found = first(
        shop(Measure.LATENCY, shop=(100, 0.5, 0.9), pay=(100, 0.2, 0.6), ledger=(100, 0.1, 0.5),
             search=(100, 0.1, 0.1))
    )  # fmt: skip
    assert (found.where, found.kind) == ("ledger", "slow-itself")
    assert found.verdict is Verdict.LIKELY
    assert "100.0 ms to 500.0 ms" in found.speaks_for[0].sentence


def test_a_slow_caller_of_healthy_services_is_the_cause_itself() -> None:
    found = first(
        shop(Measure.LATENCY, shop=(100, 0.5, 0.9), pay=(100, 0.2, 0.6), ledger=(100, 0.1, 0.1),
             search=(100, 0.1, 0.1))
    )  # fmt: skip
    assert found.where == "pay"


def test_a_load_balancer_relays_what_is_behind_it_and_is_never_named() -> None:
    material = shop(Measure.LATENCY, shop=(100, 0.5, 0.9), pay=(100, 0.2, 0.6),
                    ledger_elb_x=(100, 0.1, 0.5))  # fmt: skip
    assert [one.where for one in diagnose(material).hypotheses] == ["pay"]


def test_failures_are_counted_where_they_are_made() -> None:
    found = first(
        shop(Measure.AVAILABILITY, shop=(100, 100, 95), pay=(50, 100, 90), ledger=(50, 100, 100),
             search=(100, 100, 100))
    )  # fmt: skip
    assert (found.where, found.kind) == ("pay", "fails-itself")


def test_something_never_called_before_that_only_fails_is_a_wrong_name_in_its_caller() -> None:
    material = shop(Measure.AVAILABILITY, shop=(100, 100, 90), pay=(100, 100, 90))
    new = Series("ledger", "availability", Measure.AVAILABILITY, during=points([0.0] * 3, 2e6))
    calls = Series("ledger", "requests", Measure.REQUESTS, during=points([10.0] * 3, 2e6))
    material = Material(material.symptom, series=(*material.series, new, calls), calls=CALLS)
    assert first(material).where == "pay"


def test_a_slow_one_with_many_more_requests_is_a_matter_of_capacity() -> None:
    material = shop(Measure.LATENCY, shop=(100, 0.5, 0.9), pay=(100, 0.2, 0.6))
    surge = series("pay", Measure.REQUESTS, 100, 300)
    rest = tuple(s for s in material.series if (s.where, s.measure) != ("pay", surge.measure))
    found = first(Material(material.symptom, series=(*rest, surge), calls=CALLS))
    assert (found.where, found.kind, found.cause_class) == ("pay", "overload", CauseClass.CAPACITY)


def test_a_symptom_that_comes_on_every_other_day_has_no_cause() -> None:
    usual = points([0.2, 0.2, 0.6, 0.6] * 20)
    jumpy = Series("shop", "latency", Measure.LATENCY, usual=usual,
                   before=points([0.2], 1e6), during=points([0.6], 2e6))  # fmt: skip
    slow = series("pay", Measure.LATENCY, 0.1, 0.5)
    found = diagnose(Material(Symptom("shop", Measure.LATENCY), series=(jumpy, slow), calls=CALLS))
    assert not found.found
    assert found.sentence.startswith("No cause found")


def test_a_thing_whose_level_often_jumps_like_that_is_not_named() -> None:
    usual = points([0.1, 0.1, 0.1, 0.5, 0.5, 0.5] * 20)
    jumpy = Series("search", "latency", Measure.LATENCY, usual=usual,
                   before=points([0.1], 1e6), during=points([0.5] * 3, 2e6))  # fmt: skip
    slow = series("shop", Measure.LATENCY, 0.2, 0.6)
    found = diagnose(Material(Symptom("shop", Measure.LATENCY), series=(jumpy, slow), calls=CALLS))
    assert "search" not in [one.where for one in found.hypotheses]


def resource(where: str, measure: Measure, was: float, now: float) -> Series:
    wobble = [was * (1 + 0.01 * (index % 3 - 1)) for index in range(30)]
    return Series(where, measure.value, measure, usual=points(wobble), during=points([now] * 30))


def test_a_busy_cpu_is_named_with_its_levels() -> None:
    found = first(Material(series=(resource("carts", Measure.CPU, 2, 98),
                                   resource("user", Measure.CPU, 1, 1.02))))  # fmt: skip
    assert (found.where, found.kind) == ("carts", "cpu-growth")
    assert found.speaks_for[0].sentence.startswith("cpu went from 2 to 98")


def test_memory_that_fills_is_the_cause_of_the_busy_cpu_beside_it() -> None:
    found = diagnose(Material(series=(
        resource("carts", Measure.CPU, 1, 98), resource("carts", Measure.MEMORY, 300e6, 800e6),
        resource("user", Measure.MEMORY, 200e6, 200e6),
    )))  # fmt: skip
    assert [one.kind for one in found.hypotheses] == ["memory-growth", "cpu-growth"]


def test_ten_megabytes_beside_a_busy_cpu_are_no_leak() -> None:
    found = first(Material(series=(
        resource("user", Measure.CPU, 1, 98), resource("user", Measure.MEMORY, 14e6, 24e6),
        resource("carts", Measure.MEMORY, 300e6, 300e6),
    )))  # fmt: skip
    assert found.kind == "cpu-growth"


def test_steady_resources_give_no_cause() -> None:
    assert not diagnose(Material(series=(resource("carts", Measure.CPU, 50, 51),))).found


def test_the_level_before_is_of_the_same_day_and_the_wander_of_all_days() -> None:
    one = Series("a", "cpu", Measure.CPU, usual=points([10, 20, 10, 20]), before=points([30]),
                 during=points([60]))  # fmt: skip
    moved = change(one)
    assert moved is not None
    assert (moved.was, moved.now) == (30, 60)
    assert moved.wander == pytest.approx(wander([10, 20, 10, 20]))
    assert change(Series("a", "cpu", Measure.CPU, during=points([60]))) is None


def test_one_outlier_does_not_widen_the_wander_as_a_plain_deviation_would() -> None:
    steady = [10.0, 10.2, 9.8] * 20
    assert wander([*steady, 100.0]) < 6.0
    assert wander([]) == 0.0


def test_rarity_is_the_share_of_stretches_that_rose_as_much() -> None:
    steps = [0.0, 1.0] * 40
    assert rarity(steps, 1, 1, 1.0) == pytest.approx(0.5, abs=0.01)
    assert rarity(steps, 1, 1, 1.5) == 0.0
    assert rarity([0.0, 1.0], 1, 1, 0.5) == 0.0, "too little is known to call it ordinary"


def test_a_change_point_is_where_the_level_moved_and_a_flat_line_has_none() -> None:
    assert change_point([1.0] * 10 + [5.0] * 7)[0] == 10
    assert change_point([1.0] * 10 + [5.0] * 7)[1] == pytest.approx(1.0)
    assert change_point([1.0] * 20) == (0, 0.0)
    assert change_point([1.0, 5.0]) == (0, 0.0)


@pytest.mark.parametrize(
    ("name", "measure"),
    [("lat_90", Measure.LATENCY), ("CpuUsageRate(%)", Measure.CPU), ("mem", Measure.MEMORY),
     ("NetworkP90(ms)", Measure.NETWORK), ("PodSuccessRate(%)", Measure.AVAILABILITY),
     ("db_queries_per_second", Measure.REQUESTS), ("http_5xx", Measure.ERRORS),
     ("colour", Measure.OTHER)],
)  # fmt: skip
def test_a_measure_is_told_from_the_metrics_name(name: str, measure: Measure) -> None:
    assert measure_of(name) is measure


def test_relays_and_control_planes_are_known_by_their_names() -> None:
    assert is_relay("servi-lista.us-west-2.elb.amazonaws.com_remote")
    assert is_relay("PetSearch_client")
    assert not is_relay("client-orders")
    assert not is_relay("elbow-service")
    assert is_control_plane("SSM_AWS::SSM")
    assert not is_control_plane("assembler")
