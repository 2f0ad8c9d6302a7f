"""The watchdog alarms nobody while all is well, whatever people do; and sees every row that is lost."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, assume, example, given, settings

from mainstay import acts, loops, pipeline, presence
from mainstay.acts import commands
from mainstay.alerts import Matcher
from mainstay.estate import Target, Views
from mainstay.foundation.errors import MainstayError
from mainstay.watchdog.findings import Finding
from mainstay.watchdog.look import Patience, look
from mainstay.watchdog.promises import Ledger
from walk import Walk, fire

pytestmark = pytest.mark.both
FEW = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
PATIENCE = Patience(timedelta(seconds=30), per_minute=1)
SERVICES = ("alpha", "pay-api", "pay-db", "delta")
EVENTS = st.one_of(
    st.tuples(st.sampled_from(["fires", "clears"]), st.sampled_from(SERVICES)),
    st.tuples(st.just("passes"), st.sampled_from([1, 4, 11, 16, 61])),
    st.tuples(
        st.sampled_from(["ack", "unack", "resolve", "reopen", "escalate", "assign", "page"]),
        st.integers(1, 3),
    ),
    st.tuples(st.just("silence"), st.sampled_from(SERVICES)),
    st.tuples(st.just("phones"), st.sampled_from(["work", "fail"])),
    st.tuples(st.just("restart"), st.just(0)),
)
Event = tuple[str, Any]


class Watch:
    """A walk, and a watchdog that goes along."""

    def __init__(self) -> None:
        self.walk = Walk(kinds=("sms", "mail"))
        self.ledger, self.views = Ledger(), Views()

    def sees(self, *, ledger: Ledger | None = None) -> list[Finding]:
        """What one look finds, at rest."""
        now = self.walk.clock.now()
        presence.alive(self.walk.app, now)
        return self.walk.app.db.read(
            lambda tx: look(tx, ledger or self.ledger, self.views, now=now, patience=PATIENCE)
        )

    def happens(self, event: Event) -> None:
        """One thing, and what follows from it."""
        what, which = event
        match what:
            case "fires" | "clears":
                getattr(self.walk, what)(which)
            case "passes":
                self.walk.forward(minutes=which)
            case "restart":
                self.walk.restart()
            case "phones":
                fault = MainstayError("no") if which == "fail" else None
                self.walk.providers["sms"].fault = fault
            case "silence":
                now = self.walk.clock.now()
                matchers = (Matcher("service", "=", which),)
                until = now + timedelta(minutes=7)
                self.walk.act(commands.AddSilence(matchers, now, until, "we know"))
            case _:
                with suppress(MainstayError):  # not possible now: nothing happened
                    self.walk.act(_command(what, f"INC-{which}"))
        self.walk.settle()


def _command(what: str, name: str) -> acts.Command:
    match what:
        case "ack":
            return commands.Acknowledge(name)
        case "unack":
            return commands.Unacknowledge(name)
        case "resolve":
            return commands.Resolve(name)
        case "reopen":
            return commands.Reopen(name, "it is not over")
        case "escalate":
            return commands.EscalateNow(name, "no time")
        case "assign":
            return commands.Reassign(name, "ben")
        case "page":
            return commands.PageByHand(name, Target("person", "head"), "look")
    raise AssertionError(what)


@FEW
@given(events=st.lists(EVENTS, min_size=1, max_size=14))
@example(events=[("fires", "pay-api"), ("silence", "pay-api"), ("passes", 1), ("passes", 11)])
@example(events=[("fires", "pay-api"), ("ack", 1), ("fires", "pay-db"), ("passes", 61)])
@example(events=[("fires", "alpha"), ("ack", 1), ("passes", 61), ("passes", 61)])
@example(events=[("fires", "alpha"), ("passes", 61), ("restart", 0), ("passes", 61)])
def test_while_all_is_well_it_alarms_nobody(events: list[Event]) -> None:
    watch = Watch()
    try:
        for event in events:
            watch.happens(event)
            assert watch.sees() == [], event
            assert watch.sees(ledger=Ledger()) == [], f"one that has just started, after {event}"
    finally:
        watch.walk.end()


@FEW
@given(events=st.lists(EVENTS, min_size=1, max_size=8), lost=st.integers(0, 50))
def test_any_step_or_page_that_is_lost_is_seen(events: list[Event], lost: int) -> None:
    watch = Watch()
    try:
        watch.walk.fires("alpha")
        for event in events:
            watch.happens(event)
        rows = watch.walk.rows(
            "SELECT kind, key FROM foundation_due WHERE kind IN ('paging.step', 'paging.send')"
            " ORDER BY kind, key"
        )
        assume(rows)
        row = rows[lost % len(rows)]
        sql = "DELETE FROM foundation_due WHERE kind = :kind AND key = :key"
        watch.walk.app.db.run(lambda tx: tx.run(sql, **row))
        key = f"{row['kind'].removeprefix('paging.')} {row['key']}"
        assert key in {one.key for one in watch.sees()}
    finally:
        watch.walk.end()


def test_a_page_whose_every_row_is_gone_is_seen_by_the_promise_alone() -> None:
    """Outbox and due row deleted before the first try: only the record knows that there was one."""
    watch = Watch()
    try:
        watch.walk.sends([fire("alpha")])
        now = watch.walk.clock.now()
        loops.settle(watch.walk.app, now)
        watch.walk.app.db.run(lambda tx: pipeline.fire_steps(tx, watch.walk.app.ground, now=now))
        for sql in (
            "DELETE FROM paging_send",
            "DELETE FROM foundation_due WHERE kind='paging.send'",
        ):
            watch.walk.app.db.run(lambda tx, sql=sql: tx.run(sql))  # type: ignore[misc]
        watch.walk.forward(minutes=1)
        assert watch.sees() == []
        watch.walk.forward(minutes=2)
        (found,) = watch.sees()
        assert found.title == "INC-1 has not paged"
        assert "the record knows of no try" in found.sentence
    finally:
        watch.walk.end()
