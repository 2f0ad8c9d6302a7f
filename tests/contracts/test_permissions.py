"""May each role do exactly what the one table says, at every route there is? (P29)"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from live import Live, live
from mainstay.api import ROUTES, Route
from mainstay.api.asking import GuardedRoute
from mainstay.foundation.errors import Impossible
from mainstay.people import PERMISSIONS, ROLES, allowed

pytestmark = pytest.mark.both

PREFIX = "/mainstay/v1"
BY_ACTS = {"people.contact_any", "people.secret"}
CENSUS = [
    pytest.param(route, role, id=f"{route.method} {route.path} as {role}")
    for route in ROUTES
    for role in ROLES
]


@pytest.fixture(scope="module")
def mainstay(tmp_path_factory: pytest.TempPathFactory, engine: str) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("census"), run_loops=False) as running:
        yield running


def asked(mainstay: Live, route: Route, **who: Any) -> int:
    """The status for a request that concerns oneself, or nothing that exists."""
    path = re.sub(r"/(people|accounts)/{id}", r"/\1/mara", route.path)
    path = re.sub(r"\{\w+\}", "nothing-here", path)
    body = {} if route.method == "POST" else None
    return mainstay.call(route.method, PREFIX + path, body, **who).status


@pytest.mark.parametrize(("route", "role"), CENSUS)
def test_a_role_passes_where_the_table_says_so_and_nowhere_else(
    mainstay: Live, route: Route, role: str
) -> None:
    status = asked(mainstay, route, role=role)
    if allowed(role, route.permission):
        assert status in (200, 201, 202, 400, 404)
    else:
        assert status == 403


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_no_route_answers_somebody_without_a_token(mainstay: Live, route: Route) -> None:
    assert asked(mainstay, route) == 401
    assert asked(mainstay, route, key="mst_" + "a" * 52) == 401


def test_every_path_in_the_document_stands_in_the_table_and_the_other_way_round(
    mainstay: Live,
) -> None:
    document = mainstay.call("GET", "/openapi.json").json
    described = {
        (method.upper(), path.removeprefix(PREFIX), operation["x-permission"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert described == {(route.method, route.path, route.permission) for route in ROUTES}


def test_a_route_that_declares_no_permission_cannot_be_made() -> None:
    with pytest.raises(Impossible, match="declares no permission"):
        GuardedRoute("/x", lambda: None, methods=["GET"])
    with pytest.raises(Impossible, match="declares no permission"):
        GuardedRoute("/x", lambda: None, openapi_extra={"x-permission": "cake.eat"})


def test_every_permission_is_asked_for_somewhere_but_those_that_acts_ask_themselves() -> None:
    assert {route.permission for route in ROUTES} == PERMISSIONS.keys() - BY_ACTS


def test_a_denied_attempt_leaves_its_own_row_in_the_record(mainstay: Live) -> None:
    asked_for = "SELECT actor, subject FROM foundation_record WHERE kind = 'act.refused'"
    mainstay.own("POST", "/keys", {"source": "prometheus"}, role="viewer")
    assert ("person:mara", "POST /mainstay/v1/keys") in mainstay.rows(asked_for)


# -- one's own, and others' ------------------------------------------------------------------------


def by(mainstay: Live, person: str, method: str, path: str, body: Any = None) -> Any:
    """A responder's request; `person` says whose token it is."""
    token = mainstay.token("responder", person)
    return mainstay.call(method, PREFIX + path, body, key=token)


def test_a_responder_changes_their_own_addresses_and_nobody_elses(mainstay: Live) -> None:
    body = {"kind": "mail", "address": "x@example.org"}
    made = by(mainstay, "mara", "POST", "/people/mara/addresses", body)
    assert made.status == 201
    name = made.json["address"]["id"]
    assert by(mainstay, "ben", "POST", "/people/mara/addresses", body).status == 403
    assert by(mainstay, "ben", "DELETE", f"/addresses/{name}").status == 404
    assert by(mainstay, "ben", "POST", "/people/mara/test-page").status == 403
    rule = {"urgency": "high", "delay_s": 60, "address": name}
    assert by(mainstay, "ben", "POST", "/people/mara/rules", rule).status == 403
    kept = by(mainstay, "mara", "POST", "/people/mara/rules", rule).json["rule"]["id"]
    assert by(mainstay, "ben", "DELETE", f"/rules/{kept}").status == 404
    assert by(mainstay, "mara", "DELETE", f"/addresses/{name}").status == 200


def test_addresses_are_masked_for_others_and_whole_for_oneself(mainstay: Live) -> None:
    own = by(mainstay, "mara", "GET", "/people/mara/contacts").json["addresses"][0]["address"]
    other = by(mainstay, "ben", "GET", "/people/mara/contacts").json["addresses"][0]["address"]
    assert (
        own
        == mainstay.own("GET", "/people/mara/contacts", role="lead").json["addresses"][0]["address"]
    )
    assert other == f"{own[:2]}…{own[-2:]}"


def test_a_token_of_one_team_makes_no_keys_for_all(mainstay: Live) -> None:
    token = mainstay.token("admin", "mara", "payops")
    body = {"source": "prometheus"}
    assert mainstay.call("POST", f"{PREFIX}/keys", body, key=token).status == 403


def test_a_revoked_token_and_one_of_somebody_who_left_open_nothing(mainstay: Live) -> None:
    made = mainstay.own("POST", "/tokens", {"person": "ben", "role": "viewer", "about": "x"}).json
    status = f"{PREFIX}/alerts"
    assert mainstay.call("GET", status, key=made["token"]).status == 200
    assert mainstay.own("DELETE", f"/tokens/{made['id']}").status == 200
    assert mainstay.call("GET", status, key=made["token"]).status == 401
    leaver = mainstay.token("viewer", "ben")
    assert mainstay.call("GET", status, key=leaver).status == 200
    declared = mainstay.own("GET", "/estate").json["estate"]
    without = {
        **declared,
        "people": {name: one for name, one in declared["people"].items() if name != "ben"},
        "teams": {"payops": {"members": ["mara"]}},
        "escalations": {"fallback": [{"after": "0m", "notify": ["person:mara"]}]},
        "services": {"unrouted": {"tier": 3, "owner": "payops"}},
        "routes": [{"to": "service:unrouted"}],
    }
    applied = mainstay.own("POST", "/estate/apply", {"estate": without})
    assert applied.status == 200, applied.body
    assert mainstay.call("GET", status, key=leaver).status == 401
    assert mainstay.own("POST", "/estate/apply", {"estate": declared}).status == 200


def test_a_calendar_takes_its_token_in_the_query_and_nothing_else_does(mainstay: Live) -> None:
    token = mainstay.token("viewer")
    calendar = mainstay.call("GET", f"{PREFIX}/oncall/payops-oncall/calendar.ics?token={token}")
    assert (calendar.status, calendar.headers["content-type"]) == (
        200, "text/calendar; charset=utf-8",
    )  # fmt: skip
    assert calendar.body.startswith(b"BEGIN:VCALENDAR")
    assert mainstay.call("GET", f"{PREFIX}/alerts?token={token}").status == 401
