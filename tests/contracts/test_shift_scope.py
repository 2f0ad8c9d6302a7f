"""Does each route about a shift refuse what is another team's, and do what is one's own? (P29)"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from live import ESTATE, Live, live
from mainstay.api import ROUTES, Route

API = "/mainstay/v1"
OF_SHIFTS = ("/checklist", "/waivers", "/handovers", "/teams", "/followups", "/services")
ROUTES_OF_SHIFTS = [
    route for route in ROUTES if route.path.startswith(OF_SHIFTS) and "{" in route.path
]
TEAM = """
    members: [{member}]
    shifts: {{day: "00:00-12:00", night: "12:00-00:00"}}
    handover: {{draft_before: 1d}}
"""
CHECKLISTS = """
checklists:
  ours: {team: payops, due: "23:59", items: [{id: look, manual: Look, answer: {shot: {type: file, optional: true}}}]}
  theirs: {team: data, due: "23:59", items: [{id: look, manual: Look, answer: {shot: {type: file, optional: true}}}]}
"""
OF_PAYOPS, OF_DATA = "pay-db: {tier: 1, owner: payops", "pay-db: {tier: 1, owner: data"
FILE = base64.b64encode(b"seen").decode()
BODIES: dict[str, dict[str, Any]] = {
    "runs": {}, "look": {}, "files": {"answer": "shot", "name": "a.txt", "content": FILE},
    "checks": {}, "sign": {}, "reopen": {"reason": "x"}, "log": {"text": "x"},
    "waivers": {"item": "look", "owner": "mara", "reason": "x", "ends_at": "2000-01-01T00:00:00Z"},
    "followups": {"text": "x"}, "edit": {"said": "x"}, "offer": {}, "accept": {},
}  # fmt: skip


@pytest.fixture(scope="module")
def mainstay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Two teams with the same work: payops is mara's, data is head's."""
    found = re.search(r"  payops: \{members: \[([^]]*)\]\}\n", ESTATE)
    assert found is not None
    teams = f"  payops:{TEAM.format(member=found[1])}  data:{TEAM.format(member='head')}"
    text = ESTATE.replace(found[0], teams).replace(OF_PAYOPS, OF_DATA) + CHECKLISTS
    assert OF_DATA in text
    with live(tmp_path_factory.mktemp("shifts"), text=text) as running:
        yield running


@pytest.fixture(scope="module")
def ids(mainstay: Live) -> dict[str, dict[str, str]]:
    """Team → what stands for it in a path."""
    found = {}
    for team, checklist in (("payops", "ours"), ("data", "theirs")):
        own = mainstay.own
        begun = own("POST", f"/checklists/{checklist}/runs", {})
        run = begun.json["run"] if begun.status == 201 else _run_of(mainstay, checklist)
        file = own("POST", f"/checklist-runs/{run['id']}/items/look/files", BODIES["files"]).json
        task = own("POST", f"/teams/{team}/followups", {"text": "x"}).json["followup"]
        until = {"item": "look", "owner": "mara", "reason": "x", "ends_at": _tomorrow()}
        waiver = own("POST", f"/checklists/{checklist}/waivers", until).json["waiver"]
        handovers = mainstay.until(
            f"/handovers?team={team}", lambda a: a["items"], what=f"a handover of {team}"
        )
        found[team] = {
            "{service}": {"payops": "pay-api", "data": "pay-db"}[team],
            "{checklist}": checklist, "{run}": run["id"], "{item}": "look", "{team}": team,
            "/checklist-files/{id}": file["file"]["id"], "/waivers/{id}": waiver["id"],
            "/followups/{id}": task["id"], "/handovers/{id}": handovers["items"][0]["id"],
        }  # fmt: skip
    return found


@pytest.mark.parametrize("route", ROUTES_OF_SHIFTS, ids=lambda r: f"{r.method} {r.path}")
def test_what_is_another_teams_is_refused_and_what_is_ones_own_is_not(
    mainstay: Live, ids: dict[str, dict[str, str]], route: Route
) -> None:
    body = (
        BODIES[_path(route, ids["payops"]).rpartition("/")[2]] if route.method == "POST" else None
    )
    for team, refused in (("data", True), ("payops", False)):
        who = "ben" if route.path.endswith("/accept") else "mara"  # who offers does not accept
        token = mainstay.token("lead", who, "payops")
        reply = mainstay.call(route.method, API + _path(route, ids[team]), body, key=token)
        assert (reply.status == 403) is refused, (team, reply.status, reply.body)
        assert reply.status < 500


def test_lists_hold_the_own_teams_and_nothing_else(mainstay: Live, ids: Any) -> None:
    token = mainstay.token("viewer", "mara", "payops")
    for path in ("/checklists", "/handovers"):
        found = mainstay.call("GET", API + path, key=token).json["items"]
        assert {one["team"] for one in found} == {"payops"}, path
        assert {one["team"] for one in mainstay.own("GET", path).json["items"]} == {
            "payops",
            "data",
        }


def test_who_may_only_look_signs_nothing(mainstay: Live, ids: dict[str, dict[str, str]]) -> None:
    token = mainstay.token("viewer", "mara", "payops")
    run = ids["payops"]["{run}"]
    assert mainstay.call("GET", f"{API}/checklist-runs/{run}", key=token).status == 200
    assert mainstay.call("POST", f"{API}/checklist-runs/{run}/sign", {}, key=token).status == 403


def _path(route: Route, known: dict[str, str]) -> str:
    path = route.path
    for name, value in known.items():
        if name.startswith("/") and path.startswith(name):
            path = path.replace("{id}", value, 1)
        path = path.replace(name, value) if name.startswith("{") else path
    return path


def _run_of(mainstay: Live, checklist: str) -> Any:
    found = mainstay.own("GET", "/checklists").json["items"]
    return next(one["run"] for one in found if one["checklist"] == checklist)


def _tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()
