"""Killed between any two commits: no page is lost, and none comes twice without saying so."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from mainstay.acts.commands import Acknowledge
from mainstay.foundation.db import Database, Tx
from mainstay.foundation.failpoint import Moment
from mainstay.paging.channels import Page
from walk import MONDAY, Try, Walk, fire

pytestmark = pytest.mark.both

SETTINGS = settings(
    max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


class Killed(BaseException):
    """kill -9: nothing catches it, nothing is cleaned up."""


class FailPoint:
    """Counts commits and pages, and dies at the n-th moment: before it, after it, or inside it."""

    def __init__(self, walk: Walk, at: int, how: str) -> None:
        self.left = at
        self.how = how
        self.walk = walk
        self.attach()

    def attach(self) -> None:
        db = self.walk.app.db
        plain = Database.run
        plain_write = Database.write

        def run(fn: Callable[[Tx], Any]) -> Any:
            return self.around(lambda fn: plain(db, fn), fn)

        async def write(fn: Callable[[Tx], Any]) -> Any:
            inside = self.moment()
            answer = await plain_write(db, self.dying(fn) if inside else fn)
            self.after()
            return answer

        db.run = run  # type: ignore[method-assign]
        db.write = write  # type: ignore[method-assign]
        for provider in self.walk.providers.values():
            provider.watch = self.page

    def around(self, commit: Callable[[Callable[[Tx], Any]], Any], fn: Callable[[Tx], Any]) -> Any:
        inside = self.moment()
        answer = commit(self.dying(fn) if inside else fn)
        self.after()
        return answer

    def moment(self) -> bool:
        """Before a commit; says whether to die within it."""
        self.left -= 1
        if self.left == 0 and self.how == "before":
            raise Killed
        return self.left == 0 and self.how == "inside"

    def after(self) -> None:
        if self.left == 0 and self.how == "after":
            raise Killed

    def dying(self, fn: Callable[[Tx], Any]) -> Callable[[Tx], Any]:
        def work(tx: Tx) -> Any:
            fn(tx)
            raise Killed

        return work

    def page(self, page: Page) -> None:
        """The provider has it; we die before we hear so."""
        self.left -= 1
        if self.left == 0 and self.how != "inside":
            self.walk.journal.append(Try(self.walk.clock.now(), "sms", page))
            raise Killed


@SETTINGS
@given(
    kills=st.lists(
        st.tuples(st.integers(1, 12), st.sampled_from(["before", "inside", "after"])),
        min_size=1,
        max_size=4,
    ),
    services=st.lists(
        st.sampled_from(["alpha", "beta", "pay-api"]), min_size=1, max_size=3, unique=True
    ),
)
def test_killed_anywhere_no_page_is_lost_and_every_copy_says_so(
    kills: list[tuple[int, str]], services: list[str]
) -> None:
    walk = Walk()
    try:
        for service in services:
            walk.sends([fire(service, severity="critical")])
        for at, how in kills:
            FailPoint(walk, at, how)
            with contextlib.suppress(Killed):
                walk.settle()
                walk.forward(minutes=3)
            walk.restart()
            for provider in walk.providers.values():
                provider.watch = lambda page: None
        walk.settle()
        walk.forward(minutes=30)
        walk.settle()
        _no_page_is_lost(walk, services)
        _every_copy_says_so(walk, len(kills))
    finally:
        walk.end()


def _no_page_is_lost(walk: Walk, services: list[str]) -> None:
    """Each step of each incident was handed to a provider: the lead twice, then ben, then head."""
    assert {one.service for one in walk.incidents() if one.service != "mainstay"} == set(services)
    for incident in walk.incidents():
        if incident.service == "mainstay":
            continue
        sends = walk.pages(incident.number)
        steps = sorted((one.person, one.step, one.round) for one in sends)
        assert steps == [("ben", 1, 0), ("head", 0, 0), ("mara", 0, 0), ("mara", 0, 1)]
        assert {one.state for one in sends} <= {"sent", "bundled"}


def _every_copy_says_so(walk: Walk, kills: int) -> None:
    tries: dict[str, list[Page]] = defaultdict(list)
    for one in walk.journal:
        tries[one.page.idempotency_key].append(one.page)
    sent = {one.idempotency_key for n in walk.incidents() for one in walk.pages(n.number)
            if one.state == "sent"}  # fmt: skip
    assert sent <= set(tries), "recorded as sent, and no provider ever had it"
    copies = 0
    for pages in tries.values():
        assert all(page.repeat for page in pages[1:]), "a copy that does not say so"
        copies += len(pages) - 1
    # One kill can catch as many sends as were under way; these are at most three at once.
    assert copies <= 3 * kills


@given(at=st.integers(1, 8), how=st.sampled_from(["before", "inside", "after"]))
@SETTINGS
def test_killed_while_the_signal_is_settled_it_is_settled_once(at: int, how: str) -> None:
    walk = Walk()
    try:
        walk.sends([fire("alpha", "A"), fire("beta", "B")])
        FailPoint(walk, at, how)
        with contextlib.suppress(Killed):
            walk.settle()
        walk.restart()
        for provider in walk.providers.values():
            provider.watch = lambda page: None
        walk.settle()
        assert len(walk.alerts()) == 2
        assert len(walk.incidents()) == 2
        opened = walk.rows("SELECT subject FROM foundation_record WHERE kind = 'alert.opened'")
        assert len(opened) == 2
        assert all(alert.repeats == 0 for alert in walk.alerts())
    finally:
        walk.end()


BY_HTTP = {Moment.ACCEPT_READ, Moment.ACCEPT_WRITTEN, Moment.ACCEPT_COMMITTED,
           Moment.SEND_CONNECTED, Moment.ACT_COMMITTED}  # fmt: skip
"""What only a server with sockets passes: tests/proofs kills it there."""


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("moment", sorted({*Moment} - BY_HTTP))
def test_killed_at_each_fail_point_the_whole_story_still_happens(moment: Moment, nth: int) -> None:
    walk = Walk()
    try:
        killed = _dies_at(walk, moment, nth)
        story = (
            lambda: walk.sends([fire("alpha")]),
            lambda: _until(walk, minute=7),  # the lead is paged twice
            lambda: walk.act(Acknowledge("INC-1")),
            lambda: walk.sends([fire("alpha", "B")]),
            lambda: _until(walk, minute=68),  # the acknowledgement ends: it begins anew
            lambda: walk.act(Acknowledge("INC-1")),
            lambda: _until(walk, minute=150),  # and again, as far as the fallback
        )
        for scene in story:
            try:
                scene()
            except Killed:
                walk.restart()
                scene()
        assert killed, f"{moment} is not passed {nth} times"
        assert len(walk.incidents()) == 1
        pages = [one for one in walk.pages() if one.state in ("sent", "bundled")]
        assert sorted((one.person, one.step, one.round) for one in pages) == [
            ("ben", 1, 0), ("head", 0, 0),
            ("mara", 0, 0), ("mara", 0, 0), ("mara", 0, 0), ("mara", 0, 1), ("mara", 0, 1),
        ]  # fmt: skip
        _every_copy_says_so(walk, 1)
    finally:
        walk.end()


def _until(walk: Walk, *, minute: int) -> None:
    walk.settle()
    while walk.clock.now() < MONDAY + timedelta(minutes=minute):
        walk.forward(minutes=1)


def _dies_at(walk: Walk, moment: Moment, nth: int) -> list[Moment]:
    """Arm the walk; the answer holds the moment once it has died there."""
    passed: list[Moment] = []
    killed: list[Moment] = []

    def passing(at: Moment) -> None:
        passed.append(at)
        if not killed and passed.count(moment) == nth:
            killed.append(at)
            raise Killed

    ground = replace(walk.app.ground, passing=passing)
    walk.app = replace(walk.app, ground=ground)
    return killed
