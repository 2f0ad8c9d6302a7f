"""What is done to one of two nodes while eight writers go on, and what is left of it."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from clients import WRITERS, Ledger, clients
from install import DRAINED_WITHIN_S, UP_WITHIN_S, Server
from lateness import share
from pair import AFTERWARDS_S, Pair
from verdict import Verdict, judge, told

from fakes.cut import Cut
from fakes.world import Hit, Provider
from mainstay.foundation import record
from mainstay.foundation.db import peek
from peers import wait_until

FAILED_OVER_S = 30.0
STEADY_S = 5.0
THINKS_S = 0.2
"""How long the receiver of the pages does: some are under way at any moment."""


@dataclass(frozen=True)
class Found:
    """The verdict, how late pages were, and whether steps fired once."""

    verdict: Verdict
    steady: list[float]
    failed_over: list[float]
    """Seconds from an acknowledged signal to its page; where faults fell in between, from the last."""
    steps_twice: list[str]
    """Escalation and step that fired more than once."""
    settlers: list[int]
    """The fencing tokens under which nodes settled, in order."""
    chain: str | None
    """Why the record's chain does not hold, or None."""

    def __str__(self) -> str:
        return (
            f"{self.verdict}; {len(self.steps_twice)} steps fired twice; "
            f"{len(self.settlers)} times another node settled; "
            f"acknowledged → paged: steady p99 {share(self.steady, 0.99):.1f} s "
            f"(n {len(self.steady):,}), after a fault p99 {share(self.failed_over, 0.99):.1f} s, "
            f"worst {max(self.failed_over, default=0):.1f} s (n {len(self.failed_over):,})"
        )

    def hold(self) -> None:
        """Nothing lost, nothing done twice, and one settler after the other."""
        self.verdict.hold()
        assert not self.steps_twice, self
        assert self.settlers == sorted(set(self.settlers)), self
        assert self.chain is None, self.chain

    def in_time(self) -> None:
        """P2: within 5 s as a rule, within 30 s where a node failed in between."""
        assert share(self.steady, 0.99) <= STEADY_S, self
        assert max(self.failed_over, default=0) <= FAILED_OVER_S, self


Fault = Callable[[Pair, ExitStack, int], None]
"""Done to the node of this number; returns when it is over and the node is heard again."""


def trial(
    folder: Path, pair: Pair, hook: Provider, faults: Sequence[Fault], *, breath_s: float
) -> Found:
    """Both nodes up, writers at both; fault by fault hits the node that settles at the time."""
    dice = random.Random(7)
    hook.thinks_s = THINKS_S
    ledger = Ledger(folder / "ledger")
    with ExitStack() as running:
        for number in (0, 1):
            start(pair, running, number)
        with clients(pair.nodes[0], ledger, beside=pair.nodes[1:], pause_s=breath_s):
            for fault in faults:
                settler = pair.settler()
                _go_on(ledger, dice.uniform(0.05, 0.8))
                begun = pair.happens()
                fault(pair, running, settler)
                pair.spans.append((begun, time.time()))
            _go_on(ledger, 0.2)
        wait_until(pair.nodes[0].is_drained, within_s=DRAINED_WITHIN_S, what="an empty desk")
        _let_them_tell(pair, lambda: hook.hits)
        found = _found(pair, ledger, hook.hits)
    ledger.close()
    return found


def start(pair: Pair, running: ExitStack, number: int) -> Server:
    """A node is up, and answers."""
    server = running.enter_context(pair.nodes[number].server())
    pair.servers[number] = server
    return server


def _go_on(ledger: Ledger, more_s: float) -> None:
    before = len(ledger.acknowledged)
    wait_until(
        lambda: len(ledger.acknowledged) > before + WRITERS,
        within_s=UP_WITHIN_S, what="acknowledged alerts",
    )  # fmt: skip
    threading.Event().wait(more_s)


# -- faults ----------------------------------------------------------------------------------------


