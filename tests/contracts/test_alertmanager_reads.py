"""Does an unmodified amtool read and silence here as it does at a real Alertmanager?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from live import Live, live
from peers import RunAmtool, StartAlertmanager

pytestmark = pytest.mark.both

WIRE = Path(__file__).parent / "wire"
LAG = {"alertname": "ReplicaLag", "service": "pay-db", "severity": "critical"}
SLOW = {"alertname": "Slow", "service": "pay-api", "severity": "warning"}
NOBODY = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}


@pytest.fixture
def mainstay(tmp_path: Path) -> Iterator[Live]:
    folder = tmp_path / "mainstay"
    folder.mkdir()
    with live(folder) as running:
        body = [{"labels": LAG, "annotations": {"summary": "lags"}}, {"labels": SLOW}]
        running.call("POST", "/api/v2/alerts", body, key=running.key("prometheus"))
        running.alerts(2)
        yield running


def url(mainstay: Live, role: str = "responder") -> str:
    return f"{mainstay.url}/k/{mainstay.token(role)}"


def ran(amtool: RunAmtool, *words: str) -> str:
    """What it prints; it must end well."""
    done = amtool(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def names(mainstay: Live, query: str = "") -> set[str]:
    answer = mainstay.call("GET", f"/api/v2/alerts{query}", role="viewer")
    assert answer.status == 200, answer.body
    return {alert["labels"]["alertname"] for alert in answer.json}


def test_amtool_adds_an_alert_with_an_intake_key_and_lists_it_with_a_token(
    mainstay: Live, amtool: RunAmtool
) -> None:
    by_key = f"{mainstay.url}/k/{mainstay.key('prometheus')}"
    ran(amtool, by_key, "alert", "add", "alertname=ByHand", "service=pay-api")
    mainstay.alerts(3)
    assert "ByHand" in ran(amtool, url(mainstay), "alert", "query", "service=pay-api")
    assert "ByHand" not in ran(amtool, url(mainstay), "alert", "query", "service=~.*db")


def test_amtool_with_the_token_as_its_password_works_too(mainstay: Live, amtool: RunAmtool) -> None:
    with_password = f"http://mara:{mainstay.token('viewer')}@127.0.0.1:{mainstay.port}"
    assert "ReplicaLag" in ran(amtool, with_password, "alert", "query")


def test_amtool_silences_updates_and_ends_and_the_alert_speaks_again(
    mainstay: Live, amtool: RunAmtool
) -> None:
    at = url(mainstay)
    words = ("silence", "add", "alertname=ReplicaLag", "-c", "drill", "-a", "mara", "-d", "1h")
    first = ran(amtool, at, *words).strip()
    assert "ReplicaLag" not in ran(amtool, at, "alert", "query")
    assert "suppressed" in ran(amtool, at, "alert", "query", "-s")
    assert "drill" in ran(amtool, at, "silence", "query", "alertname=ReplicaLag")
    ran(amtool, at, "silence", "update", "-d", "3h", first)
    (second,) = ran(amtool, at, "silence", "query", "-q").split()
    assert second != first
    assert "ReplicaLag" not in ran(amtool, at, "alert", "query")
    ran(amtool, at, "silence", "expire", second)
    assert "ReplicaLag" in ran(amtool, at, "alert", "query")
    assert first in ran(amtool, at, "silence", "query", "--expired")


def test_amtool_shows_config_and_cluster_and_does_not_find_our_version_strange(
    mainstay: Live, amtool: RunAmtool
) -> None:
    shown = amtool(url(mainstay), "config", "show")
    assert '"name": "payops"' in shown.stdout
    assert "Warning" not in shown.stderr
    assert "Cluster Status" in ran(amtool, url(mainstay), "cluster", "show")
    assert "mainstay" in ran(amtool, url(mainstay), "config", "routes", "show")


def test_a_listed_alert_looks_as_a_real_alertmanager_shows_it(
    mainstay: Live, alertmanager: StartAlertmanager, amtool: RunAmtool
) -> None:
    peer = alertmanager(NOBODY)
    words = [f"{name}={value}" for name, value in LAG.items()]
    ran(amtool, peer.url, "alert", "add", *words, "--annotation=summary=lags")
    (theirs,) = peer.get("/api/v2/alerts")
    ours = next(
        one
        for one in mainstay.call("GET", "/api/v2/alerts", role="viewer").json
        if one["labels"] == LAG
    )
    for name in ("fingerprint", "labels", "annotations", "status"):
        assert ours[name] == theirs[name], name
    assert theirs.keys() - {"generatorURL"} == ours.keys() - {"generatorURL"}


def test_silences_statuses_and_groups_have_the_fields_of_a_real_alertmanager(
    mainstay: Live, alertmanager: StartAlertmanager, amtool: RunAmtool
) -> None:
    peer = alertmanager(NOBODY)
    ran(amtool, peer.url, "alert", "add", "a=b")
    for at in (peer.url, url(mainstay)):
        ran(amtool, at, "silence", "add", "alertname=x", "-c", "why", "-d", "1h")
    for path in ("/silences", "/status", "/alerts/groups", "/receivers"):
        ours = mainstay.call("GET", f"/api/v2{path}", role="viewer").json
        theirs = peer.get(f"/api/v2{path}")
        assert shape(ours) == shape(theirs), path


def shape(value: Any) -> Any:
    """The names of fields, all the way down; of a list, its first item's."""
    if isinstance(value, dict):
        free = {"labels", "annotations", "config"}
        return {k: None if k in free else shape(v) for k, v in value.items() if k != "generatorURL"}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"ReplicaLag", "Slow"}),
        ("?filter=alertname%3D%22Slow%22", {"Slow"}),
        ("?filter=service%3D~%22pay-.*%22&filter=severity!%3Dwarning", {"ReplicaLag"}),
        ("?filter=source%3D%22prometheus%22", {"ReplicaLag", "Slow"}),
        ("?receiver=pay.*", {"ReplicaLag", "Slow"}),
        ("?receiver=nobody", set()),
        ("?active=false", set()),
        ("?active=true&silenced=false&inhibited=false&unprocessed=false", {"ReplicaLag", "Slow"}),
    ],
)
def test_the_list_holds_what_was_asked_for(mainstay: Live, query: str, expected: set[str]) -> None:
    assert names(mainstay, query) == expected


