"""Silences mute what matches until they end; then it speaks again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mainstay import acts, alerts
from mainstay.foundation.errors import Forbidden, Invalid

pytestmark = pytest.mark.both


def silence(world, *matchers, hours=1.0, who="mara", reason="planned work", starts_in_h=0.0):
    now = world.clock.now()
    start = now + timedelta(hours=starts_in_h)
    command = acts.commands.AddSilence(
        tuple(alerts.parse(m) for m in matchers), start, start + timedelta(hours=hours), reason
    )
    return world.act(command, who=who)


def test_a_silenced_alert_pages_nobody_and_the_record_says_by_whom_and_why(world):
    silence(world, "service=pay-api")
    world.fires("pay-api")
    assert world.mara.is_quiet()
    assert world.incidents() == []
    [alert] = world.app.db.read(alerts.every_open)
    assert alert.silence is not None


def test_when_the_silence_ends_and_it_still_fires_it_speaks_again(world):
    silence(world, "service=pay-api", hours=1)
    world.fires("pay-api")
    world.forward(minutes=61, keep=("pay-api",))
    world.mara.expects("INC-1", "HighLatency")


def test_ending_a_silence_by_hand_lets_it_speak_at_once(world):
    made = silence(world, "service=pay-api")
    world.fires("pay-api")
    world.act(acts.commands.EndSilence(made.value.id), who="mara")
    world.mara.expects("INC-1")


def test_what_cleared_during_the_silence_stays_quiet_after_it(world):
    silence(world, "service=pay-api", hours=1)
    world.fires("pay-api")
    world.clears("pay-api")
    world.forward(minutes=90)
    assert world.mara.is_quiet()


def test_silencing_an_incident_that_pages_stops_the_paging_until_the_silence_ends(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    silence(world, "alertname=~High.*", hours=0.5)
    world.forward(minutes=29, keep=("pay-api",))
    assert world.ben.is_quiet()
    world.forward(minutes=2, keep=("pay-api",))
    world.mara.expects("INC-1", "Why you")


def test_a_silence_that_starts_later_mutes_from_then_on(world):
    silence(world, "service=pay-api", starts_in_h=1)
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.acknowledges("mara")
    world.forward(minutes=62, keep=("pay-api",))
    assert world.mara.is_quiet()


def test_two_silences_end_one_by_one(world):
    silence(world, "service=pay-api", hours=1)
    silence(world, "alertname=HighLatency", hours=2)
    world.fires("pay-api")
    world.forward(minutes=70, keep=("pay-api",))
    assert world.mara.is_quiet()
    world.forward(minutes=60, keep=("pay-api",))
    world.mara.expects("INC-1")


@pytest.mark.parametrize(
    ("matchers", "reason", "hours", "words"),
    [
        ([], "x", 1, "needs a matcher"),
        (["service=~.*"], "x", 1, "fit every alert"),
        (["service=pay-api"], "  ", 1, "needs a reason"),
        (["service=pay-api"], "x", -1, "must end after"),
        (["service=pay-api"], "x", 24 * 365, "at most 180 days"),
    ],
)
def test_a_silence_that_could_hide_too_much_is_refused(world, matchers, reason, hours, words):
    with pytest.raises(Invalid, match=words):
        silence(world, *matchers, hours=hours, reason=reason)


def test_a_bad_regex_is_refused_with_what_is_wrong(world):
    with pytest.raises(Invalid, match="no regular expression"):
        silence(world, "service=~(")


def test_a_viewer_may_not_silence_and_is_told_who_may(world):
    command = acts.commands.AddSilence(
        (alerts.parse("a=b"),), world.clock.now(), world.clock.now() + timedelta(hours=1), "x"
    )
    with pytest.raises(Forbidden, match="responder"):
        world.act(command, who="ben", role="viewer")
