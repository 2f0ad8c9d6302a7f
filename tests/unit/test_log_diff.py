"""Does the comparison of a good and a bad window put first what an engineer would point at?"""

from __future__ import annotations

from collections.abc import Callable

from mainstay.telemetry.logs import Event, diff
from mainstay.telemetry.logs.values import values

MINUTE_US = 60_000_000


def window(*kinds: tuple[int, Callable[[int], str], str], start_us: int = 0) -> list[Event]:
    """Events of ten minutes: of each kind so many, evenly spread."""
    found = [
        Event(words(n), at_us=start_us + n * 10 * MINUTE_US // max(count - 1, 1), level=level)  # type: ignore[arg-type]
        for count, words, level in kinds
        for n in range(count)
    ]
    return sorted(found, key=lambda one: one.at_us or 0)


def served(n: int) -> str:
    return f"served order {n} in {10 + n % 5} ms"


def test_two_windows_alike_differ_in_nothing() -> None:
    kinds = ((300, served, "info"), (40, lambda n: f"cache of {n} entries", "debug"))
    assert diff(window(*kinds), window(*kinds, start_us=3600 * 1_000_000)) == []


def test_a_new_error_comes_before_what_grew() -> None:
    good = window((300, served, "info"), (20, lambda n: f"retry {n}", "warning"))
    bad = window(
        (300, served, "info"), (70, lambda n: f"retry {n}", "warning"),
        (30, lambda n: f"cannot connect to db-{n}: refused", "error"),
    )  # fmt: skip
    found = diff(good, bad)
    assert [(one.kind, one.text) for one in found] == [
        ("new", "cannot connect to db-<*>: refused"), ("more", "retry <*>"),
    ]  # fmt: skip
    assert found[0].example.message == "cannot connect to db-0: refused"


def test_what_stopped_is_told() -> None:
    found = diff(window((60, lambda n: f"heartbeat {n}", "info"), (9, served, "info")),
                 window((9, served, "info")))  # fmt: skip
    assert [(one.kind, one.text) for one in found] == [("gone", "heartbeat <*>")]


def test_a_shorter_window_is_no_drop() -> None:
    good, bad = window((600, served, "info")), window((600, served, "info"))[:300]
    assert diff(good, bad) == []


def test_slower_is_told_with_both_medians() -> None:
    good = window((100, served, "info"))
    bad = window((100, lambda n: f"served order {n} in {100 + n % 5} ms", "info"))
    (found,) = diff(good, bad)
    assert found.kind == "slower"
    assert found.because.endswith("12 before, 102 now")


def test_a_setting_that_changed_is_told() -> None:
    good = window((30, lambda n: "pool size = 20", "info"))
    bad = window((30, lambda n: "pool size = 5", "info"))
    (found,) = diff(good, bad)
    assert (found.kind, found.because) == ("changed", "size = <*>: 20 before, 5 now")


def test_ids_that_always_differ_are_no_change() -> None:
    good = window((30, lambda n: f"opened request {n}", "info"))
    bad = window((30, lambda n: f"opened request {n + 1000}", "info"))
    assert diff(good, bad) == []


def test_a_field_of_a_structured_line_can_be_slower() -> None:
    def one(n: int, took: int) -> Event:
        return Event("query done", at_us=n, fields={"took_ms": str(took)})

    (found,) = diff([one(n, 5) for n in range(50)], [one(n, 50) for n in range(50)])
    assert (found.kind, found.shift and found.shift.place) == ("slower", "took_ms")


def test_an_empty_window_is_lawful() -> None:
    assert diff([], []) == []
    assert {one.kind for one in diff([], window((5, served, "info")))} == {"new"}


def test_values_are_cut_out_where_the_template_has_places() -> None:
    assert values("took <*> ms for <*>", "took  12 ms for a b") == ["12", "a b"]
    assert values("<*> of <*> done", "3 of 4 done") == ["3", "4"]
    assert values("took <*>", "gave 3") is None
    assert values("a <*> b", "a 1 c") is None