@pytest.mark.parametrize(
    "query",
    ["?filter=%3D", "?filter=a%3D~%22(%22", "?active=perhaps", "?receiver=(", "?filter=x" * 90],
)
def test_a_query_that_cannot_be_read_is_400_with_a_sentence(mainstay: Live, query: str) -> None:
    answer = mainstay.call("GET", f"/api/v2/alerts{query}", role="viewer")
    assert (answer.status, type(answer.json)) == (400, str)


def test_the_recorded_requests_of_amtool_are_answered(mainstay: Live) -> None:
    posted = json.loads((WIRE / "POST_api_v2_silences_Go_http_client.json").read_text())
    posted["body"] |= {"startsAt": "2090-01-01T00:00:00Z", "endsAt": "2090-01-01T02:00:00Z"}
    made = mainstay.call("POST", posted["path"], posted["body"], role="responder")
    assert made.status == 200, made.body
    name = made.json["silenceID"]
    assert str(UUID(name)) == name
    shown = mainstay.call("GET", f"/api/v2/silence/{name}", role="viewer").json
    assert (shown["status"], shown["createdBy"]) == ({"state": "pending"}, "me")
    assert mainstay.call("DELETE", f"/api/v2/silence/{name}", role="responder").status == 200
    listed = json.loads((WIRE / "GET_api_v2_alerts_Go_http_client.json").read_text())
    assert mainstay.call("GET", listed["path"], role="viewer").json == []
    gone = json.loads(
        (WIRE / "DELETE_api_v2_silence_0b6c5d4e_1111_4222_8333_444455556666_Go_http_client.json")
        .read_text()
    )  # fmt: skip
    assert mainstay.call("DELETE", gone["path"], role="responder").status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"matchers": []},
        {"matchers": [{"name": "a", "value": "", "isRegex": False}]},
        {"comment": " "},
        {"endsAt": "2020-01-01T00:00:00Z"},
        {"endsAt": "soon"},
        {"endsAt": 5},
        {"createdBy": None},
    ],
)
def test_a_silence_that_makes_no_sense_is_refused_with_a_sentence(
    mainstay: Live, change: dict[str, Any]
) -> None:
    good = {
        "matchers": [{"name": "alertname", "value": "x", "isRegex": False, "isEqual": True}],
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "2090-01-01T00:00:00Z",
        "createdBy": "mara",
        "comment": "why",
    }
    answer = mainstay.call("POST", "/api/v2/silences", good | change, role="responder")
    assert (answer.status, type(answer.json)) == (400, str)
    assert mainstay.call("GET", "/api/v2/silences", role="viewer").json == []


def test_reading_needs_a_token_that_may_read_and_silencing_one_that_may_silence(
    mainstay: Live,
) -> None:
    for path in ("/alerts", "/alerts/groups", "/status", "/receivers", "/silences"):
        assert mainstay.call("GET", f"/api/v2{path}").status == 401
        assert mainstay.call("GET", f"/api/v2{path}", role="stakeholder").status == 403
        assert mainstay.call("GET", f"/api/v2{path}", role="viewer").status == 200
    assert mainstay.call("POST", "/api/v2/silences", {}, role="viewer").status == 403
    refused = mainstay.rows("SELECT subject FROM foundation_record WHERE kind = 'act.refused'")
    assert ("POST /api/v2/silences",) in refused


def test_health_and_unknown_paths_answer_as_they_do_there(mainstay: Live) -> None:
    assert mainstay.call("GET", "/-/healthy").body == b"OK"
    assert mainstay.call("GET", "/-/ready").status == 200
    assert mainstay.call("GET", "/api/v2/nothing", role="viewer").status == 404
    wrong = mainstay.call("DELETE", "/api/v2/silences", role="viewer")
    assert (wrong.status, set(wrong.headers["allow"].split(", "))) == (405, {"GET", "POST"})


def test_a_list_longer_than_one_piece_is_whole(mainstay: Live) -> None:
    for start in range(0, 2_500, 250):
        body = [{"labels": {"alertname": f"n{n}"}} for n in range(start, start + 250)]
        key = mainstay.key("prometheus")
        assert mainstay.call("POST", "/api/v2/alerts", body, key=key).status == 200
    mainstay.until("/status", lambda s: s["open_alerts"] == 2_502, what="2,502 alerts")
    assert len(names(mainstay)) == 2_502
