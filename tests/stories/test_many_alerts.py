"""Does an act on a storm of alerts let pages through, and does it reach all of them in the end?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from mainstay import acts, alerts, people, pipeline

pytestmark = pytest.mark.both

MANY = 2 * alerts.SLICE + 100
COMMANDS = acts.commands


@pytest.fixture
def storm(world):
    """A storm on pay-api, in one incident; mara has been paged for it."""
    batch = [
        {
            "labels": {"alertname": f"A{n}", "service": "pay-api", "severity": "critical"},
            "startsAt": "2026-11-23T07:59:00Z",
        }
        for n in range(MANY)
    ]
    world.sends("prometheus", batch)
    world.settle()
    world.mara.expects("INC-1")
    return world


def begins(world, command):
    """The act alone, as its caller gets the answer; what it left to do is not done yet."""
    actor = people.person("mara", "responder")
    return world.app.db.run(
        lambda tx: pipeline.act(
            tx, world.app.ground, command, actor=actor, now=world.clock.now()
        )
    )  # fmt: skip


def silence(world):
    now = world.clock.now()
    matchers = (alerts.parse("service=pay-api"),)
    return COMMANDS.AddSilence(matchers, now, now + timedelta(hours=1), "storm")


def muted(world):
    return [one for one in world.app.db.read(alerts.every_open) if one.silence]


def test_a_silence_takes_a_slice_at_once_and_the_rest_after_a_restart(storm):
    begins(storm, silence(storm))
    assert len(muted(storm)) == alerts.SLICE
    storm.restart()
    storm.settle()
    assert len(muted(storm)) == MANY
    storm.forward(minutes=30)
    assert storm.mara.is_quiet()


def test_a_storm_that_falls_silent_speaks_again_when_its_silence_ends(storm):
    made = begins(storm, silence(storm)).value
    storm.settle()
    storm.forward(minutes=2)
    assert storm.mara.is_quiet()
    done = begins(storm, COMMANDS.EndSilence(made.id))
    assert f"{alerts.SLICE} or more alerts still fire" in done.sentence
    assert len(muted(storm)) == MANY - alerts.SLICE
    storm.settle()
    assert not muted(storm)
    storm.mara.expects("INC-1")


def test_a_silence_that_ends_half_way_gives_back_what_it_has_muted(storm):
    made = begins(storm, silence(storm)).value
    begins(storm, COMMANDS.EndSilence(made.id))
    storm.settle()
    assert not muted(storm)


def test_resolving_a_storm_closes_all_of_it_and_nothing_that_came_after(storm):
    begins(storm, COMMANDS.Resolve("INC-1"))
    assert len(storm.app.db.read(alerts.every_open)) == MANY - alerts.SLICE
    storm.clock.forward(seconds=1)
    storm.fires("pay-api", "News")
    storm.settle()
    assert [one.labels["alertname"] for one in storm.app.db.read(alerts.every_open)] == ["News"]
