"""Do traces and log statements tell a slow network, and where a request stopped?"""

from __future__ import annotations

import pytest

from mainstay.diagnosis import CauseClass, Hypothesis, Material, Phase, diagnose
from mainstay.diagnosis.traces.span import Call, Line, workload_of
from mainstay.diagnosis.traces.steps import statement


def trace(number: int, gap_s: float = 0.001, *, statements: tuple[str, ...] = ()) -> Material:
    """shop calls pay (which takes 100 ms) and waits `gap_s` longer; pay says its statements."""
    name = f"t{number}"
    calls = (
        Call(name, "a", "", "shop", "GET /pay", number, 0.11 + gap_s),
        Call(name, "b", "a", "pay", "charge", number + 0.01, 0.1),
    )
    lines = tuple(
        Line("pay", text, number + 0.02 + 0.01 * index, "INFO", name, "b")
        for index, text in enumerate(statements)
    )
    return Material(traces={Phase.DURING: calls}, logs={Phase.DURING: lines})


def incident(good: list[Material], bad: list[Material]) -> Material:
    def joined(parts: list[Material], what: str) -> tuple[object, ...]:
        return tuple(one for part in parts for one in getattr(part, what)[Phase.DURING])

    return Material(
        traces={Phase.USUAL: joined(good, "traces"), Phase.DURING: joined(bad, "traces")},  # type: ignore[arg-type]
        logs={Phase.USUAL: joined(good, "logs"), Phase.DURING: joined(bad, "logs")},  # type: ignore[arg-type]
    )


def found(material: Material) -> tuple[Hypothesis, ...]:
    return diagnose(material).hypotheses


def test_time_lost_between_caller_and_callee_is_the_network() -> None:
    material = incident([trace(n) for n in range(5)], [trace(n, 2.0) for n in range(5)])
    one = found(material)[0]
    assert (one.where, one.kind, one.cause_class) == ("pay", "network-delay", CauseClass.NETWORK)
    assert "shop → pay: +1999 ms in between." in one.speaks_for[0].sentence


def test_a_gap_that_wanders_as_much_in_good_times_is_none() -> None:
    wandering = [trace(n, 0.3 * (n % 3)) for n in range(9)]
    assert found(incident(wandering, [trace(n, 0.5) for n in range(5)])) == ()


LINES = ("c.Pay#10 charging 17.20", "c.Pay#20 asking the bank", "c.Pay#30 charged")


def test_a_request_stops_between_two_statements_that_followed_each_other() -> None:
    good = [trace(n, statements=LINES) for n in range(5)]
    bad = [trace(n, statements=LINES[:2]) for n in range(5)]
    one = found(incident(good, bad))[0]
    assert (one.where, one.kind) == ("pay", "stops-between-steps")
    assert one.detail == "c.Pay#20 → c.Pay#30"
    assert one.cause_class is CauseClass.SOFTWARE


def test_more_steps_than_before_or_an_error_that_went_away_are_no_break() -> None:
    short, long = LINES[:2], LINES
    more = incident([trace(n, statements=short) for n in range(5)],
                    [trace(n, statements=long) for n in range(5)])  # fmt: skip
    assert found(more) == ()
    failing = (*LINES[:2], "ERROR c.Pay#99 no bank")
    healed = incident([trace(n, statements=failing) for n in range(5)],
                      [trace(n, statements=LINES[:2]) for n in range(5)])  # fmt: skip
    assert found(healed) == ()


def test_a_way_that_is_only_sometimes_taken_is_not_missed() -> None:
    good = [trace(n, statements=LINES if n % 2 else LINES[:2]) for n in range(6)]
    bad = [trace(n, statements=LINES[:2]) for n in range(6)]
    assert found(incident(good, bad)) == ()


def with_callers_break(material: Material) -> Material:
    def said(phase: Phase, last: bool) -> tuple[Line, ...]:
        names = sorted({one.trace for one in material.traces[phase]})
        texts = ("c.Shop#1 paying", "c.Shop#2 paid")[: 2 if last else 1]
        more = tuple(
            Line("shop", text, at, "INFO", name, "a")
            for name in names
            for at, text in enumerate(texts, start=100)
        )
        return (*material.logs[phase], *more)

    logs = {Phase.USUAL: said(Phase.USUAL, True), Phase.DURING: said(Phase.DURING, False)}
    return Material(traces=material.traces, logs=logs)


def test_the_deepest_break_counts_for_those_above_it_break_off_too() -> None:
    good = [trace(n, statements=LINES) for n in range(5)]
    bad = [trace(n, statements=LINES[:2]) for n in range(5)]
    ranked = found(with_callers_break(incident(good, bad)))
    assert [one.where for one in ranked] == ["pay", "shop"]
    assert ranked[0].score > ranked[1].score


@pytest.mark.parametrize(
    ("text", "key"),
    [("18:05 INFO c.Pay#10 TraceID: 8609 [id: 77]", "c.Pay#10"),
     ("TraceID: 04c87ec97bae SpanID: e400 Query product with id=42", "Query product with id"),
     ("17:03 ERROR c.Pay#10 failed", "an error")],
)  # fmt: skip
def test_a_statement_is_known_by_its_place_or_its_words(text: str, key: str) -> None:
    assert statement(text) == key


def test_a_pods_name_gives_its_workload() -> None:
    assert workload_of("ts-travel-service-64469b5b48-25zj6") == "ts-travel-service"
    assert workload_of("cart") == "cart"
