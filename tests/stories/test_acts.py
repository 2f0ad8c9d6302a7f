"""What people do, through `pipeline.act`: allowed, done, recorded; or refused and nothing left."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mainstay import acts, oncall, trace
from mainstay.foundation import record
from mainstay.foundation.errors import Conflict, Forbidden, Invalid, NotFound
from mainstay.oncall import Wanted

pytestmark = pytest.mark.both

C = acts.commands


def test_an_override_takes_effect_at_the_next_page(world):
    now = world.clock.now()
    wanted = Wanted("payops-oncall", "ben", now, now + timedelta(hours=8), "mara is ill")
    world.act(C.AddOverrides((wanted,)), who="ben")
    world.fires("pay-api")
    world.ben.expects("INC-1")
    assert world.mara.is_quiet()


def test_reassigning_pages_the_new_person_and_nobody_has_it_until_they_acknowledge(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.acknowledges("mara")
    world.act(C.Reassign("INC-1", "head"), who="mara")
    world.head.expects("INC-1", "handed INC-1 to head")
    assert world.incident().assignee == "head"
    assert world.incident().acked_by is None


def test_a_text_with_nul_is_refused_and_nothing_of_it_is_left(world):
    world.fires("pay-api")
    with pytest.raises(Invalid, match="NUL") as refused:
        world.act(C.Note("INC-1", "a\0b"), who="ben")
    assert refused.value.pointer == "/text"
    kinds = {row["kind"] for row in world.app.db.read(lambda tx: record.latest(tx, limit=99))}
    assert "incident.note" not in kinds


def test_reassigning_to_nobody_we_know_offers_the_nearest_name(world):
    world.fires("pay-api")
    with pytest.raises(Invalid, match="did you mean 'mara'"):
        world.act(C.Reassign("INC-1", "marra"), who="ben")


def test_giving_an_incident_back_pages_again(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.acknowledges("mara")
    world.forward(minutes=2, keep=("pay-api",))
    world.act(C.Unacknowledge("INC-1"), who="mara")
    world.mara.expects("INC-1")


def test_resolving_closes_the_alerts_and_reopening_pages_again(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.act(C.Resolve("INC-1", "failover done"), who="mara")
    assert world.incident().state == "resolved"
    world.forward(minutes=2)
    world.act(C.Reopen("INC-1", "it is back"), who="ben")
    world.mara.expects("INC-1")


def test_states_move_only_as_drawn_and_a_hold_says_for_what(world):
    world.fires("pay-api")
    world.act(C.Move("1", "mitigating"), who="mara")
    with pytest.raises(Invalid, match="caller, change, problem, vendor"):
        world.act(C.Move("1", "on_hold"), who="mara")
    world.act(C.Move("1", "on_hold", "vendor"), who="mara")
    assert world.incident().hold == "vendor"
    with pytest.raises(Conflict):
        world.act(C.Move("1", "resolved"), who="mara")
    with pytest.raises(Invalid, match="No state"):
        world.act(C.Move("1", "sleeping"), who="mara")


def test_acknowledging_what_does_not_exist_or_is_over_says_so(world):
    with pytest.raises(NotFound, match="INC-7"):
        world.acknowledges("mara", 7)
    world.fires("pay-api")
    world.clears("pay-api")
    with pytest.raises(Conflict, match="reopen"):
        world.acknowledges("mara")


def test_a_viewer_may_not_acknowledge_and_nothing_changes(world):
    world.fires("pay-api")
    with pytest.raises(Forbidden, match="responder"):
        world.act(C.Acknowledge("1"), who="ben", role="viewer")
    assert world.incident().acked_by is None


def test_an_acknowledge_link_works_once_and_only_for_its_own_page(world):
    world.fires("pay-api")
    page = world.mara.expects("INC-1")
    token = page.ack_url.rsplit("/", 1)[1]
    with pytest.raises(Forbidden, match="another page"):
        world.act(C.Acknowledge("1", link=token), who="ben")
    world.act(C.Acknowledge("1", link=token), who="mara")
    assert world.incident().acked_by == "mara"
    with pytest.raises(Conflict, match="used before"):
        world.act(C.Acknowledge("1", link=token), who="mara")


def test_shadow_decides_everything_and_sends_nothing(world):
    world.apply(world.text.replace("name: Alpenpay,", "name: Alpenpay, paging: shadow,"))
    world.fires("pay-api")
    world.forward(minutes=30, keep=("pay-api",))
    assert world.mara.is_quiet()
    assert world.ben.is_quiet()
    assert {s.person for s in world.sends_of()} == {"mara", "ben", "head"}
    assert {s.state for s in world.sends_of()} == {"shadow"}


def test_the_trace_of_a_receipt_tells_the_whole_way(world):
    receipt = world.fires("pay-api")
    world.acknowledges("mara")
    again = world.fires("pay-api")
    told = world.app.db.read(lambda tx: trace.trace(tx, world.app.ground, receipt))
    kinds = [line.kind for line in told.lines]
    for kind in ("signal.received", "alert.opened", "incident.opened", "paging.started",
                 "paging.step", "page.sent", "incident.acknowledged", "paging.stopped"):  # fmt: skip
        assert kind in kinds, kinds
    assert "paged mara" in told.answer
    assert "mara has it" in told.answer
    repeat = world.app.db.read(lambda tx: trace.trace(tx, world.app.ground, again))
    assert repeat.lines[1].kind == "alert.opened" or "repeats so far" in str(repeat.lines)


def test_the_record_is_a_chain_that_shows_any_change(world):
    world.fires("pay-api")
    world.acknowledges("mara")
    assert world.app.db.read(record.verify).broken is None
    assert world.app.db.read(record.verify).unsealed == 0
    world.app.db.run(
        lambda tx: tx.run("UPDATE foundation_record SET actor = 'person:ben' WHERE seq = 3")
    )
    assert "was changed" in world.app.db.read(record.verify).broken


def test_a_running_escalation_keeps_the_version_it_began_under(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    changed = world.text.replace("notify: [person:ben]", "notify: [person:head]")
    world.apply(changed)
    world.forward(minutes=11, keep=("pay-api",))
    world.ben.expects("INC-1")


def test_who_is_on_call_is_asked_when_the_page_is_sent(world):
    world.clock.set(world.clock.now().replace(hour=7, minute=55))
    now = world.clock.now()
    wanted = Wanted(
        "payops-oncall", "head", now + timedelta(minutes=30), now + timedelta(hours=3), "x"
    )
    world.act(C.AddOverrides((wanted,)), who="ben")
    answer = world.app.db.read(
        lambda tx: oncall.who(
            tx, world.app.ground.views.current(tx).estate, schedule="payops-oncall",
            at=now + timedelta(minutes=31),
            is_business_day=world.app.ground.views.current(tx).is_business_day,
        )
    )  # fmt: skip
    assert answer.person == "head"


def test_a_rebased_escalation_goes_on_under_the_new_version(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    changed = world.text.replace("notify: [person:ben]", "notify: [person:head]")
    world.apply(changed, rebase=True)
    world.forward(minutes=11, keep=("pay-api",))
    world.head.expects("INC-1")
    assert world.ben.is_quiet()


def test_rebased_on_a_policy_that_became_shorter_the_fallback_takes_over(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    shorter = world.text.replace("    - {after: 10m, notify: [person:ben]}\n", "")
    world.apply(shorter, rebase=True)
    world.forward(minutes=11, keep=("pay-api",))
    world.head.expects("INC-1")
