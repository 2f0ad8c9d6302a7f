"""Does every sabotage still apply? `make mutants` applies them, and each must turn a test red."""

from __future__ import annotations

from pathlib import Path

import pytest
from sabotages import SABOTAGES, SOURCE, Sabotage

ROOT = Path(__file__).parents[2]


def test_there_are_enough() -> None:
    assert len(SABOTAGES) >= 25
    assert len({one.what for one in SABOTAGES}) == len(SABOTAGES)


@pytest.mark.parametrize("one", SABOTAGES, ids=lambda one: one.what)
def test_it_applies_exactly_once(one: Sabotage) -> None:
    text = (ROOT / SOURCE / one.file).read_text(encoding="utf-8")
    assert text.count(one.old) == 1, f"{one.file}: mend the sabotage {one.what!r}: {one.old!r}"
    assert one.old != one.new


@pytest.mark.parametrize("one", SABOTAGES, ids=lambda one: one.what)
def test_what_it_must_turn_red_is_there(one: Sabotage) -> None:
    files = [word for word in one.red.split() if word.endswith(".py")]
    assert files
    assert all((ROOT / file).is_file() for file in files), one.red
