"""Two nodes on one database: what one was doing when it was paused, the other has done since.

Both run on the story's one database and clock; `second` is another start of the program.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from small_world import World

from mainstay import acts, app, loops, paging, pipeline, presence, signals, upkeep
from mainstay.estate import Views
from mainstay.foundation import due, record
from mainstay.foundation.due import Due, TakenOver
from mainstay.foundation.errors import TimedOut
from mainstay.paging.channels import Answer
from mainstay.runtime import Runtime

pytestmark = pytest.mark.both

OK = Answer(provider_id="late", words="accepted")
SENDS = timedelta(seconds=paging.LEASE_S + 1)


@pytest.fixture
def second(world: World) -> Runtime:
    first = world.app
    return replace(
        first,
        node=replace(first.node, id="second", folder="/elsewhere"),
        ground=replace(first.ground, node="second", views=Views()),
    )


def pause(world: World, length: timedelta) -> None:
    """Nothing runs for so long."""
    world.clock.forward(seconds=length.total_seconds())


def holder(world: World) -> str:
    [lease] = world.app.db.read(due.leases)
    return lease.owner


def settle_lease(world: World) -> timedelta:
    return timedelta(seconds=world.app.settings.lease_s)


def alert(service: str) -> dict[str, Any]:
    labels = {"alertname": "Down", "service": service, "severity": "critical"}
    return {"labels": labels, "startsAt": "2026-11-23T07:59:00Z"}


# -- settling --------------------------------------------------------------------------------------


def test_what_one_node_took_another_settles_and_only_one_at_a_time(
    world: World, second: Runtime
) -> None:
    world.fires("pay-api")
    assert holder(world) == "story"
    world.sends("prometheus", [alert("reports")])
    loops.settle(second, world.clock.now())
    upkeep.seal(second, world.clock.now())
    assert world.app.db.read(signals.waiting_n) == 1, "the second node settled beside the first"
    pause(world, settle_lease(world))
    loops.settle(second, world.clock.now())
    assert world.app.db.read(signals.waiting_n) == 0
    assert holder(world) == "second"
    taken = [row for row in world.app.db.read(record.latest) if row["kind"] == "node.settles"]
    assert "fencing token 2" in taken[0]["because"]


def test_what_a_paused_owner_had_read_is_refused_when_it_wakes(
    world: World, second: Runtime
) -> None:
    """Its list is old: each of them is settled already, by whoever has taken over."""
    world.sends("prometheus", [alert("pay-api")])
    first, now = world.app, world.clock.now()
    lease = first.db.run(lambda tx: presence.hold(tx, first, now))
    [request] = first.db.read(lambda tx: signals.waiting(tx, 10))
    assert lease is not None
    pause(world, settle_lease(world))
    app.drain(second)
    assert len(world.phones["mara"].pages) == 1
    with pytest.raises(TakenOver, match="token 1"):
        first.db.run(lambda tx: loops._settle_alone(tx, first, lease, request))
    app.drain(first)
    assert len(world.phones["mara"].pages) == 1
    assert len(world.incidents()) == 1


def test_time_passes_once_whichever_node_notices(world: World, second: Runtime) -> None:
    world.fires("pay-api")
    expiry = world.app.db.read(acts.next_at)
    assert expiry is not None
    world.clock.set(expiry)
    presence.alive(world.app, expiry)
    loops.pass_time(second, expiry)
    assert world.incident().is_open, "the second node let time pass beside the first"
    loops.pass_time(world.app, expiry)
    assert not world.incident().is_open


# -- steps -----------------------------------------------------------------------------------------


def claim(node: Runtime, kind: str) -> Due:
    now = node.clock.now()
    [one] = node.db.run(lambda tx: pipeline.claim(tx, node.ground, (kind,), now=now))
    return one


def test_a_step_that_another_node_has_fired_is_not_fired_again(
    world: World, second: Runtime
) -> None:
    world.fires("pay-api")
    world.forward(minutes=9, keep=("pay-api",))
    pause(world, timedelta(minutes=1))
    stale = claim(world.app, paging.STEP_DUE)
    pause(world, SENDS)
    app.drain(second)
    assert len(world.phones["ben"].pages) == 1
    planned = world.app.db.read(lambda tx: due.pending(tx, stale.kind, stale.key))
    pause(world, timedelta(minutes=1))
    world.app.db.run(lambda tx: loops._take_alone(tx, world.app, stale))
    assert world.app.db.read(lambda tx: due.pending(tx, stale.kind, stale.key)) == planned
    app.drain(world.app)
    assert len(world.phones["ben"].pages) == 1


# -- pages -----------------------------------------------------------------------------------------


def begin(node: Runtime) -> pipeline.Ready:
    """The one page that is due, its attempt committed; nothing is sent yet."""
    now = node.clock.now()
    [ready] = node.db.run(lambda tx: pipeline.begin_sends(tx, node.ground, now=now))
    return ready


def finish(node: Runtime, ready: pipeline.Ready, outcome: Any) -> None:
    now = node.clock.now()
    node.db.run(lambda tx: pipeline.finish_send(tx, node.ground, ready, outcome, jitter=0, now=now))


def page_under_way(world: World) -> pipeline.Ready:
    """A page that the first node has handed to its channel, and then it is paused."""
    world.sends("prometheus", [alert("pay-api")])
    now = world.clock.now()
    loops.settle(world.app, now)
    world.app.db.run(lambda tx: pipeline.fire_steps(tx, world.app.ground, now=now))
    ready = begin(world.app)
    pause(world, SENDS)
    return ready


def state_of_page(world: World) -> tuple[str, int]:
    [send] = world.sends_of()
    return send.state, send.tries


def test_a_late_yes_ends_the_copy_that_another_node_has_under_way(
    world: World, second: Runtime
) -> None:
    """One extra copy, as promised; its failure makes no third one."""
    mine = page_under_way(world)
    theirs = begin(second)
    assert theirs.page.repeat
    assert theirs.page.idempotency_key == mine.page.idempotency_key
    finish(world.app, mine, OK)
    finish(second, theirs, TimedOut("No answer."))
    assert state_of_page(world) == ("sent", 2)
    pause(world, timedelta(seconds=90))
    app.drain(second)
    assert world.sms.tried == []


def test_a_late_no_decides_nothing(world: World, second: Runtime) -> None:
    mine = page_under_way(world)
    theirs = begin(second)
    finish(world.app, mine, TimedOut("No answer."))
    finish(second, theirs, OK)
    assert state_of_page(world) == ("sent", 2)
    pause(world, timedelta(seconds=90))
    app.drain(world.app)
    assert world.sms.tried == []
    assert any("that another has taken over" in line for line in world.timeline())


def test_a_late_no_after_the_copy_was_sent_pages_nobody_else(world: World, second: Runtime) -> None:
    mine = page_under_way(world)
    theirs = begin(second)
    finish(second, theirs, OK)
    finish(world.app, mine, TimedOut("No answer."))
    assert state_of_page(world) == ("sent", 2)
    app.drain(world.app)
    assert world.sms.tried == []


def test_a_late_answer_of_a_webhook_leaves_what_it_was_told_to_the_other_node(
    world: World, second: Runtime
) -> None:
    """Else it would void the other node's claim, and tell what is told already."""
    world.address("mara", "webhook")
    world.fires("pay-api")
    told = len(world.webhook.tried)
    world.sends("prometheus", [alert("pay-db")])
    loops.settle(world.app, world.clock.now())
    mine = begin_update(world.app)
    pause(world, SENDS)
    world.sends("prometheus", [alert("checkout")])  # joins: only the second one tells of it
    loops.settle(second, world.clock.now())
    theirs = begin_update(second)
    finish(world.app, mine, OK)
    assert second.db.read(lambda tx: due.is_held(tx, theirs.due))
    finish(second, theirs, OK)
    asyncio.run(loops.deliver(second, world.clock.now()))
    assert len(world.webhook.tried) == told, "it was told once more"


def begin_update(node: Runtime) -> pipeline.Ready:
    now = node.clock.now()
    [ready] = [
        one
        for one in node.db.run(lambda tx: pipeline.begin_sends(tx, node.ground, now=now))
        if isinstance(one, paging.Update)
    ]
    return ready
