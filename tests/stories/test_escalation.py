"""Who is paged, when, and when it stops: the promise that everything else hangs off."""

from __future__ import annotations

import pytest

from mainstay import acts

pytestmark = pytest.mark.both


def test_an_alert_pages_who_is_on_call_and_an_acknowledgement_stops_the_rest(world):
    world.fires("pay-api")
    page = world.mara.expects("INC-1", "P1", "pay-api", "HighLatency", "Why you: mara")
    assert page.urgency == "high"
    world.acknowledges("mara")
    world.forward(minutes=30, keep=("pay-api",))
    assert world.ben.is_quiet()
    assert world.head.is_quiet()


def test_without_acknowledgement_the_next_step_pages_and_then_the_fallback(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.forward(minutes=9, keep=("pay-api",))
    assert world.ben.is_quiet()
    world.forward(minutes=2, keep=("pay-api",))
    world.ben.expects("INC-1", "Why you: ben, by name")
    assert world.head.is_quiet()
    world.forward(minutes=10, keep=("pay-api",))
    world.head.expects("INC-1")
    assert any("ran dry" in line for line in world.timeline())


def test_an_acknowledgement_of_a_p1_runs_out_after_an_hour_and_pages_again(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.acknowledges("mara")
    world.forward(minutes=59, keep=("pay-api",))
    assert world.mara.is_quiet()
    world.forward(minutes=2, keep=("pay-api",))
    world.mara.expects("INC-1")
    assert world.incident().acked_by is None


def test_the_incident_resolves_when_the_source_says_so_and_nobody_is_paged_further(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.clears("pay-api")
    assert world.incident().state == "resolved"
    world.forward(minutes=30)
    assert world.ben.is_quiet()
    assert world.incident().state == "closed"


def test_a_second_fault_of_another_service_cannot_hide_behind_an_acknowledgement(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.acknowledges("mara")
    world.forward(minutes=2, keep=("pay-api",))
    world.fires("pay-db", "ReplicaLag")
    world.forward(minutes=2, keep=("pay-api",))
    assert len(world.incidents()) == 1
    world.mara.expects("INC-1")
    assert any("pay-db joined INC-1" in line for line in world.timeline())


def test_a_worse_alert_of_the_same_service_pages_again_after_an_acknowledgement(world):
    world.fires("pay-api", "Slow", severity="warning")
    world.mara.expects("Slow")
    world.acknowledges("mara")
    world.forward(minutes=2)
    world.fires("pay-api", "Down", severity="critical")
    world.mara.expects("INC-1", "P1", "Down")


def test_an_alert_that_joins_and_is_no_worse_pages_nobody_again(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.acknowledges("mara")
    world.fires("pay-api", "AlsoSlow", severity="warning")
    world.forward(minutes=5, keep=("pay-api",))
    assert world.mara.is_quiet()


def test_the_same_fault_within_fifteen_minutes_reopens_the_incident(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.clears("pay-api")
    world.forward(minutes=10)
    world.fires("pay-api")
    assert [one.number for one in world.incidents()] == [1]
    world.mara.expects("INC-1")
    world.clears("pay-api")
    world.forward(minutes=20)
    world.fires("pay-api")
    assert [one.number for one in world.incidents()] == [2, 1]


def test_escalating_by_hand_does_not_wait_for_the_next_step(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.act(acts.commands.EscalateNow("INC-1", "I need help"), who="mara")
    world.ben.expects("INC-1")


def test_paging_a_person_by_hand_reaches_them_beside_any_policy(world):
    from mainstay.estate import Target

    world.fires("pay-api")
    command = acts.commands.PageByHand("1", Target("person", "head"), "board wants to know")
    world.act(command, who="mara")
    world.head.expects("INC-1", "mara asks for you: board wants to know")
    world.forward(minutes=1, keep=("pay-api",))


def test_down_for_half_an_hour_the_steps_keep_their_distance(world):
    world.sends("prometheus", [{"labels": {"alertname": "A", "service": "pay-api"}}])
    world.clock.forward(minutes=30)
    world.restart()
    world.settle()
    world.mara.expects("INC-1")
    assert world.ben.is_quiet()
    world.forward(minutes=4)
    assert world.ben.is_quiet()


def test_round_robin_pages_the_next_one_with_each_incident_and_its_repeats_keep_to_them(world):
    world.apply(
        world.text.replace(
            "- {after: 0m, notify: [schedule:payops-oncall]}",
            "- {after: 0m, notify: [person:mara, person:ben], round_robin: true,"
            " repeat: {times: 1, every: 3m}}",
        )
    )
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.fires("reports")
    world.ben.expects("INC-2")
    world.forward(minutes=4, keep=("pay-api", "reports"))
    world.mara.expects("INC-1")
    world.ben.expects("INC-2")
    assert world.mara.is_quiet()


def test_in_shadow_people_without_an_address_are_shown_and_nothing_is_hurried(world):
    world.apply(world.text.replace("name: Alpenpay,", "name: Alpenpay, paging: shadow,"))
    for person in ("mara", "ben", "head"):
        [address] = world.addresses(person)
        world.act(acts.commands.RemoveAddress(address.id), who="root", role="admin")
    world.fires("pay-api")
    assert [i.service for i in world.incidents()] == ["pay-api"]
    assert not any("ben" in line for line in world.timeline() if "paging.step" in line)
    world.forward(minutes=11, keep=("pay-api",))
    assert any("pages ben" in line for line in world.timeline())
