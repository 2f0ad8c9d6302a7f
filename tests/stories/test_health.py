"""Is a service called healthy only when something saw that it is, and is the reason a sentence?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from mainstay import alerts, handover
from mainstay.acts import commands


def health(world: Any) -> dict[str, handover.health.Health]:
    now = world.clock.now()
    return world.app.db.read(
        lambda tx: handover.health.healths(tx, world.app.ground.views.current(tx), now=now)
    )


def test_what_nobody_looks_at_is_not_seen_and_trouble_goes_up(world: Any) -> None:
    assert {one.state for one in health(world).values()} == {"not seen"}
    world.fires("pay-db", "Replication lag")
    found = health(world)
    assert found["pay-db"].state == "failing"
    assert found["pay-db"].sentence == "Replication lag on pay-db."
    assert found["checkout"].state == "at risk"
    assert found["checkout"].sentence == "pay-db, which it needs, is failing."
    assert found["reports"].state == "not seen"


def test_a_silence_mutes_and_says_until_when_and_why(world: Any) -> None:
    world.fires("reports", severity="error")
    now = world.clock.now()
    matcher = alerts.parse("service=reports")
    silence = commands.AddSilence((matcher,), now, now + timedelta(hours=1), "planned work")
    world.act(silence, who="mara")
    found = health(world)["reports"]
    assert found.state == "muted"
    assert "by mara: planned work" in found.sentence


def test_availability_counts_incidents_that_overlap_once(world: Any) -> None:
    start = world.clock.now()
    world.fires("reports", "A", severity="critical")
    world.clock.forward(minutes=4)
    world.settle()
    world.clears("reports", "A", severity="critical")
    end = start + timedelta(minutes=40)
    world.clock.forward(minutes=36)
    past = world.app.db.read(
        lambda tx: handover.health.availability(tx, "reports", start=start, end=end)
    )
    assert past.share == pytest.approx(0.9)
    assert [one.name for one in past.down] == ["INC-1"]
    assert past.lost == timedelta(minutes=4)


def test_a_badge_says_the_state_and_nothing_in_it_is_markup() -> None:
    one = handover.health.Health("x", "failing", "<script>alert(1)</script> & more")
    picture = handover.health.badge(one, "<b>")
    assert "<script" not in picture
    assert "&lt;b&gt;" in picture
    assert ">failing</text>" in picture


def test_a_check_that_was_never_looked_at_is_no_health(world: Any) -> None:
    world.apply(world.text + "checks:\n  job: {service: reports, heartbeat: true, period: 1h}\n")
    assert health(world)["reports"].state == "not seen"
