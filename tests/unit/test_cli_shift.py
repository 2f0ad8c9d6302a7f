"""Does the live view tell the truth at any size, and does each key do what its word says?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mainstay.cli import show
from mainstay.cli.shift import keys
from mainstay.cli.shift.frame import frame
from mainstay.cli.shift.screen import (
    Acted,
    Answered,
    Away,
    Job,
    Mode,
    Screen,
    Traced,
    press,
    take,
)

NOW = datetime(2026, 11, 22, 5, 40, 8, tzinfo=UTC)
LOOK = show.Look(NOW, UTC)


def at(**ago: float) -> str:
    return (NOW - timedelta(**ago)).isoformat()


def incident(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"inc_{number}", "name": f"INC-{number}", "number": number, "service": "pay-db",
        "title": f"replica lag {number}", "state": "new", "priority": "P1", "label": "SEV 1",
        "assignee": None, "acknowledged_by": None, "opened_at": at(minutes=12),
        "next_page_at": at(seconds=-161), **more,
    }  # fmt: skip


def found(*incidents: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "at": at(), "verdict": "2 incidents are open.", "incidents": list(incidents),
        "alerts_open": 3, "backlog": 0,
        "oncall": [{"schedule": "payops", "person": "mara", "until": at(hours=-3)},
                   {"schedule": "dba", "person": None, "until": None}],
        "pages": [{"id": "pag_1", "incident": "inc_1", "person": "mara", "channel": "mail",
                   "state": "failed", "reason": "step 1", "due_at": at(minutes=2),
                   "attempted_at": at(minutes=1), "sent_at": None, "answer": "550 no such person"}],
        "record": [{"seq": n, "at": at(seconds=60 - n), "because": f"fact {n}"} for n in range(30)],
        **more,
    }  # fmt: skip


def screen(*incidents: dict[str, Any], **more: Any) -> Screen:
    return replace(take(Screen("http://m"), Answered(found(*incidents)), now=NOW), **more)


def drawn(of: Screen, width: int = 120, height: int = 40) -> list[str]:
    lines = frame(of, look=LOOK, width=width, height=height, keys=True)
    return [line.plain for line in lines]


def test_the_frame_says_who_has_what_and_when_the_next_page_goes() -> None:
    text = "\n".join(drawn(screen(incident(1), incident(2, acknowledged_by="ben", priority="P2"))))
    for words in (
        "2 incidents are open.", "3 alerts open", "▸ INC-1  SEV 1  pay-db  12 m  new  nobody",
        "page in 2:41", "ben", "payops  mara    until 08:40:08", "dba     nobody",
        "mara  mail  failed  INC-1  550 no such person", "fact 29", "a acknowledge", "q quit",
    ):  # fmt: skip
        assert words in text, words


@pytest.mark.parametrize("width", [1, 20, 40, 80, 200])
@pytest.mark.parametrize("height", [1, 3, 8, 12, 24, 60])
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("number", [0, 1, 100])
def test_a_frame_never_outgrows_the_terminal(
    width: int, height: int, mode: Mode, number: int
) -> None:
    shown = screen(*(incident(n + 1) for n in range(number)), mode=mode, typed="x" * 300)
    for one in (shown, replace(shown, away_since=NOW, trouble="away " * 40), Screen("http://m")):
        lines = frame(one, look=LOOK, width=width, height=height, keys=True)
        assert len(lines) <= height
        assert all(line.cell_len <= width and "\n" not in line.plain for line in lines)


def test_the_chosen_incident_is_seen_among_a_hundred() -> None:
    many = screen(*(incident(n + 1) for n in range(100)), chosen="INC-77")
    text = "\n".join(drawn(many, height=30))
    assert "▸ INC-77" in text
    assert "more" in text


def test_quiet_says_quiet_and_has_no_red() -> None:
    calm = screen()
    lines = frame(calm, look=LOOK, width=100, height=40, keys=True)
    assert any("None is open." in line.plain for line in lines)
    verdict = next(line for line in lines if "●" in line.plain)
    assert "green" in str(verdict.spans[0].style)


def test_away_is_told_with_since_when_and_what_is_seen_is_dated() -> None:
    begun = NOW - timedelta(seconds=12)
    away = take(screen(incident(1), answered_at=begun), Away("refused"), now=begun)
    away = take(away, Away("refused"), now=NOW)
    text = "\n".join(drawn(away))
    assert "Not reachable since 12 s, trying again. What you see is of 05:39:56." in text
    assert "INC-1" in text
    back = take(away, Answered(found()), now=NOW)
    assert "Not reachable" not in "\n".join(drawn(back))


def test_no_text_of_an_alert_reaches_the_terminal_as_a_command() -> None:
    evil = screen(incident(1, title="\x1b[2J\x1b]0;x\x07 boo"))
    assert "\x1b" not in "\n".join(drawn(evil))


# -- keys ------------------------------------------------------------------------------------------


def test_up_and_down_choose_and_stop_at_the_ends() -> None:
    one = screen(incident(1), incident(2))
    assert one.chosen == "INC-1"
    one, _ = press(one, "down")
    assert one.chosen == "INC-2"
    one, _ = press(one, "down")
    assert one.chosen == "INC-2"
    one, _ = press(one, "up")
    one, _ = press(one, "up")
    assert one.chosen == "INC-1"


def test_a_acknowledges_the_chosen_one() -> None:
    _, job = press(screen(incident(7)), "a")
    assert job == Job("acknowledge", "INC-7")


def test_r_resolves_only_after_y() -> None:
    asked, job = press(screen(incident(7)), "r")
    assert job is None
    assert "Resolve INC-7?" in "\n".join(drawn(asked))
    for key in ("n", "r", "enter", "escape", "a"):
        calm, job = press(asked, key)
        assert (calm.mode, job) == (Mode.LOOK, None)
    _, job = press(asked, "y")
    assert job == Job("resolve", "INC-7")


def test_n_writes_what_was_typed_and_q_is_a_letter_in_it() -> None:
    one, _ = press(screen(incident(7)), "n")
    for key in [*"quiet?", "backspace", "up", *" ü"]:
        one, job = press(one, key)
        assert job is None
    assert "Note for INC-7: quiet ü" in "\n".join(drawn(one))
    done, job = press(one, "enter")
    assert job == Job("notes", "INC-7", {"text": "quiet ü"})
    assert done.mode is Mode.LOOK
    for key in ("escape",):
        _, job = press(one, key)
        assert job is None


def test_t_shows_where_it_went_and_escape_goes_back() -> None:
    one, job = press(screen(incident(7)), "t")
    assert job == Job("trace", "INC-7")
    assert "Trace of INC-7" in "\n".join(drawn(one))
    answer = {"answer": "ana has it", "lines": [{"at": at(), "sentence": f"line {n}"} for n in range(90)]}  # fmt: skip
    one = take(one, Traced(answer), now=NOW)
    assert "ana has it" in "\n".join(drawn(one))
    for _ in range(95):
        one, _ = press(one, "down")
    text = "\n".join(drawn(one, height=20))
    assert "line 89" in text
    assert "ana has it" not in text
    one, _ = press(one, "escape")
    assert one.mode is Mode.LOOK


def test_keys_without_an_incident_ask_nothing_of_the_server() -> None:
    for key in "arnt":
        after, job = press(screen(), key)
        assert job is None
        assert after.mode is Mode.LOOK


def test_the_outcome_of_an_act_is_told_and_a_refusal_is_red() -> None:
    one = take(screen(incident(1)), Acted("operator has it", True), now=NOW)
    assert "operator has it" in "\n".join(drawn(one))
    one = take(one, Acted("Only lead may do this", False), now=NOW)
    lines = frame(one, look=LOOK, width=100, height=30, keys=True)
    assert any("Only lead" in line.plain and line.style == "red" for line in lines)


def test_when_the_chosen_incident_goes_its_neighbour_is_chosen() -> None:
    one = screen(incident(1), incident(2), incident(3), chosen="INC-2")
    assert take(one, Answered(found(incident(1), incident(3))), now=NOW).chosen == "INC-3"
    assert take(one, Answered(found(incident(1))), now=NOW).chosen == "INC-1"
    assert take(one, Answered(found()), now=NOW).chosen is None


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("\x1b[A\x1b[B", ["up", "down"]), ("\x1bOA", ["up"]), ("a", ["a"]), ("\x1b", ["escape"]),
        ("\r", ["enter"]), ("\x7f", ["backspace"]), ("\x1b[1;5C", []), ("\x1b[3~q", ["q"]),
        ("né", ["n", "é"]), ("", []), ("\x1b[", []),
    ],
)  # fmt: skip
def test_what_a_terminal_sends_is_read_as_keys(sent: str, meant: list[str]) -> None:
    assert keys.named(sent) == meant
