"""Who may do what?"""

from __future__ import annotations

import pytest

from mainstay.foundation.errors import Forbidden, Impossible
from mainstay.people import MAINSTAY, PERMISSIONS, ROLES, Actor, Grant, allowed, require, who_may

EXPECTED = {
    "alerts.read",
    "alerts.silence",
    "incidents.read",
    "incidents.act",
    "incidents.page",
    "signals.read",
    "signals.release",
    "signals.report",
    "oncall.read",
    "oncall.override",
    "estate.read",
    "estate.plan",
    "estate.apply",
    "diagnosis.find",
    "people.read",
    "people.contact_own",
    "people.contact_any",
    "people.secret",
    "people.token",
    "people.grant",
    "people.account",
    "people.account_own",
    "people.review",
    "keys.manage",
    "record.read",
    "record.verify",
    "paging.read",
    "system.read",
    "checks.read",
    "checks.run",
    "heartbeats.read",
    "heartbeats.pause",
    "heartbeats.edit",
    "handover.act",
    "handover.sign",
    "handover.waive",
    "handover.read",
}
READ_ONLY = {name for name in EXPECTED if name.endswith(".read")} | {
    "record.verify",
    "people.review",
}


OWN = {"people.account_own"}
"""One's own password, codes and sessions: whoever has an account has those."""


def of(role: str) -> set[str]:
    return {permission for permission in PERMISSIONS if allowed(role, permission)}


def person(role: str | None, *, team: str | None = None) -> Actor:
    return Actor("person", "ana", (Grant(role, team),) if role else ())


def test_the_table_names_every_permission_and_somebody_has_each() -> None:
    assert set(PERMISSIONS) == EXPECTED
    assert all(set(who_may(permission)) <= set(ROLES) for permission in EXPECTED)
    assert all("admin" in who_may(permission) for permission in EXPECTED)


def test_an_auditor_reads_and_verifies_and_changes_nothing() -> None:
    assert of("auditor") - OWN == READ_ONLY


def test_a_viewer_changes_nothing_but_their_own_contacts_and_may_report() -> None:
    assert of("viewer") - READ_ONLY - OWN == {"signals.report", "people.contact_own"}


def test_a_stakeholder_sees_incidents_alone() -> None:
    assert of("stakeholder") - OWN == {"incidents.read", "signals.report", "people.contact_own"}


def test_each_role_that_answers_pages_has_all_of_the_one_below() -> None:
    assert of("responder") < of("lead") < of("admin")


def test_a_responder_acknowledges_and_may_neither_apply_nor_make_keys() -> None:
    assert {"incidents.act", "incidents.page", "alerts.silence"} <= of("responder")
    assert not {"estate.apply", "keys.manage", "people.token", "people.contact_any"} & of(
        "responder"
    )


def test_a_role_that_nobody_knows_may_nothing() -> None:
    assert of("root") == of("") == set()


def test_a_permission_that_nobody_knows_is_our_mistake_and_never_a_yes() -> None:
    with pytest.raises(Impossible, match=r"alerts\.raed"):
        allowed("admin", "alerts.raed")


def test_who_is_refused_reads_who_may() -> None:
    with pytest.raises(Forbidden) as caught:
        require(person("viewer"), "signals.release")
    assert (
        caught.value.sentence
        == "Only lead and admin may do this (signals.release); you are viewer."
    )
    assert caught.value.facts["roles"] == ["lead", "admin"]


@pytest.mark.parametrize(
    "actor",
    [
        person(None),
        person("root"),
        MAINSTAY,
        Actor("source", "prometheus", (Grant("admin"),)),
        Actor("provider", "twilio", (Grant("admin"),)),
    ],
)
def test_who_is_no_person_with_a_role_is_refused_whatever_they_claim(actor: Actor) -> None:
    for permission in PERMISSIONS:
        with pytest.raises(Forbidden):
            require(actor, permission)


def test_a_token_of_one_team_acts_on_that_team_alone() -> None:
    lead = person("lead", team="payops")
    require(lead, "incidents.act", team="payops")
    require(lead, "incidents.act")
    with pytest.raises(Forbidden, match="lead and admin of team cards may do this"):
        require(lead, "incidents.act", team="cards")
    require(person("lead"), "incidents.act", team="cards")


def test_somebody_holds_one_role_at_their_team_and_another_elsewhere() -> None:
    ana = Actor("person", "ana", (Grant("responder", "payops"), Grant("viewer")))
    assert ana.teams("incidents.act") == {"payops"}
    assert ana.teams("alerts.read") is None
    assert ana.teams("estate.apply") == frozenset()
    with pytest.raises(Forbidden, match="team payops alone"):
        require(ana, "incidents.act", team="cards")


def test_a_token_gives_no_more_than_its_owner_has() -> None:
    token = Actor("person", "ana", (Grant("admin"),), ceiling=(Grant("responder", "payops"),))
    assert token.teams("incidents.act") == {"payops"}
    assert not token.has("keys.manage")
    with pytest.raises(Forbidden, match="as far as the owner of this token is"):
        require(token, "keys.manage")
    gone = Actor("person", "ana", (Grant("lead"),), ceiling=())
    assert not any(gone.has(permission) for permission in PERMISSIONS)


@pytest.mark.parametrize(
    "permission",
    [
        "estate.apply",
        "keys.manage",
        "people.secret",
        "people.token",
        "people.grant",
        "people.account",
    ],
)
def test_a_token_of_one_team_never_changes_what_concerns_every_team(permission: str) -> None:
    require(person("admin"), permission)
    with pytest.raises(Forbidden, match="every team"):
        require(person("admin", team="payops"), permission, team="payops")


def test_an_actor_is_written_as_kind_and_id() -> None:
    assert str(person("lead")) == "person:ana"
    assert str(Actor("source", "prometheus")) == "source:prometheus"
    assert str(MAINSTAY) == "mainstay"
