"""What happens when the world fails: retries, the next channel, the next step, the fallback."""

from __future__ import annotations

import pytest

from mainstay import acts, loops, people, pipeline
from mainstay.foundation.errors import Rejected, TimedOut, Unreachable

pytestmark = pytest.mark.both


def test_a_failed_send_is_tried_again_under_the_same_key(world):
    world.sms.faults = [Unreachable("no route")]
    world.fires("pay-api")
    assert world.mara.is_quiet()
    world.clock.forward(seconds=10)
    world.settle()
    world.mara.expects("INC-1")
    assert len(set(world.sms.tried)) == 1
    assert len(world.sms.tried) == 2


def test_a_try_of_unknown_outcome_is_repeated_and_marked_as_a_repeat(world):
    world.sms.faults = [TimedOut("no answer in 10 s")]
    world.fires("pay-api")
    world.clock.forward(seconds=10)
    world.settle()
    page = world.mara.expects("INC-1")
    assert page.repeat
    assert world.sends_of()[0].repeats == 1
    assert any("same idempotency key" in line for line in world.timeline())


def test_after_two_failures_the_person_is_paged_on_the_next_channel_within_a_minute(world):
    world.address("mara", "mail")
    world.act(_rule(world, "mara", "sms"), who="root", role="admin")
    world.sms.always = Unreachable("no route")
    world.fires("pay-api")
    for _ in range(6):
        world.clock.forward(seconds=10)
        world.settle()
    page = world.mara.expects("INC-1")
    assert "sms did not work" in page.text


def test_a_refused_address_goes_to_the_next_step_at_once(world):
    world.sms.faults = [Rejected("no such number", reply=404, permanent=True)]
    world.fires("pay-api")
    world.ben.expects("INC-1")
    assert any("the next step fires now" in line for line in world.timeline())


def test_when_no_channel_works_mainstay_opens_an_incident_about_itself(world):
    world.sms.always = Rejected("account closed", reply=403, permanent=True)
    world.fires("pay-api")
    own = [one for one in world.incidents() if one.service == "mainstay"]
    assert len(own) == 1
    assert "No channel reached anybody" in own[0].title
    world.sms.always = None
    world.forward(minutes=1)
    assert len([one for one in world.incidents() if one.service == "mainstay"]) == 1


def test_a_person_without_an_address_does_not_hold_up_the_escalation(world):
    [address] = world.app.db.read(lambda tx: _addresses(tx, "mara"))
    world.act(acts.commands.RemoveAddress(address.id), who="root", role="admin")
    world.fires("pay-api")
    world.ben.expects("INC-1")
    assert any("mara has no address" in line for line in world.timeline())


def test_a_gap_in_the_schedule_pages_the_next_step_at_once(world):
    world.apply(world.text.replace("weekly, ", 'weekly, only: {from: "20:00", to: "22:00"}, '))
    world.fires("pay-api")
    world.ben.expects("INC-1")
    assert any("reaches nobody at schedule:payops-oncall: gap" in line for line in world.timeline())


def test_killed_while_sending_the_page_comes_again_and_says_so(world):
    world.sends("prometheus", [{"labels": {"alertname": "A", "service": "pay-api"}}])
    now = world.clock.now()
    loops.settle(world.app, now)
    world.app.db.run(lambda tx: pipeline.fire_steps(tx, world.app.ground, now=now))
    began = world.app.db.run(lambda tx: pipeline.begin_sends(tx, world.app.ground, now=now))
    assert len(began) == 1
    world.clock.forward(seconds=2)
    world.restart()
    world.settle()
    page = world.mara.expects("INC-1")
    assert page.repeat
    assert page.idempotency_key == began[0].page.idempotency_key


def _rule(world, person, kind):
    address = next(
        a for a in world.app.db.read(lambda tx: _addresses(tx, person)) if a.kind == kind
    )
    return acts.commands.AddRule(person, "high", 0, address.id)


def _addresses(tx, person):
    return people.addresses(tx, person)
