"""PostgreSQL stops answering, or dies, under eight writers (P1, P4): refused at once, nothing lost.

Its fail-overs are in test_full_fail_over.py.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from clients import alert
from standing import Standing, away

from peers import wait_until

FULL = "MAINSTAY_PROOF_ROUNDS" in os.environ
KILLS = 50 if FULL else 1
PAUSE_S = 60 if FULL else 4
REFUSED_WITHIN_S = 30.0
Say = Callable[[str], None]


@pytest.mark.timeout(400)
def test_a_database_that_stands_still_is_waited_for_and_what_is_sent_meanwhile_is_refused(
    tmp_path: Path, say: Say
) -> None:
    def story(standing: Standing) -> None:
        install = standing.install
        standing.gone()
        standing.cluster.pause()
        try:
            began = time.monotonic()
            status, _ = install.call(
                "POST", "/api/v2/alerts", alert("still", 1), secret=install.key,
                timeout_s=REFUSED_WITHIN_S,
            )  # fmt: skip
            assert status == 503
            refused_s = time.monotonic() - began
            again = time.monotonic()
            assert (
                install.call("POST", "/api/v2/alerts", alert("still", 1), secret=install.key)[0]
                == 503
            )
            again_s = time.monotonic() - again
            wait_until(lambda: time.monotonic() - began > PAUSE_S, within_s=90, what="the pause")
        finally:
            standing.cluster.resume()
        standing.back()
        say(
            f"PostgreSQL stopped for {PAUSE_S} s: first refusal after {refused_s:.1f} s, the next "
            f"after {again_s:.1f} s"
        )

    found, standing = away(tmp_path, story)
    say(f"{found}; acknowledged again {standing.backs_s[0]:.1f} s after its return")
    found.hold()


@pytest.mark.timeout(120 + 20 * KILLS)
def test_a_database_that_is_killed_loses_nothing_that_was_acknowledged(
    tmp_path: Path, say: Say
) -> None:
    def story(standing: Standing) -> None:
        for _ in range(KILLS):
            standing.gone()
            standing.cluster.kill9()
            standing.cluster.start()
            standing.back()

    found, standing = away(tmp_path, story)
    say(
        f"{KILLS} × kill -9 of PostgreSQL: {found}; acknowledged again after at most "
        f"{max(standing.backs_s):.1f} s"
    )
    found.hold()
