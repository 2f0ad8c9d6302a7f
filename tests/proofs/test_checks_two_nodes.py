"""Checks under real servers: do two nodes share the looks, and does a look outlive its process?

Every look meets one real HTTP server, whose journal is the witness.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from install import ESTATE, Install
from pair import Pair

from databases import server
from fakes.world import NEVER, Provider, Status, World
from mainstay.checks.times import spread
from mainstay.foundation.clock import from_us
from peers import wait_until

CHECKS = 16
LOOKS_EACH = 4
EVERY = timedelta(seconds=1)
WITHIN_S = 60.0


def estate(hook: Provider, many: int, *, more: str = "") -> str:
    """Looks of `many` checks at `hook`; none holds: of those, every look is kept."""
    rules = f"every: 1s, attempts: 1, timeout: 60s, expect: ['status == 299']{more}"
    lines = [
        f"  look{n}: {{service: s{n}, http: '{hook.url}/look{n}', {rules}}}" for n in range(many)
    ]
    return ESTATE.replace("services:\n", "checks:\n" + "\n".join(lines) + "\nservices:\n")


def looks_of(hook: Provider) -> Counter[str]:
    """How often each check has been looked at, by the server's own journal."""
    return Counter(hit.path.strip("/") for hit in hook.hits if hit.path.startswith("/look"))


@pytest.mark.timeout(180)
def test_two_nodes_share_the_looks_and_each_is_done_once(tmp_path: Path) -> None:
    with World() as world, ExitStack() as running:
        hook = world.provider("webhook")
        hook.thinks_s = 0.1
        pair = Pair.make(
            tmp_path, server(), "shared_looks", hook, lease_s=10, text=estate(hook, CHECKS)
        )
        for node in pair.nodes:
            running.enter_context(node.server())
        first = pair.nodes[0]
        shared: set[str] = set()

        def done() -> bool:
            rows = first.rows(
                "SELECT DISTINCT owner FROM foundation_due"
                " WHERE kind = 'check.look' AND owner IS NOT NULL"
            )
            shared.update(owner for (owner,) in rows)
            seen = looks_of(hook)
            return len(shared) == 2 and len(seen) == CHECKS and min(seen.values()) >= LOOKS_EACH

        wait_until(done, within_s=WITHIN_S, what="both nodes to have looked at every check")
        asked, under_way = looks_of(hook), CHECKS
        kept = first.rows("SELECT name, at FROM checks_result")
        turns = Counter((name, spread(name, EVERY, after=from_us(at))) for name, at in kept)
        assert max(turns.values()) == 1, "a look was done twice in its interval"
        assert set(Counter(name for name, _ in kept)) == set(asked)
        assert sum(asked.values()) - len(kept) <= under_way, "a look was made and forgotten"
        told = first.rows("SELECT count(*) FROM signals_request WHERE source = 'checks'")
        assert told == [(CHECKS,)], "what fails for both nodes is told once for each check"


@pytest.mark.both
@pytest.mark.timeout(180)
def test_a_look_that_was_under_way_when_its_process_was_killed_is_done_and_told_once(
    tmp_path: Path,
) -> None:
    with World() as world:
        hook = world.provider("webhook")
        text = estate(hook, 1, more=", schedule: '0 3 1 1 *'").replace("every: 1s, ", "")
        made = Install.make(tmp_path, hook, text=text, count=1)
        hook.then(NEVER)
        with made.server() as process:
            status, body = made.call(
                "POST", "/mainstay/v1/looks", {"checks": ["look0"]}, secret=made.token
            )
            assert status == 202, body
            wait_until(lambda: looks_of(hook)["look0"] == 1, within_s=WITHIN_S, what="the look")
            process.kill()
        assert made.rows("SELECT count(*) FROM checks_result") == [(0,)]
        hook.then(Status(500))
        with made.server():
            wait_until(
                lambda: made.rows("SELECT state FROM checks_state") == [("fail",)],
                within_s=WITHIN_S, what="the look to be done by the next process",
            )  # fmt: skip
            wait_until(
                lambda: made.rows("SELECT count(*) FROM incidents_incident") == [(1,)],
                within_s=WITHIN_S, what="its incident",
            )  # fmt: skip
        assert looks_of(hook)["look0"] == 2
        assert made.rows("SELECT name, verdict FROM checks_result") == [("look0", "fail")]
        assert made.rows("SELECT count(*) FROM signals_request WHERE source = 'checks'") == [(1,)]