def killed(pair: Pair, running: ExitStack, number: int) -> None:
    """kill -9 of the node that settles and sends; the other takes over; it is started again."""
    pair.servers[number].kill()
    pair.happens()  # until now it was sending
    pair.takes_over(1 - number)
    start(pair, running, number)


def paused(at_least_s: float) -> Fault:
    """SIGSTOP of the node that settles, beyond its lease; then it goes on where it was."""

    def fault(pair: Pair, running: ExitStack, number: int) -> None:
        begun = time.monotonic()
        pair.stop(number)
        pair.happens()
        pair.takes_over(1 - number)
        wait_until(
            lambda: time.monotonic() - begun >= at_least_s, within_s=at_least_s + 30, what="time"
        )
        pair.happens()
        pair.wake(number)
        pair.returns(number)

    return fault


def cut_off(cuts: list[list[Cut]], at_least_s: float) -> Fault:
    """Whatever joins the node that settles to the rest is cut; later it is mended."""

    def fault(pair: Pair, running: ExitStack, number: int) -> None:
        begun = time.monotonic()
        for cut in cuts[number]:
            cut.down()
        pair.happens()  # what was sent while the link went down is answered to nobody
        pair.takes_over(1 - number)
        wait_until(
            lambda: time.monotonic() - begun >= at_least_s, within_s=at_least_s + 30, what="time"
        )
        pair.happens()
        for cut in cuts[number]:
            cut.up()
        pair.returns(number)

    return fault


# -- what is left ----------------------------------------------------------------------------------


def _let_them_tell(pair: Pair, hits: Callable[[], list[Hit]]) -> None:
    """As long as the webhook is told more, it may still be told all."""
    sql = "SELECT id FROM alerts_alert WHERE closed_at IS NULL"
    stored = {id for (id,) in pair.nodes[0].rows(sql)}
    try:
        wait_until(lambda: stored <= told(hits()), within_s=10, what="every alert told")
    except AssertionError:
        return  # the verdict says which


def _found(pair: Pair, ledger: Ledger, hits: list[Hit]) -> Found:
    node = pair.nodes[0]
    steady, failed_over = _lateness(pair, hits)
    twice = node.rows(
        "SELECT subject || ': ' || because FROM foundation_record WHERE kind = 'paging.step'"
        " GROUP BY subject, because HAVING count(*) > 1"
    )
    settled = node.rows(
        "SELECT because FROM foundation_record WHERE kind = 'node.settles' ORDER BY seq"
    )
    return Found(
        verdict=judge(node, ledger, hits, kills=sorted(pair.moments), echoes=pair.echoes),
        steady=steady,
        failed_over=failed_over,
        steps_twice=[text for (text,) in twice],
        settlers=[int(text.rpartition(" ")[2]) for (text,) in settled],
        chain=peek(pair.place, record.verify).broken,
    )


def _lateness(pair: Pair, hits: list[Hit]) -> tuple[list[float], list[float]]:
    """From the signal that opened an incident to its first page: steady, and over a fault."""
    wall = time.time() - time.monotonic()
    arrived: dict[str, list[float]] = defaultdict(list)
    for hit in hits:
        if hit.json["event"] == "page":
            arrived[hit.json["incident"]["id"]].append(hit.at + wall)
    rows = pair.nodes[0].rows(
        "SELECT a.incident, min(r.received_at) FROM alerts_alert AS a"
        " JOIN signals_request AS r ON r.receipt = a.first_receipt"
        " WHERE a.incident IS NOT NULL GROUP BY a.incident"
    )
    steady, failed_over = [], []
    for incident, received_us in rows:
        if incident not in arrived:
            continue  # somebody took it before it was paged
        sent, came = received_us / 1e6, min(arrived[incident])
        felt = [begun for begun, end in pair.spans if sent < end + AFTERWARDS_S and begun < came]
        since = max([sent, *felt])
        (failed_over if felt else steady).append(came - since)
    return sorted(steady), sorted(failed_over)
