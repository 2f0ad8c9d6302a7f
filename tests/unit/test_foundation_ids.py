"""Ids sort by when they were made; instants survive being stored."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import hypothesis.strategies as st
import pytest
from hypothesis import given

from mainstay.foundation.clock import ManualClock, from_us, to_text, to_us
from mainstay.foundation.errors import Invalid, MainstayError, Stuck
from mainstay.foundation.ids import Ids, decode, encode

NOW = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)


@given(st.integers(0, 2**128 - 1))
def test_a_ulid_comes_back_as_it_was(value: int) -> None:
    text = encode(value)
    assert len(text) == 26
    assert decode(text) == value


@given(st.lists(st.integers(-5_000, 5_000), max_size=50))
def test_ids_of_one_process_grow_however_its_clock_jumps(jumps: list[int]) -> None:
    ids, clock = Ids(), ManualClock(NOW)
    made = [ids.new("x", clock.forward(milliseconds=jump)) for jump in jumps]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_an_id_says_what_and_when() -> None:
    made = Ids().new("inc", NOW)
    assert made.startswith("inc_")
    assert decode(made[4:]) >> 80 == to_us(NOW) // 1000


def test_threads_get_different_ids() -> None:
    ids, made = Ids(), []
    threads = [
        threading.Thread(target=lambda: made.extend(ids.new("x", NOW) for _ in range(500)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 2_000


@pytest.mark.parametrize("text", ["", "0" * 25, "0" * 27, "I" * 26, "é" * 26])
def test_what_is_no_ulid_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode(text)


@given(st.integers(0, 4_000_000_000_000_000))
def test_an_instant_comes_back_as_it_was(us: int) -> None:
    assert to_us(from_us(us)) == us


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    zone = timezone(timedelta(hours=5, minutes=45))
    assert to_text(NOW.astimezone(zone)) == "2026-11-23T08:00:00.123Z"


def test_an_error_carries_its_code_and_no_more_than_it_was_given() -> None:
    error = Stuck("The disk is full.", retry_after_s=5, path="x")
    assert isinstance(error, MainstayError)
    assert (error.code, error.status, error.retry_after_s) == ("MS-5003", 503, 5)
    assert error.facts == {"path": "x"}
    assert Invalid("No.", pointer="/a").pointer == "/a"
