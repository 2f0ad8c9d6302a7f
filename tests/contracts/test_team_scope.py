"""Does somebody who may for one team see and do what is that team's, and nothing else? (P29)

Every route that names an object is asked for an object of one's own team, and of another's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from browsing import Visitor
from live import ESTATE, Live, live
from mainstay.api import ROUTES, Route
from mainstay.people import PERMISSIONS

TWO_TEAMS = (
    ESTATE.replace("people:\n", "  data: {members: [head]}\npeople:\n", 1)
    .replace("pay-db: {tier: 1, owner: payops", "pay-db: {tier: 1, owner: data")
    .replace("depends: [pay-db]", "depends: []")
    .replace("  payops-oncall:\n", "  payops-oncall:\n    team: payops\n")
    + """
checks:
  reach-api: {service: pay-api, tcp: "127.0.0.1:9", every: 1h}
  reach-db: {service: pay-db, tcp: "127.0.0.1:9", every: 1h}
"""
)
API = "/mainstay/v1"
ABOUT_CHECKS = [route for route in ROUTES if "/checks/{name}" in route.path]
ABOUT_HEARTBEATS = [route for route in ROUTES if "/heartbeats/{name}" in route.path]
OF_SHIFTS = ("/checklist", "/waivers", "/handovers", "/teams", "/followups", "/services")
ABOUT_INCIDENTS = [route for route in ROUTES if "/incidents/{name}" in route.path]


@pytest.fixture(scope="module")
def mainstay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """INC-… of pay-api (payops) and of pay-db (data), both open."""
    with live(tmp_path_factory.mktemp("scope"), text=TWO_TEAMS) as running:
        for name, service in (("A", "pay-api"), ("B", "pay-db")):
            labels = {"alertname": name, "service": service, "severity": "critical"}
            body = [{"labels": labels}]
            running.call("POST", "/api/v2/alerts", body, key=running.key("prometheus"))
        running.alerts(2)
        yield running


@pytest.fixture(scope="module")
def incidents(mainstay: Live) -> dict[str, Any]:
    found = mainstay.own("GET", "/incidents").json["items"]
    return {one["service"]: one for one in found}


def asked(mainstay: Live, method: str, path: str, body: Any = None, *, role: str = "lead") -> Any:
    """As a `role` of payops alone."""
    return mainstay.call(method, API + path, body, key=mainstay.token(role, "mara", "payops"))


def test_lists_hold_what_is_ones_own_and_nothing_else(mainstay: Live) -> None:
    for path in ("/alerts", "/alerts?state=all", "/incidents", "/incidents?state=all"):
        found = asked(mainstay, "GET", path).json["items"]
        assert {one["service"] for one in found} == {"pay-api"}, path
        assert len(mainstay.own("GET", path).json["items"]) == 2
    shift = asked(mainstay, "GET", "/shift").json
    assert [one["service"] for one in shift["incidents"]] == ["pay-api"]
    assert (shift["alerts_open"], len(shift["pages"])) == (1, 1)
    assert "pay-db" not in str(shift["record"])
    token = mainstay.token("lead", "mara", "payops")
    listed = mainstay.call("GET", "/api/v2/alerts", key=token).json
    assert {one["labels"]["service"] for one in listed} == {"pay-api"}


def test_pages_of_a_list_are_full_though_others_lie_between(mainstay: Live) -> None:
    first = asked(mainstay, "GET", "/alerts?state=all&limit=1").json
    assert first["items"][0]["service"] == "pay-api"
    rest = asked(mainstay, "GET", f"/alerts?state=all&limit=1&after={first['next']}").json
    assert rest["items"] == []


@pytest.mark.parametrize("route", ABOUT_INCIDENTS, ids=lambda r: f"{r.method} {r.path}")
def test_an_incident_of_another_team_is_refused_at_every_route(
    mainstay: Live, incidents: dict[str, Any], route: Route
) -> None:
    body = {"reason": "x", "text": "x", "person": "mara", "state": "x", "target": "person:mara",
            "cause": "x"}  # fmt: skip
    fields = {
        "reopen": ["reason"], "notes": ["text"], "assign": ["person"], "move": ["state"],
        "escalate": ["reason"], "page": ["target", "reason"],
        "confirm": ["cause"], "rule-out": ["cause"],
    }  # fmt: skip
    last = route.path.rpartition("/")[2]
    sent = {name: body[name] for name in fields.get(last, [])} if route.method == "POST" else None
    for service, refused in (("pay-db", True), ("pay-api", False)):
        path = route.path.replace("{name}", incidents[service]["name"])
        reply = asked(mainstay, route.method, path, sent)
        assert (reply.status == 403) is refused, (reply.status, reply.body)


def test_an_alert_and_a_trace_of_another_team_are_refused(
    mainstay: Live, incidents: dict[str, Any]
) -> None:
    alerts = {one["service"]: one for one in mainstay.own("GET", "/alerts?state=all").json["items"]}
    for service, status in (("pay-api", 200), ("pay-db", 403)):
        row = alerts[service]
        assert asked(mainstay, "GET", f"/alerts/{row['id']}").status == status
        for name in (row["id"], row["receipt"], incidents[service]["name"]):
            assert asked(mainstay, "GET", f"/trace/{name}").status == status


@pytest.mark.parametrize(
    "path", ["/record", "/signals", "/signals/x", "/shadow", "/keys", "/accounts"]
)
def test_what_cannot_be_told_apart_by_team_is_for_every_team_alone(
    mainstay: Live, path: str
) -> None:
    reply = asked(mainstay, "GET", path, role="admin")
    assert reply.status == 403
    assert "every team" in reply.json["detail"]


@pytest.fixture(scope="module")
def ben(mainstay: Live) -> Visitor:
    """Lead of payops alone, at the console."""
    visitor = Visitor(mainstay)
    assert visitor.join("ben", "lead", "payops").status == 303
    return visitor


@pytest.mark.parametrize(
    "path", ["/", "/incidents", "/alerts", "/alerts?state=all", "/search?q=A", "/search?q=pay"]
)
def test_no_screen_shows_an_incident_or_an_alert_of_another_team(
    mainstay: Live, incidents: dict[str, Any], ben: Visitor, path: str
) -> None:
    screen = ben.get(path).body.decode()
    links = re.findall(r"/incidents/(\d+)|/alerts/(alt_\w+)", screen)
    foreign = mainstay.own("GET", "/alerts?state=all&service=pay-db").json["items"]
    hidden = {str(incidents["pay-db"]["number"])} | {one["id"] for one in foreign}
    assert {text for pair in links for text in pair} & hidden == set()
    assert incidents["pay-db"]["title"] not in screen


def test_a_screen_of_another_teams_incident_alert_or_of_the_record_is_refused(
    mainstay: Live, incidents: dict[str, Any], ben: Visitor
) -> None:
    alert = mainstay.own("GET", "/alerts?service=pay-db").json["items"][0]["id"]
    for path in (f"/incidents/{incidents['pay-db']['number']}", f"/alerts/{alert}", "/record"):
        assert ben.get(path).status == 403, path
    assert ben.get(f"/incidents/{incidents['pay-api']['number']}").status == 200


def test_an_incident_that_touches_two_teams_is_both_teams(mainstay: Live) -> None:
    declared = mainstay.own("GET", "/estate").json["estate"]
    declared["services"]["pay-api"]["depends"] = ["pay-db"]
    assert mainstay.own("POST", "/estate/apply", {"estate": declared}).status == 200
    for incident in mainstay.own("GET", "/incidents").json["items"]:
        mainstay.own("POST", f"/incidents/{incident['name']}/resolve", {})
    for name, service in (("C", "pay-db"), ("D", "pay-api")):
        labels = {"alertname": name, "service": service, "severity": "critical"}
        mainstay.call("POST", "/api/v2/alerts", [{"labels": labels}], key=mainstay.key("other"))
        mainstay.until(
            "/alerts", lambda a, n=name: f"'{n}'" in str(a["items"]), what=f"the alert {name}"
        )
    (both,) = mainstay.own("GET", "/incidents").json["items"]
    assert both["service"] == "pay-db"
    assert [one["name"] for one in asked(mainstay, "GET", "/incidents").json["items"]] == [
        both["name"]
    ]
    assert asked(mainstay, "POST", f"/incidents/{both['name']}/acknowledge").status == 200


def test_who_may_cover_a_shift_may_not_edit_the_schedule() -> None:
    cover, edit = PERMISSIONS["oncall.override"], PERMISSIONS["estate.apply"]
    assert cover & edit == {"admin"}
    assert "responder" in cover - edit
    assert "author" in edit - cover


def test_a_check_is_its_services_teams(mainstay: Live) -> None:
    key = mainstay.token("lead", team="payops")
    for name, wanted in (("reach-db", 403), ("reach-api", 200)):
        for route in ABOUT_CHECKS:
            path = API + route.path.replace("{name}", name)
            assert mainstay.call(route.method, path, key=key).status == wanted, route
    listed = mainstay.call("GET", f"{API}/checks", key=key).json["items"]
    assert [one["name"] for one in listed] == ["reach-api"]
    assert len(mainstay.own("GET", "/checks").json["items"]) == 2


def test_a_heartbeat_is_its_services_teams(mainstay: Live) -> None:
    for name, service in (("ours", "pay-api"), ("theirs", "pay-db")):
        body = {"name": name, "service": service, "period": "1h"}
        assert mainstay.own("POST", "/heartbeats", body).status == 201
    key = mainstay.token("lead", team="payops")
    bodies = {"pause": {}, "adopt": {"uuid": "8f57b84b-86c2-4546-8923-03f83d27604a"}}
    for name, wanted in (("theirs", {403}), ("ours", {200, 409})):
        for route in sorted(ABOUT_HEARTBEATS, key=lambda one: one.method == "DELETE"):
            path = API + route.path.replace("{name}", name)
            body = bodies.get(path.rpartition("/")[2])
            assert mainstay.call(route.method, path, body, key=key).status in wanted, route
    listed = mainstay.call("GET", f"{API}/heartbeats", key=key).json["items"]
    assert "theirs" not in [one["name"] for one in listed]


def test_a_diagnosis_of_a_service_is_its_teams(mainstay: Live) -> None:
    began = (datetime.now(UTC) - timedelta(minutes=10)).isoformat()
    for service, wanted in (("pay-db", 403), ("pay-api", 200)):
        run = mainstay.own("POST", "/diagnosis", {"service": service, "from": began}).json["run"]
        assert asked(mainstay, "GET", f"/diagnosis/{run}").status == wanted


def test_every_route_about_one_object_is_in_this_census_or_says_why_not() -> None:
    """A new route with an id in its path has to be thought about here."""
    named = {route.path for route in ROUTES if re.search(r"\{\w+\}", route.path)}
    shared_by_all = {
        "/oncall/{schedule}", "/oncall/{schedule}/shifts", "/oncall/{schedule}/calendar.ics",
        "/people/{id}/calendar.ics", "/people/{id}/contacts", "/calendars/{id}",
    }  # fmt: skip
    every_team_alone = {
        "/signals/{receipt}", "/signals/{receipt}/release", "/keys/{id}", "/tokens/{id}",
        "/accounts/{id}", "/accounts/{id}/reset", "/people/{id}/roles/{role}",
    }  # fmt: skip
    ones_own_or_every_team = {"/accounts/{id}/codes", "/accounts/{id}/sessions", "/sessions/{id}"}
    by_stories = {  # tests/stories/test_team_tokens.py, test_permissions.py
        "/silences/{id}", "/overrides/{id}", "/people/{id}/addresses", "/addresses/{id}",
        "/people/{id}/rules", "/rules/{id}", "/people/{id}/test-page", "/addresses/{id}/proof",
        "/addresses/{id}/verify",
    }  # fmt: skip
    here = {"/alerts/{id}", "/trace/{id}", "/diagnosis/{run}"}
    here |= {route.path for route in (*ABOUT_INCIDENTS, *ABOUT_HEARTBEATS, *ABOUT_CHECKS)}
    here |= {path for path in named if path.startswith(OF_SHIFTS)}  # test_shift_scope.py
    assert named == shared_by_all | every_team_alone | ones_own_or_every_team | by_stories | here
