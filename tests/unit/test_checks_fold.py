"""Does a failure count when it should, and is it told once?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mainstay.checks import Result, Standing, State
from mainstay.checks.fold import Folded, flaps, fold, unseen

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
NEW = Standing("it", "it", None, "shop", State.WAITING, NOW, "not yet")


def run(
    verdicts: str, *, attempts: int = 3, muted: str | None = None, start: Standing = NEW
) -> tuple[Standing, list[str], list[Folded]]:
    """The standing after `o`, `w`, `f` …, and what was told on the way."""
    standing, told, folds = start, [], []
    words = {"o": "ok", "w": "warn", "f": "fail"}
    for number, letter in enumerate(verdicts):
        at = NOW + timedelta(minutes=number)
        result = Result("it", at, 5, words[letter], f"look {number}")  # type: ignore[arg-type]
        folded = fold(standing, result, attempts=attempts, why_muted=lambda: muted)
        standing = folded.standing
        folds.append(folded)
        if folded.tell:
            told.append(f"{number}:{folded.tell}")
    return standing, told, folds


@pytest.mark.parametrize(
    ("verdicts", "attempts", "state", "told"),
    [
        ("o", 3, State.OK, []),
        ("off", 3, State.OK, []),
        ("offf", 3, State.FAIL, ["3:open"]),
        ("of", 1, State.FAIL, ["1:open"]),
        ("fff", 3, State.FAIL, ["2:open"]),
        ("offfo", 3, State.OK, ["3:open", "4:close"]),
        ("offofff", 3, State.FAIL, ["6:open"]),
        ("owwwf", 3, State.FAIL, ["3:open", "4:worse"]),
        ("offfw", 3, State.WARN, ["3:open"]),
        ("offfff", 3, State.FAIL, ["3:open"]),
    ],
)
def test_a_failure_counts_after_so_many_looks_and_is_told_once(
    verdicts: str, attempts: int, state: State, told: list[str]
) -> None:
    standing, said, _ = run(verdicts, attempts=attempts)
    assert (standing.state, said) == (state, told)


def test_a_failure_that_does_not_count_yet_is_soft_and_begins_once() -> None:
    _, _, folds = run("off")
    assert [(one.is_soft, one.began) for one in folds] == [
        (False, False),
        (True, True),
        (True, False),
    ]


def test_a_muted_failure_is_told_when_what_is_beneath_it_is_well_again() -> None:
    standing, told, _ = run("offf", muted="pay-db fails, on which it depends")
    assert (standing.state, standing.muted, told) == (
        State.FAIL,
        "pay-db fails, on which it depends",
        [],
    )
    after, told, _ = run("f", start=standing)
    assert (after.told, told) == (State.FAIL, ["0:open"])
    well, told, _ = run("o", start=standing)
    assert (well.state, told) == (State.OK, [])


def test_what_flaps_keeps_its_alert_open_until_it_has_settled() -> None:
    standing, told, _ = run("of" * 8, attempts=1)
    assert standing.flapping
    opened = [one for one in told if one.endswith("open")]
    assert len(opened) <= 5, told
    settled, told, _ = run("o" * 20, start=standing, attempts=1)
    assert not settled.flapping
    assert settled.told is None
    assert [one.partition(":")[2] for one in told] in (["close"], [])


def test_a_few_changes_do_not_flap() -> None:
    assert not flaps("ooooooooofffffffffff", False)
    assert not flaps("of", False)
    assert flaps("ofofofofofofofofofof", False)
    assert flaps("oooooooofofofooooooo", True)


def test_not_seen_is_not_healthy_and_is_told() -> None:
    well = replace(run("o")[0], at=NOW)
    folded = unseen(well, now=NOW + timedelta(hours=1), why_muted=lambda: None)
    assert (folded.standing.state, folded.tell) == (State.NOT_SEEN, "open")
    assert not folded.standing.state.is_healthy
    assert "it was ok then" in folded.standing.sentence
    back, told, _ = run("o", start=folded.standing)
    assert (back.state, told) == (State.OK, ["0:close"])
