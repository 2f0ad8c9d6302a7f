"""PostgreSQL fails over, or the wire to it goes bad, under eight writers (P1).

An asynchronous standby must lose something, or the proof of the synchronous one proves nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from standing import Standing, away, fail_over

from fakes.wire import FAULTS
from peers import wait_until

FAIL_OVERS = int(os.environ.get("MAINSTAY_PROOF_FAIL_OVERS", "20"))
FAULT_S = 3.0
Say = Callable[[str], None]


@pytest.mark.timeout(120 + 30 * FAIL_OVERS)
def test_a_fail_over_to_a_synchronous_standby_loses_nothing(tmp_path: Path, say: Say) -> None:
    def story(standing: Standing) -> None:
        for _ in range(FAIL_OVERS):
            fail_over(standing, synchronous=True)

    found, standing = away(tmp_path, story)
    say(
        f"{FAIL_OVERS} × fail-over to a synchronous standby: {found}; acknowledged again after at "
        f"most {max(standing.backs_s):.1f} s"
    )
    found.hold()


@pytest.mark.timeout(240)
def test_a_fail_over_to_an_asynchronous_standby_is_found_out(tmp_path: Path, say: Say) -> None:
    found, _ = away(tmp_path, lambda standing: fail_over(standing, synchronous=False))
    say(f"asynchronous standby: {len(found.lost)} of {found.acknowledged} lost")
    assert found.lost


@pytest.mark.timeout(400)
def test_a_wire_that_goes_bad_in_any_way_loses_nothing(tmp_path: Path, say: Say) -> None:
    def story(standing: Standing) -> None:
        for fault in FAULTS:
            standing.gone()
            standing.wire.fault = fault
            until = time.monotonic() + FAULT_S
            wait_until(lambda until=until: time.monotonic() > until, within_s=9, what="the fault")
            standing.wire.fault = None
            standing.wire.cut()
            standing.back()

    found, standing = away(tmp_path, story)
    words = ", ".join(
        f"{fault} {s:.1f} s" for fault, s in zip(FAULTS, standing.backs_s, strict=True)
    )
    say(f"the wire to PostgreSQL goes bad: {found}; acknowledged again after {words}")
    found.hold()
