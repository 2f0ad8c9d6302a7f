"""A browser as a contact address: set up, set up again, taken over, gone for good."""

from __future__ import annotations

import pytest

from fakes.pushservice import Browser
from mainstay import acts, paging, people
from mainstay.foundation import record
from mainstay.foundation.errors import Conflict, Forbidden, Invalid, Rejected

pytestmark = pytest.mark.both

ENDPOINT = "https://push.example.net/send/canary-endpoint"


def set_up(world, browser, who="mara", name="my phone", endpoint=ENDPOINT, role="responder"):
    command = acts.commands.AddDevice(name, endpoint, browser.key, browser.secret)
    return world.act(command, who=who, role=role)


def devices(world, person):
    return [one for one in world.addresses(person) if one.kind == people.DEVICE]


def test_a_device_that_takes_no_pages_any_more_is_forgotten_and_the_next_channel_goes_on(world):
    address = set_up(world, Browser()).value
    rule = acts.commands.AddRule("mara", "high", 0, address.id)
    world.act(rule, who="mara")
    world.push.always = Rejected("It is gone (410).", reply=410, permanent=True, gone=True)
    world.fires("pay-api")
    page = world.mara.expects("INC-1", "push did not work")
    assert page.person == "mara"
    assert len(world.push.tried) == 1, "it is not tried again"
    assert devices(world, "mara") == []
    [said] = [line for line in world.timeline() if line.startswith("address.removed")]
    assert "It is gone (410)." in said
    assert "the rule that used it" in said
    assert world.app.db.read(lambda tx: people.rules(tx, "mara")) == ()
    assert world.app.db.read(lambda tx: people.address(tx, address.id)).device is None
    assert world.ben.is_quiet(), "mara was reached: nobody else is woken"


def test_another_refusal_for_good_forgets_nobody(world):
    set_up(world, Browser())
    world.push.always = Rejected("bad key", reply=403, permanent=True)
    world.fires("pay-api")
    assert len(devices(world, "mara")) == 1


def test_set_up_twice_it_is_one_device_and_two_devices_have_two_names(world):
    browser = Browser()
    first = set_up(world, browser).value
    again = set_up(world, browser, name="another name")
    assert again.value.id == first.id
    assert "already" in again.sentence
    other = set_up(world, Browser(), endpoint=ENDPOINT + "2").value
    assert [one.address for one in devices(world, "mara")] == ["my phone", "my phone 2"]
    assert other.device.endpoint == ENDPOINT + "2"


def test_a_device_rings_for_one_person_the_last_who_set_it_up_there(world):
    browser = Browser()
    before = set_up(world, browser).value
    set_up(world, browser, who="ben")
    assert devices(world, "mara") == []
    assert len(devices(world, "ben")) == 1
    rows = world.app.db.read(lambda tx: record.by_subject(tx, before.id))
    assert rows[-1]["because"] == "my phone of mara rings for ben now"


def test_knowing_where_a_device_is_does_not_let_one_take_it(world):
    set_up(world, Browser())
    with pytest.raises(Conflict):
        set_up(world, Browser(), who="ben")
    assert len(devices(world, "mara")) == 1


def test_a_device_is_set_up_at_the_device_and_in_ones_own_name(world):
    with pytest.raises(Invalid, match="at the device itself"):
        world.address("mara", "push")
    with pytest.raises(Forbidden):
        set_up(world, Browser(), role="auditor")
    for broken in ("", "x", "é" * 20, "AAAA"):
        command = acts.commands.AddDevice("x", ENDPOINT, broken, Browser().secret)
        with pytest.raises(Invalid):
            world.act(command, who="mara")
        command = acts.commands.AddDevice("x", ENDPOINT, Browser().key, broken)
        with pytest.raises(Invalid):
            world.act(command, who="mara")


def test_nothing_of_a_device_stands_in_the_record_or_in_a_text(world):
    browser = Browser()
    done = set_up(world, browser, name="<b>my\r\nphone</b> " + "x" * 200)
    world.act(acts.commands.RemoveAddress(done.subject), who="mara")
    rows = str(world.app.db.read(lambda tx: [dict(row) for row in record.find(tx, limit=500)]))
    assert "address.added" in rows
    for secret in (browser.key, browser.secret, "canary-endpoint"):
        assert secret not in rows + repr(done) + str(done.sentence)
    assert "<" not in done.value.address
    assert len(done.value.address) <= 60


def test_the_key_is_made_once_and_is_every_nodes(world):
    keep = lambda made: world.app.db.run(lambda tx: paging.keep_push_key(tx, made, at=1))  # noqa: E731
    assert world.app.db.read(paging.push_key) is None
    assert keep("first") == "first"
    assert keep("second") == "first"
    assert world.app.db.read(paging.push_key) == "first"


def rings(world):
    """Mara's device rings for a critical incident."""
    address = set_up(world, Browser()).value
    world.act(acts.commands.AddRule("mara", "high", 0, address.id), who="mara")
    world.fires("pay-api")
    assert world.mara.expects("INC-1").facts["event"] == "page"


def test_a_page_gives_way_once_when_somebody_else_has_it(world):
    rings(world)
    world.act(acts.commands.Acknowledge("INC-1"), who="ben", role="responder")
    notice = world.mara.expects("INC-1: Ben Okafor has it")
    assert (notice.facts["event"], notice.urgency, notice.ack_url) == ("stopped", "low", None)
    world.act(acts.commands.Resolve("INC-1"), who="ben", role="responder")
    assert world.mara.is_quiet(), "what gave way does not come back"


def test_a_page_gives_way_when_it_is_over_and_the_next_one_rings_again(world):
    rings(world)
    world.clears("pay-api")
    world.mara.expects("INC-1: it is over")
    world.forward(minutes=2)
    world.fires("pay-api")
    assert world.mara.expects("INC-1").facts["event"] == "page"
    world.act(acts.commands.Acknowledge("INC-1"), who="mara", role="responder")
    world.mara.expects("INC-1: Mara Keller has it")


def test_alerts_that_join_do_not_touch_the_notification(world):
    rings(world)
    world.fires("pay-api", "Errors", severity="error")
    assert world.mara.is_quiet()


def test_a_notice_that_cannot_be_handed_over_is_tried_again(world):
    rings(world)
    world.push.faults = [Rejected("later", reply=503)]
    world.act(acts.commands.Acknowledge("INC-1"), who="ben", role="responder")
    assert world.mara.is_quiet()
    world.forward(minutes=1)
    world.mara.expects("Ben Okafor has it")


def test_a_notice_that_is_refused_for_good_is_not_tried_again(world):
    rings(world)
    world.push.always = Rejected("bad key", reply=403, permanent=True)
    world.act(acts.commands.Acknowledge("INC-1"), who="ben", role="responder")
    world.forward(minutes=5)
    assert len(world.push.tried) == 2
