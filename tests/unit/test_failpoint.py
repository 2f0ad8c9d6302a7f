"""What can be asked of a fail-point, and is every moment passed somewhere?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mainstay
from mainstay.foundation import failpoint
from mainstay.foundation.errors import Impossible, Invalid
from mainstay.foundation.failpoint import Moment


def test_off_is_a_function_that_does_nothing() -> None:
    assert failpoint.passing(None) is failpoint.never
    assert failpoint.passing("") is failpoint.never


def test_it_raises_at_its_moment_and_at_no_other() -> None:
    pass_by = failpoint.passing("send.answered:raise")
    pass_by(Moment.SEND_WRITTEN)
    with pytest.raises(Impossible, match=r"send\.answered"):
        pass_by(Moment.SEND_ANSWERED)


def test_it_can_wait_for_the_nth_time() -> None:
    pass_by = failpoint.passing("send.answered:raise@2")
    pass_by(Moment.SEND_ANSWERED)
    with pytest.raises(Impossible):
        pass_by(Moment.SEND_ANSWERED)
    pass_by(Moment.SEND_ANSWERED)


def test_an_unknown_moment_is_refused_with_the_list_of_those_there_are() -> None:
    with pytest.raises(Invalid, match=r"did you mean 'send\.answered'") as refused:
        failpoint.passing("send.answerd:kill")
    assert all(str(moment) in refused.value.sentence for moment in Moment)


@pytest.mark.parametrize(
    "order", ["send.answered", "send.answered:explode", "kill", ":", "a:kill@"]
)
def test_nonsense_is_refused_with_the_form(order: str) -> None:
    with pytest.raises(Invalid, match="MAINSTAY_FAILPOINT"):
        failpoint.passing(order)


def test_every_moment_is_passed_by_the_program() -> None:
    folder = Path(mainstay.__file__).parent
    text = "\n".join(file.read_text() for file in folder.rglob("*.py") if file.stem != "failpoint")
    named = set(re.findall(r"Moment\.([A-Z_]+)", text))
    assert named == set(Moment.__members__)
