"""Who comes in, as what, and until when? Accounts, roles and sessions over the API (P20, P21, P29)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from browsing import Visitor
from live import Live, Reply, live
from mainstay.people import ROLES

pytestmark = pytest.mark.both


@pytest.fixture
def mainstay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("accounts"), run_loops=False) as running:
        yield running


def as_admin(mainstay: Live, method: str, path: str, body: Any = None) -> Reply:
    """head, who is administrator by a token."""
    return mainstay.call(method, f"/mainstay/v1{path}", body, key=mainstay.token("admin", "head"))


def signed_in(mainstay: Live, person: str, role: str | None = None) -> Visitor:
    visitor = Visitor(mainstay)
    assert visitor.join(person, role).status == 303
    assert visitor.get("/account").status == 200
    return visitor


def is_out(visitor: Visitor) -> bool:
    return visitor.get("/account").status == 303


def test_somebody_is_invited_with_a_role_and_comes_in_by_the_link_once(mainstay: Live) -> None:
    made = as_admin(mainstay, "POST", "/accounts", {"person": "ben", "role": "responder"})
    assert made.status == 201
    path = made.json["link"].removeprefix(mainstay.runtime.settings.public_url)
    listed = {one["person"]: one for one in as_admin(mainstay, "GET", "/accounts").json["items"]}
    assert (listed["ben"]["state"], listed["mara"]["state"]) == ("invited", "none")
    ben = Visitor(mainstay)
    words = {"password": "a heron on the roof", "again": "a heron on the roof"}
    assert ben.get(path).status == ben.get(path).status == 200  # looking spends nothing
    assert ben.post(path, words).status == 303
    assert Visitor(mainstay).post(path, words).status == 409
    assert b"responder" in ben.get("/account").body
    (account,) = [
        one
        for one in as_admin(mainstay, "GET", "/accounts").json["items"]
        if one["person"] == "ben"
    ]
    assert (account["state"], account["roles"][0]["role"]) == ("open", "responder")
    assert account["last_seen_at"] is not None


def test_an_invitation_for_a_misspelt_name_is_refused_unless_it_is_meant(mainstay: Live) -> None:
    wrong = as_admin(mainstay, "POST", "/accounts", {"person": "benn", "role": "admin"})
    assert (wrong.status, "did you mean" in wrong.body.decode() or "ben" in wrong.body.decode()) == (
        404, True,
    )  # fmt: skip
    outside = {"person": "audit-ag", "role": "auditor", "outside": True}
    assert as_admin(mainstay, "POST", "/accounts", outside).status == 201


def test_a_second_invitation_replaces_the_first(mainstay: Live) -> None:
    links = [as_admin(mainstay, "POST", "/accounts", {"person": "ben"}).json["link"] for _ in "ab"]
    paths = [link.removeprefix(mainstay.runtime.settings.public_url) for link in links]
    assert [Visitor(mainstay).get(path).status for path in paths] == [409, 200]


def test_other_roles_end_every_session_at_once(mainstay: Live) -> None:
    ben = signed_in(mainstay, "ben", "viewer")
    as_admin(mainstay, "POST", "/roles", {"person": "ben", "role": "lead", "team": "payops"})
    assert is_out(ben)
    ben.sign_in("ben")
    assert b"lead of payops" in ben.get("/account").body
    ended = as_admin(mainstay, "DELETE", "/people/ben/roles/lead?team=payops")
    assert ended.status == 200
    assert is_out(ben)
    assert as_admin(mainstay, "DELETE", "/people/ben/roles/lead?team=payops").status == 404


def test_a_new_password_ends_every_session_and_the_old_one(mainstay: Live) -> None:
    ben = signed_in(mainstay, "ben", "viewer")
    link = as_admin(mainstay, "POST", "/accounts/ben/reset").json["link"]
    path = link.removeprefix(mainstay.runtime.settings.public_url)
    other = Visitor(mainstay)
    words = {"password": "two herons on the roof", "again": "two herons on the roof"}
    assert other.post(path, words).status == 303
    assert is_out(ben)
    assert ben.sign_in("ben").status == 401
    assert ben.sign_in("ben", "two herons on the roof").status == 303


def test_sessions_are_listed_and_ended_by_their_owner_and_by_admins(mainstay: Live) -> None:
    ben, again = signed_in(mainstay, "ben", "viewer"), Visitor(mainstay)
    again.sign_in("ben")
    token = mainstay.token("viewer", "ben")
    listed = mainstay.call("GET", "/mainstay/v1/sessions", key=token).json["items"]
    assert [one["person"] for one in listed] == ["ben", "ben"]
    mara = mainstay.token("viewer", "mara")
    first = next(one["id"] for one in listed if one["how"] == "link")
    assert mainstay.call("DELETE", f"/mainstay/v1/sessions/{first}", key=mara).status == 404
    assert mainstay.call("GET", "/mainstay/v1/sessions?person=ben", key=mara).status == 403
    assert mainstay.call("DELETE", f"/mainstay/v1/sessions/{first}", key=token).status == 200
    assert (is_out(ben), is_out(again)) == (True, False)
    assert as_admin(mainstay, "DELETE", "/accounts/ben/sessions").status == 200
    assert is_out(again)


def test_a_closed_account_opens_nothing_and_can_be_invited_anew(mainstay: Live) -> None:
    ben = signed_in(mainstay, "ben", "viewer")
    assert as_admin(mainstay, "DELETE", "/accounts/ben").status == 200
    assert is_out(ben)
    assert ben.sign_in("ben").status == 401
    assert as_admin(mainstay, "POST", "/accounts", {"person": "ben"}).status == 201


def test_who_leaves_the_estate_is_out_and_comes_back_with_it(mainstay: Live) -> None:
    ben = signed_in(mainstay, "ben", "viewer")
    declared = as_admin(mainstay, "GET", "/estate").json["estate"]
    people = {name: one for name, one in declared["people"].items() if name != "ben"}
    without = declared | {
        "people": people,
        "teams": {"payops": {"members": ["mara"]}},
        "escalations": {"fallback": [{"after": "0m", "notify": ["person:mara"]}]},
        "services": {"unrouted": {"tier": 3, "owner": "payops"}},
        "routes": [{"to": "service:unrouted"}],
    }
    assert as_admin(mainstay, "POST", "/estate/apply", {"estate": without}).status == 200
    assert is_out(ben)
    assert Visitor(mainstay).sign_in("ben").status == 401
    assert as_admin(mainstay, "POST", "/estate/apply", {"estate": declared}).status == 200
    assert not is_out(ben)


# -- who may give what -----------------------------------------------------------------------------


def test_nobody_gives_themselves_a_role(mainstay: Live) -> None:
    body = {"person": "head", "role": "approver"}
    assert as_admin(mainstay, "POST", "/roles", body).status == 403


@pytest.mark.parametrize("role", [role for role in ROLES if role != "admin"])
def test_only_an_administrator_gives_roles_and_invites(mainstay: Live, role: str) -> None:
    key = mainstay.token(role, "mara")
    for path, body in (
        ("/roles", {"person": "ben", "role": "viewer"}),
        ("/accounts", {"person": "ben"}),
        ("/accounts/ben/reset", None),
    ):
        assert mainstay.call("POST", f"/mainstay/v1{path}", body or {}, key=key).status == 403


def test_an_administrator_of_one_team_gives_no_roles(mainstay: Live) -> None:
    key = mainstay.token("admin", "mara", "payops")
    body = {"person": "ben", "role": "viewer", "team": "payops"}
    assert mainstay.call("POST", "/mainstay/v1/roles", body, key=key).status == 403


def test_the_last_administrator_stays(mainstay: Live) -> None:
    signed_in(mainstay, "mara", "admin")
    assert as_admin(mainstay, "DELETE", "/people/mara/roles/admin").status == 403
    assert as_admin(mainstay, "DELETE", "/accounts/mara").status == 403
    as_admin(mainstay, "POST", "/roles", {"person": "ben", "role": "admin"})
    assert as_admin(mainstay, "DELETE", "/people/mara/roles/admin").status == 200


def test_a_token_gives_no_more_than_its_owner_holds_now(mainstay: Live) -> None:
    token = mainstay.token("admin", "ben")
    keys = ("GET", "/mainstay/v1/keys")
    assert mainstay.call(*keys, key=token).status == 200  # ben was never given a role
    as_admin(mainstay, "POST", "/roles", {"person": "ben", "role": "responder"})
    assert mainstay.call(*keys, key=token).status == 403
    assert mainstay.call("GET", "/mainstay/v1/alerts", key=token).status == 200
    as_admin(mainstay, "DELETE", "/people/ben/roles/responder")
    assert mainstay.call("GET", "/mainstay/v1/alerts", key=token).status == 403


# -- the first start -------------------------------------------------------------------------------


def test_the_set_up_link_makes_the_first_administrator_and_then_no_other(mainstay: Live) -> None:
    first, second = Visitor(mainstay), Visitor(mainstay)
    words = {"name": "mara", "password": "a heron on the roof", "again": "a heron on the roof"}
    old = first.link("setup")
    path = first.link("setup")
    assert first.post(old, words).status == 409  # replaced by the newer one
    assert first.post(path, words | {"again": "another"}).status == 400
    assert first.post(path, words | {"password": "short", "again": "short"}).status == 400
    assert first.post(path, words).status == 303
    assert b"admin" in first.get("/account").body
    assert second.post(path, words | {"name": "ben"}).status == 409
    assert second.post(second.link("setup"), words | {"name": "ben"}).status == 409
    assert is_out(second)


def test_everything_that_was_done_stands_in_the_record_and_no_secret_does(mainstay: Live) -> None:
    made = as_admin(mainstay, "POST", "/accounts", {"person": "ben", "role": "lead"})
    ben = Visitor(mainstay)
    words = {"password": "a heron on the roof", "again": "a heron on the roof"}
    ben.post(made.json["link"].removeprefix(mainstay.runtime.settings.public_url), words)
    ben.sign_in("ben", "wrong")
    rows = mainstay.rows("SELECT kind, because, facts, actor FROM foundation_record")
    kinds = {row[0] for row in rows}
    assert {
        "role.granted", "link.made", "account.opened", "session.opened", "session.refused"
    } <= kinds  # fmt: skip
    stored = str(rows) + str(mainstay.rows("SELECT * FROM signin_link"))
    stored += str(mainstay.rows("SELECT * FROM signin_account"))
    assert not any(
        secret in stored
        for secret in (made.json["link"].rpartition("/")[2], "a heron on the roof", ben.cookie)
    )
