"""Is every condition either read or refused at its character, and judged without surprise?"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.estate import NoPast, judge, parse
from mainstay.estate.expect import BadCondition, check_names

NUMBERS = st.one_of(st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9, allow_nan=False))
NAMES = st.sampled_from(["value", "latency", "size", "count"])
OPS = {"<": float.__lt__, "<=": float.__le__, ">": float.__gt__, ">=": float.__ge__, "==": float.__eq__, "!=": float.__ne__}  # fmt: skip
SCRAPS = st.lists(
    st.sampled_from(
        ["value", "latency", "<", "==", "500", "ms", "(", ")", "and", "or", "not", "+", "*", "/", "-", '"x"', "'",
         ".", "[", "]", "0", "on", "unless", "from", "to", "22:30", "ch-bank", "median", ",", "%", "true", "=", "é"]
    ),
    max_size=14,
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


class Series:
    """Earlier values, a minute apart."""

    def __init__(self, values: Sequence[float]) -> None:
        self.values = values

    def last(self, name: str, count: int) -> Sequence[tuple[float, float]]:
        return [(60.0 * n, value) for n, value in enumerate(self.values[:count], start=1)]

    def same_hour(self, name: str, weeks: int) -> Sequence[float]:
        return self.values[:weeks]


@given(st.one_of(st.text(max_size=40), SCRAPS.map(" ".join)))
def test_whatever_is_written_is_read_or_refused_at_a_character_of_it(text: str) -> None:
    at, said = _refusal(text)
    if said is not None:
        assert 1 <= at <= len(text) + 1
        assert said.startswith(f"At character {at}: ")
    else:
        assert isinstance(judge(parse(text), {}, NoPast()).holds, bool)


def _refusal(text: str) -> tuple[int, str | None]:
    try:
        check_names(parse(text), "plugin")
    except BadCondition as error:
        return error.at, error.sentence
    return 0, None


@given(SCRAPS.map(" ".join), st.dictionaries(NAMES, VALUES, max_size=4))
def test_judging_never_raises_whatever_was_measured(text: str, values: dict[str, object]) -> None:
    try:
        read = parse(text)
    except BadCondition:
        return
    held = judge(read, values, Series([3.0, 4.0]))
    assert held.words


@given(NUMBERS, st.sampled_from(sorted(OPS)), st.integers(0, 10**9))
def test_a_comparison_is_that_of_numbers(value: float, op: str, limit: int) -> None:
    held = judge(parse(f"value {op} {limit}"), {"value": value}, NoPast())
    assert held.holds is bool(OPS[op](float(value), float(limit)))
    if not held.holds:
        assert "expected" in held.words


@given(st.integers(0, 10**6), st.integers(1, 10**3), st.integers(0, 10**6))
def test_arithmetic_binds_as_everywhere(a: int, b: int, c: int) -> None:
    assert judge(
        parse(f"value == {a} + {b} * {c} - {a} / {b}"), {"value": a + b * c - a / b}, NoPast()
    ).holds
    assert judge(parse(f"value == ({a} + {b}) * {c}"), {"value": (a + b) * c}, NoPast()).holds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("2s", 2), ("3m", 180), ("1h", 3600), ("26h", 93600), ("1.5d", 129600)],
)
def test_times_are_seconds(text: str, seconds: float) -> None:
    assert judge(parse(f"latency == {text}"), {"latency": seconds}, NoPast()).holds


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("size > 0.8 * median(size, 14)", True), ("size > 2 * median(size)", False),
        ("size < highest(size, 3) + 1", False), ("change(size) == 10", True), ("usual(size, 4) < 101", True),
        ("rate(size) > 0", True), ("days_to(size, 200) < 1", True), ("mean(size, 2) == 95", True),
        ("days_to(size, 50) > 1000", True),
    ],
)  # fmt: skip
def test_the_past_is_asked(text: str, holds: bool) -> None:
    past = Series([100.0, 90.0, 80.0, 70.0])
    assert judge(parse(text), {"size": 110.0}, past).holds is holds


def test_what_is_not_known_yet_holds_and_says_so() -> None:
    for text in (
        "size > median(size)",
        "size < 2 * usual(size)",
        "days_to(size, 9) > 14",
        "change(size) < 1",
    ):
        held = judge(parse(text), {"size": 5.0}, NoPast())
        assert (held.holds, held.known) == (True, False), text
    assert not judge(parse("size > median(size) and size > 9"), {"size": 5.0}, NoPast()).holds


def test_a_trend_that_never_meets_its_limit_is_infinitely_far() -> None:
    held = judge(parse("days_to(size, 200) > 1000000"), {"size": 60.0}, Series([70.0, 80.0, 90.0]))
    assert held.holds


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("latancy < 1s", 1, "did you mean 'latency'?"), ("latency < 5", 11, "a time needs a unit"),
        ("latency < 5kB", 9, "a time is compared with a size"), ("status = 200", 8, "'=' is written '=='"),
        ("status == ", 11, "expected a value, got the end"), ("status == 200 201", 15, "the end, 'and' or 'or'"),
        ("latency < 5mss", 12, "no unit 'mss' (did you mean 'ms'?)"), ("medain(latency) < 1s", 1, "did you mean 'median'?"),
        ("body matches \"(\"", 14, "RE2"), ("1 < latency < 2s", 13, "two comparisons in a row"),
        ("status == 200 on", 17, "the id of a calendar"), ("status", 0, ""),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_character_with_the_nearest_name(
    text: str, at: int, words: str
) -> None:
    if not words:
        check_names(parse(text), "http")
        return
    with pytest.raises(BadCondition) as raised:
        check_names(parse(text), "http")
    assert (raised.value.at, words in raised.value.sentence) == (at, True), raised.value.sentence
