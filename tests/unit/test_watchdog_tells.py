"""Is a finding told once, again at an interval, and once when it is over? And kept over a restart?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mainstay.watchdog.findings import Finding, span
from mainstay.watchdog.sign import FILE, Sign, last_sign, write_sign
from mainstay.watchdog.telling import LINES_MAX, Decision, Told, decide

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)
ONE = Finding("step esc_1", "INC-1 will not page", "INC-1 has been open for 7 min.")
TWO = Finding("step esc_2", "INC-2 will not page", "INC-2 has been open for 9 min.")


def after(minutes: int, known: dict[str, Told], *found: Finding) -> Decision:
    return decide(known, found, now=NOW + timedelta(minutes=minutes), repeat_after=HALF_AN_HOUR)


def test_it_is_told_once_repeated_after_the_interval_and_its_end_is_told() -> None:
    first = after(0, {}, ONE)
    assert first.message is not None
    assert (first.message.event, first.message.subject) == ("alarm", "INC-1 will not page")
    assert after(1, first.if_told, ONE).message is None
    again = after(30, first.if_told, ONE).message
    assert again is not None
    assert (again.event, again.subject) == ("repeat", "still: INC-1 will not page")
    assert "(Found 30 min ago.)" in again.text
    over = after(2, first.if_told)
    assert over.message is not None
    assert (over.message.event, over.message.subject) == ("recovery", "over: INC-1 will not page")
    assert over.if_told == {}


def test_what_nobody_heard_is_told_again_at_the_next_look() -> None:
    first = after(0, {}, ONE)
    again = after(1, first.if_not, ONE)
    assert again.message is not None
    assert again.message.event == "alarm"
    told = after(2, again.if_told)
    unheard = after(3, told.if_not)
    assert unheard.message is not None
    assert unheard.message.event == "recovery"


def test_what_was_over_before_anybody_heard_of_it_is_told_to_nobody() -> None:
    assert after(1, after(0, {}, ONE).if_not).message is None


def test_what_is_new_and_what_is_over_stand_in_one_message() -> None:
    both = after(1, after(0, {}, ONE).if_told, TWO).message
    assert both is not None
    assert both.subject == "INC-2 will not page"
    assert "INC-2" in both.text
    assert "Over, and well again:" in both.text
    assert both.text.index("INC-2") < both.text.index("INC-1")


def test_a_storm_of_findings_is_one_message_of_bounded_length() -> None:
    many = [replace(ONE, key=f"step {n}") for n in range(LINES_MAX + 30)]
    told = after(0, {}, *many).message
    assert told is not None
    assert told.subject == f"{LINES_MAX + 30} things are wrong: INC-1 will not page …"
    assert told.text.count("INC-1") == LINES_MAX
    assert "… and 30 more." in told.text


def test_a_sign_of_life_comes_back_as_it_was_and_a_broken_one_is_none(tmp_path: Path) -> None:
    sign = Sign(NOW, 7, 0.02, (Told(ONE, NOW, None), Told(TWO, NOW, NOW)), NOW)
    write_sign(tmp_path, sign)
    assert last_sign(tmp_path) == sign
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    for broken in (b"", b"{}", b"[]", b"\xff", b'{"at": "x"}'):
        (tmp_path / FILE).write_bytes(broken)
        assert last_sign(tmp_path) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(7, "7 s"), (420, "7 min"), (7500, "2 h 5 min"), (7200, "2 h"), (273_600, "3 d 4 h")],
)
def test_a_span_is_told_in_two_units_at_most(seconds: int, words: str) -> None:
    assert span(seconds) == words
