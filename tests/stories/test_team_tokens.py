"""A token that is limited to one team acts on what is that team's, and on nothing else (P29)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mainstay import acts, alerts, people, pipeline
from mainstay.foundation.errors import Forbidden
from mainstay.oncall import Wanted

pytestmark = pytest.mark.both

C = acts.commands


@pytest.fixture
def two_teams(world):
    world.apply(
        world.text.replace(
            "payops: {members: [mara, ben]}",
            "payops: {members: [mara, ben]}\n  data: {members: [head]}",
        )
        .replace("reports: {tier: 3, owner: payops}", "reports: {tier: 3, owner: data}")
        .replace("payops-oncall:\n", "payops-oncall:\n    team: payops\n")
    )
    return world


def as_data(world, command):
    """head, with a lead's token for team data alone."""
    actor = people.person("head", "lead", "data")
    now = world.clock.now()
    return world.app.db.run(
        lambda tx: pipeline.act(tx, world.app.ground, command, actor=actor, now=now)
    )


def silence(world, *matchers):
    now = world.clock.now()
    found = tuple(alerts.parse(one) for one in matchers)
    return C.AddSilence(found, now, now + timedelta(hours=1), "planned")


def test_a_team_silences_its_own_service_and_no_other(two_teams):
    as_data(two_teams, silence(two_teams, "service=reports"))
    for matchers in (["service=pay-api"], ["alertname=HighLatency"], ["service=~.+"]):
        with pytest.raises(Forbidden, match="team data alone"):
            as_data(two_teams, silence(two_teams, *matchers))


def test_a_team_ends_no_silence_of_another(two_teams):
    made = two_teams.act(silence(two_teams, "service=pay-api"), who="mara")
    with pytest.raises(Forbidden):
        as_data(two_teams, C.EndSilence(made.value.id))


def test_a_team_overrides_no_schedule_of_another(two_teams):
    now = two_teams.clock.now()
    wanted = Wanted("payops-oncall", "head", now, now + timedelta(hours=1), "mine")
    with pytest.raises(Forbidden, match="payops"):
        as_data(two_teams, C.AddOverrides((wanted,)))


def test_a_team_changes_no_address_of_people_in_another(two_teams):
    with pytest.raises(Forbidden, match="mara"):
        as_data(two_teams, C.AddAddress("mara", "mail", "elsewhere"))
    as_data(two_teams, C.AddAddress("head", "mail", "head/mail"))


def test_a_team_acknowledges_no_incident_of_another(two_teams):
    two_teams.fires("pay-api")
    with pytest.raises(Forbidden, match="payops"):
        as_data(two_teams, C.Acknowledge("INC-1"))
