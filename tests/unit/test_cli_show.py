"""Are times, ages and texts shown so that a tired person reads them right, and a terminal is safe?"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mainstay.cli import show
from mainstay.foundation.errors import Invalid

NOW = datetime(2026, 11, 22, 5, 40, 8, tzinfo=UTC)
ZURICH = ZoneInfo("Europe/Zurich")


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("2026-11-22T05:40:08.123Z", "06:40:08"),
        ("2026-11-21T23:30:00Z", "00:30:00"),
        ("2026-11-21T22:30:00Z", "Sat 21 Nov 23:30"),
        ("2025-11-21T22:30:00Z", "Fri 21 Nov 2025 23:30"),
        (None, "–"),
    ],
)
def test_a_time_is_told_in_the_persons_zone_and_no_longer_than_needed(
    at: str | None, shown: str
) -> None:
    assert show.Look(NOW, ZURICH).when(at) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59, "59 s"), (60, "1 m"), (3599, "59 m"), (3600, "1 h"), (7500, "2 h 5 m"),
     (86_400, "1 d"), (273_600, "3 d 4 h")],
)  # fmt: skip
def test_an_age_has_two_units_at_most(seconds: int, shown: str) -> None:
    look = show.Look(NOW, UTC)
    at = (NOW - timedelta(seconds=seconds)).isoformat()
    assert look.age(at) == shown


def test_what_is_to_come_says_so() -> None:
    assert show.Look(NOW, UTC).age("2026-11-22T05:45:08Z") == "in 5 m"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(161, "2:41"), (3722, "1:02:02"), (5, "0:05"), (0, "now"), (-3, "now")]
)
def test_the_time_to_the_next_page_counts_down(seconds: int, shown: str) -> None:
    assert show.countdown(timedelta(seconds=seconds)) == shown


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("now", "2026-11-22T05:40:08+00:00"),
        ("+2h", "2026-11-22T07:40:08+00:00"),
        ("14:00", "2026-11-22T13:00:00+00:00"),
        ("9:05", "2026-11-22T08:05:00+00:00"),
        ("2026-12-24 22:00", "2026-12-24T21:00:00+00:00"),
        ("2026-12-24", "2026-12-23T23:00:00+00:00"),
        ("2026-07-01T00:00:00Z", "2026-07-01T00:00:00+00:00"),
        ("2026-07-01T00:00:00+05:00", "2026-06-30T19:00:00+00:00"),
    ],
)
def test_a_typed_time_is_meant_in_the_persons_zone(typed: str, meant: str) -> None:
    assert show.when_given(typed, now=NOW, zone=ZURICH).isoformat() == meant


@pytest.mark.parametrize("typed", ["", "tomorrow", "25:00", "+2", "2026-13-01", "+99999999999w"])
def test_a_time_that_cannot_be_meant_is_refused_with_what_fits(typed: str) -> None:
    with pytest.raises(Invalid, match="is not a time; write 14:00"):
        show.when_given(typed, now=NOW, zone=ZURICH)


@pytest.mark.parametrize(
    "evil", ["\x1b[2J", "\x9b31m", "a\rb", "\x07", "\u202egnp.exe", "\u2066x", "\ud800", "\x00"]
)
def test_no_text_from_outside_can_steer_the_terminal(evil: str) -> None:
    for shown in (show.clean(evil), show.paragraphs(evil), show.as_json({"a": evil})):
        shown.encode("utf-8")
        assert not set(shown) & set("\x1b\x9b\r\x07\u202e\u2066\x00")


def test_json_output_is_the_value_again_even_when_the_text_is_evil() -> None:
    value = {"summary": "zürich 😀 \x1b[31m \u202e\u009b", "n": 1}
    assert json.loads(show.as_json(value)) == value
    assert "zürich 😀" in show.as_json(value)


def test_a_line_is_one_line() -> None:
    assert show.clean("a\nb\tc") == "a b c"
    assert show.paragraphs("a\nb") == "a\nb"


def test_a_piped_table_is_plain_whole_and_without_blanks_at_the_end() -> None:
    file = io.StringIO()
    out = show.console(file, {})
    show.table(out, ["incident", "title"], [("INC-1", "x" * 400), ("INC-12", show.state("nobody"))])
    assert file.getvalue() == f"incident  title\nINC-1     {'x' * 400}\nINC-12    nobody\n"


def test_states_have_colours_on_a_terminal_only() -> None:
    for environment, coloured in (
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ):
        file = Terminal()
        show.console(file, environment).print(show.state("failed"))
        assert ("\x1b" in file.getvalue()) is coloured, environment
        assert "failed" in file.getvalue()


def test_a_table_on_a_narrow_terminal_wraps_and_loses_no_words() -> None:
    file = Terminal()
    out = show.console(file, {"TERM": "xterm", "NO_COLOR": "1"})
    out.width = 24
    show.table(out, ["incident", "title"], [("INC-1", "replica lag of the ledger is 40 s")])
    lines = file.getvalue().splitlines()
    assert all(len(line) <= 24 for line in lines)
    said = " ".join(file.getvalue().split())
    assert all(word in said for word in ("INC-1", "replica", "ledger", "40 s"))
