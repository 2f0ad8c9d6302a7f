"""One page: what it carries, when it is tried again, and who may still decide about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from mainstay import loops, paging
from mainstay.acts import commands
from mainstay.alerts import Matcher
from mainstay.estate import Target
from mainstay.foundation import egress
from mainstay.foundation.errors import Rejected, Stuck, TimedOut, Unreachable
from mainstay.foundation.failpoint import Moment
from mainstay.paging.channels import Answer, Smtp
from walk import Walk, fire

pytestmark = pytest.mark.both

DOWN = Unreachable("no route")
GONE = Rejected("account closed", reply=403, permanent=True)
TAKEN = Answer(provider_id=None, words="accepted")


@pytest.fixture
def walk() -> Iterator[Walk]:
    made = Walk()
    yield made
    made.end()


@pytest.fixture
def two() -> Iterator[Walk]:
    """Everybody has two addresses, without rules: SMS and mail."""
    made = Walk(kinds=("sms", "mail"))
    yield made
    made.end()


def storm(walk: Walk) -> None:
    """INC-1 has paged mara; INC-2 waits a minute and will carry INC-3."""
    walk.fires("gamma", severity="warning")
    walk.fires("delta", severity="warning")
    walk.fires("beta", severity="warning")
    walk.clock.forward(minutes=1)


def last(walk: Walk) -> str:
    return walk.journal[-1].page.text


def test_a_page_that_is_tried_again_still_tells_of_what_it_carries(walk: Walk) -> None:
    storm(walk)
    walk.providers["sms"].fault = DOWN
    walk.settle()
    walk.providers["sms"].fault = None
    walk.clock.forward(seconds=10)
    walk.settle()
    assert "Also open: INC-3" in last(walk)


def test_when_a_page_is_not_needed_any_more_what_it_carried_is_sent_by_itself(walk: Walk) -> None:
    storm(walk)
    walk.providers["sms"].fault = DOWN
    walk.settle()
    walk.providers["sms"].fault = None
    walk.act(commands.Acknowledge("INC-2"))
    walk.forward(minutes=2)
    assert any(one.page.incident == "INC-3" for one in walk.journal)


def test_waiting_for_the_limiter_is_no_try(walk: Walk) -> None:
    """A page that waited its turn seven times has failed once, not eight times."""
    walk.fires("gamma", severity="warning")
    walk.providers["sms"].fault = DOWN
    walk.fires("delta", severity="warning")
    walk.app.db.run(
        lambda tx: tx.run("UPDATE foundation_due SET tries = 7 WHERE kind = 'paging.send'")
    )
    walk.clock.forward(minutes=1)
    walk.settle()
    [page] = walk.pages(2)
    assert (page.state, page.tries) == ("waiting", 1)


def test_a_worker_that_comes_back_late_cannot_undo_what_another_has_sent(walk: Walk) -> None:
    walk.sends([fire("alpha")])
    [late] = walk.begin()
    walk.clock.forward(seconds=30)
    walk.settle()
    assert walk.pages()[0].state == "sent"
    walk.finish(late, DOWN)
    walk.finish(late, GONE)
    assert walk.pages()[0].state == "sent"


def test_a_late_yes_is_kept_because_it_was_sent(walk: Walk) -> None:
    walk.sends([fire("alpha")])
    [late] = walk.begin()
    walk.clock.forward(seconds=30)
    walk.begin()
    walk.finish(late, TAKEN)
    assert walk.pages()[0].state == "sent"


def test_a_page_by_hand_tries_each_address_once_and_then_says_that_nobody_was_reached(
    two: Walk,
) -> None:
    two.fires("alpha")
    two.act(commands.Acknowledge("INC-1"))
    for provider in two.providers.values():
        provider.fault = DOWN
    two.act(commands.PageByHand("INC-1", Target("person", "head"), "please look"))
    two.forward(minutes=30)
    by_hand = [one for one in two.pages() if one.escalation is None]
    assert sorted(one.channel for one in by_hand) == ["mail", "sms"]
    assert {one.state for one in by_hand} == {"failed"}
    own = [one for one in two.incidents() if one.service == "mainstay"]
    assert "could not be paged by hand" in own[0].title


def test_two_incidents_page_by_hand_in_the_same_moment(walk: Walk) -> None:
    walk.fires("alpha")
    walk.fires("beta")
    for name in ("INC-1", "INC-2"):
        walk.act(commands.PageByHand(name, Target("person", "head"), "please look"))
    walk.forward(minutes=2)
    told = [one.page for one in walk.journal if one.page.person == "head"]
    assert any("INC-1" in page.subject for page in told)
    assert any("INC-2" in page.subject + page.text for page in told)


def test_a_page_by_hand_is_sent_although_somebody_has_the_incident(walk: Walk) -> None:
    walk.fires("alpha")
    walk.act(commands.PageByHand("INC-1", Target("person", "head"), "please look"))
    walk.act(commands.Acknowledge("INC-1"))
    walk.settle()
    assert [one.page.person for one in walk.journal] == ["mara", "head"]


def test_thirty_second_pages_of_critical_incidents_are_one_page_a_minute(walk: Walk) -> None:
    """Only the first page of a critical incident passes the limiter; the rest are bundled."""
    for service in ("alpha", "beta", "checkout"):
        walk.fires(service)
    before = len(walk.journal)
    walk.clock.forward(minutes=5)
    walk.settle()
    assert len(walk.journal) == before + 1
    assert "Also open" in last(walk)


def test_an_alert_that_joins_while_the_webhook_is_told_is_told_next() -> None:
    walk = Walk(kinds=("webhook",))
    try:
        walk.sends([fire("alpha", "A")])
        [page] = walk.begin()
        walk.sends([fire("alpha", "B")])
        walk.begin()
        walk.finish(page)
        walk.settle()
        told = [alert["labels"]["alertname"] for one in walk.journal
                for alert in one.page.facts["alerts"]]  # fmt: skip
        assert told == ["A", "B"]
    finally:
        walk.end()


def test_the_end_of_an_acknowledgement_pages_nobody_for_what_is_silenced(walk: Walk) -> None:
    walk.fires("alpha")
    walk.act(commands.Acknowledge("INC-1"))
    now = walk.clock.now()
    silence = commands.AddSilence(
        (Matcher("service", "=", "alpha"),), now, now + timedelta(hours=2), "planned"
    )
    walk.act(silence)
    walk.forward(minutes=70, each_s=600)
    assert len(walk.journal) == 1
    walk.forward(minutes=55, each_s=600)
    assert len(walk.journal) > 1


def test_a_new_alert_pages_when_a_silence_had_stopped_the_policy(walk: Walk) -> None:
    walk.fires("alpha", "A")
    now = walk.clock.now()
    matcher = Matcher("alertname", "=", "A")
    walk.act(commands.AddSilence((matcher,), now, now + timedelta(hours=2), "planned"))
    walk.clock.forward(minutes=2)
    walk.fires("alpha", "B")
    assert len(walk.journal) == 2


def test_when_the_last_alert_that_is_heard_is_over_nobody_is_paged_for_the_silenced_rest(
    walk: Walk,
) -> None:
    walk.fires("alpha", "A")
    walk.fires("alpha", "B")
    now = walk.clock.now()
    matcher = Matcher("alertname", "=", "A")
    walk.act(commands.AddSilence((matcher,), now, now + timedelta(hours=2), "planned"))
    walk.clears("alpha", "B")
    walk.forward(minutes=30)
    assert len(walk.journal) == 1


def test_a_page_of_unknown_outcome_is_not_sent_again_once_somebody_has_it(walk: Walk) -> None:
    walk.sends([fire("alpha")])
    [page] = walk.begin()
    walk.finish(page, TimedOut("no answer"))
    walk.act(commands.Acknowledge("INC-1"))
    walk.forward(minutes=3)
    assert not walk.journal
    assert walk.pages()[0].state == "cancelled"


def test_a_service_that_joins_an_incident_pages_its_own_team_too(walk: Walk) -> None:
    walk.fires("web")
    walk.fires("lake")
    assert len(walk.incidents()) == 1
    assert [one.page.person for one in walk.journal] == ["mara", "ben"]


def test_an_answer_that_can_never_be_committed_ends_after_eight_copies(walk: Walk) -> None:
    """Each says that it is a copy; then it counts as failed, and the next person is asked."""
    at_answer(walk, [ZeroDivisionError("a rule that breaks")] * 8)
    walk.sends([fire("alpha")])
    for _ in range(30):
        walk.clock.forward(seconds=10)
        with suppress(ZeroDivisionError):
            walk.settle()
    first = walk.journal[0].page
    copies = [one.page for one in walk.journal if one.page.idempotency_key == first.idempotency_key]
    assert len(copies) == 8
    assert all(page.repeat for page in copies[1:])
    assert "gave up after 8 tries" in walk.told("page.failed")[0]
    assert "the next step fires now" in walk.told("paging.unreachable")[0]
    assert len(walk.journal) > 8


def test_while_the_disk_is_full_an_answer_is_kept_and_nobody_is_paged_twice(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "AFTER_TROUBLE", timedelta(0))
    at_answer(walk, [Stuck("no room")] * 3)
    walk.fires("alpha")
    assert len(walk.journal) == 1
    assert walk.pages()[0].state == "sent"


def test_what_is_under_way_is_not_sent_again_though_its_lease_is_over(walk: Walk) -> None:
    """The database was away for longer than a lease: we know the answer and shall commit it."""
    walk.sends([fire("alpha")])
    [page] = walk.begin()
    walk.clock.forward(seconds=30)

    async def deliver() -> int:
        waiting = asyncio.create_task(asyncio.Event().wait(), name=page.due.key)
        begun = await loops.deliver(walk.app, walk.clock.now(), [waiting])
        return len(begun)

    assert asyncio.run(deliver()) == 0
    walk.finish(page, TAKEN)
    walk.forward(minutes=1)
    assert not walk.journal
    assert walk.pages()[0].state == "sent"


def test_no_try_may_outlive_its_lease() -> None:
    """Else another node takes the page over while the first still talks to the provider."""
    longest = max(egress.TIMEOUT_S, Smtp.__dataclass_fields__["timeout_s"].default)
    assert longest + 3 <= paging.LEASE_S


def at_answer(walk: Walk, errors: list[Exception]) -> None:
    """What the next commits of an answer meet."""

    def passing(moment: Moment) -> None:
        if moment is Moment.ANSWER_WRITTEN and errors:
            raise errors.pop()

    walk.app = replace(walk.app, ground=replace(walk.app.ground, passing=passing))
