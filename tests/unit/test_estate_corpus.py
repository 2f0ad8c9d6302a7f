"""Does every bad estate of the corpus get exactly the lines that it should, and nothing else?"""

from __future__ import annotations

from pathlib import Path

import pytest

from mainstay import estate

CORPUS = Path(__file__).parents[1] / "corpus" / "bad_estates"
CASES = sorted(CORPUS.iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_estate_is_told_line_by_line_where_and_what_is_wrong(case: Path) -> None:
    checked = estate.check(case / "estate")
    assert [str(one) for one in checked.problems] == (
        (case / "expected.txt").read_text(encoding="utf-8").splitlines()
    )
    assert checked.estate is None
    with pytest.raises(estate.BadEstate) as raised:
        estate.read(case / "estate")
    assert raised.value.problems == checked.problems
    assert str(checked.problems[0]) in raised.value.sentence


def test_the_corpus_has_at_least_thirty_estates() -> None:
    assert len(CASES) >= 30


def test_nearly_every_code_is_shown_by_some_estate_of_the_corpus() -> None:
    text = "".join((case / "expected.txt").read_text(encoding="utf-8") for case in CASES)
    # Not to be made from a checked-in file, or a warning (those have tests of their own).
    elsewhere = {"E101", "E102", "W403", "W404", "W405"}
    elsewhere |= {"E320", "W406"}  # gaps: tests/contracts/test_cli_gaps.py
    assert {code for code in estate.CODES if code not in text} == elsewhere
