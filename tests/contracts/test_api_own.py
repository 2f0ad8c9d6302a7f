"""Does our own API do what its contract says, and refuse in one shape (RFC 9457)?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from corpus.poison.bodies import poisoned
from live import Live, live
from mainstay.foundation import record

pytestmark = pytest.mark.both

ALERT = {"alertname": "ReplicaLag", "service": "pay-db", "severity": "critical"}


@pytest.fixture(scope="module")
def mainstay(tmp_path_factory: pytest.TempPathFactory, engine: str) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("own")) as running:
        key = running.key("prometheus")
        running.call("POST", "/api/v2/alerts", [{"labels": ALERT}], key=key)
        running.phone("mara").wait()
        yield running


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Live]:
    with live(tmp_path) as running:
        key = running.key("prometheus")
        running.call("POST", "/api/v2/alerts", [{"labels": ALERT}], key=key)
        running.phone("mara").wait()
        yield running


def test_an_incident_is_found_by_its_id_its_number_and_its_name(mainstay: Live) -> None:
    whole = mainstay.own("GET", "/incidents/1").json
    assert whole["services"] == ["pay-db"]
    assert [alert["labels"] for alert in whole["alerts"]] == [ALERT]
    assert [page["person"] for page in whole["pages"]] == ["mara"]
    assert [run["policy"] for run in whole["escalations"]] == ["payops"]
    for name in (whole["id"], "INC-1", "inc-1"):
        assert mainstay.own("GET", f"/incidents/{name}").json["id"] == whole["id"]
    assert mainstay.own("GET", "/incidents/INC-99").status == 404


def test_an_incident_goes_through_its_life_by_api_alone(fresh: Live) -> None:
    def act(verb: str, body: Any = None) -> Any:
        answer = fresh.own("POST", f"/incidents/INC-1/{verb}", body, role="responder")
        assert answer.status == 200, answer.body
        return answer.json

    assert act("acknowledge")["incident"]["acknowledged_by"] == "mara"
    assert act("unacknowledge")["incident"]["acknowledged_by"] is None
    act("notes", {"text": "looking"})
    assert act("move", {"state": "mitigating"})["incident"]["state"] == "mitigating"
    assert act("assign", {"person": "ben"})["incident"]["assignee"] == "ben"
    act("page", {"target": "person:head", "reason": "need you"})
    assert fresh.phone("head").wait().incident == "INC-1"
    act("escalate", {"reason": "now"})
    assert act("resolve", {"note": "failed over"})["incident"]["state"] == "resolved"
    assert act("reopen", {"reason": "back"})["incident"]["state"] == "investigating"
    facts = fresh.own("GET", "/incidents/1/timeline").json["items"]
    assert "looking" in [fact["because"] for fact in facts if fact["kind"] == "incident.note"]
    assert [fact["seq"] for fact in facts] == sorted(fact["seq"] for fact in facts)


def test_what_was_true_a_moment_ago_is_a_conflict(mainstay: Live) -> None:
    answer = mainstay.own("POST", "/incidents/1/unacknowledge")
    assert (answer.status, answer.json["code"]) == (409, "MS-1409")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_list_goes_on_where_it_ended(fresh: Live) -> None:
    batch = [{"labels": {"alertname": f"a{n}", "service": "pay-db"}} for n in range(30)]
    fresh.call("POST", "/api/v2/alerts", batch, key=fresh.key("prometheus"))
    fresh.alerts(31)
    seen: list[str] = []
    after = ""
    while True:
        answer = fresh.own("GET", f"/alerts?limit=10{after}").json
        seen += [one["id"] for one in answer["items"]]
        if answer["next"] is None:
            break
        after = f"&after={answer['next']}"
    assert len(seen) == len(set(seen)) == 31
    assert fresh.own("GET", "/alerts?after=nonsense").status == 400


def test_a_report_becomes_an_incident_with_its_reporter(fresh: Live) -> None:
    taken = fresh.own("POST", "/report", {"summary": "pay-api feels slow", "service": "pay-api"})
    assert taken.status == 202
    found = fresh.until("/alerts", lambda a: len(a["items"]) == 2, what="the report as an alert")
    report = next(one for one in found["items"] if one["receipt"] == taken.json["receipt"])
    assert (report["service"], report["labels"]["reporter"]) == ("pay-api", "mara")
    trace = fresh.own("GET", f"/trace/{taken.json['receipt']}").json
    assert "pay-api feels slow" in trace["answer"]


def test_a_swap_takes_effect_at_once(fresh: Live) -> None:
    def who() -> str:
        person: str = fresh.own("GET", "/oncall/payops-oncall").json["person"]
        return person

    now = fresh.runtime.clock.now()
    end = (now + timedelta(hours=8)).isoformat()
    swap = {"schedule": "payops-oncall", "person": "ben", "reason": "dentist"}
    swap |= {"starts_at": now.isoformat()}
    assert who() == "mara"
    made = fresh.own("POST", "/overrides", {"overrides": [swap | {"ends_at": end}]})
    assert (made.status, who()) == (201, "ben")
    name = made.json["items"][0]["id"]
    assert fresh.own("DELETE", f"/overrides/{name}").status == 200
    assert who() == "mara"


def test_a_silence_by_api_mutes_and_ends(fresh: Live) -> None:
    body = {"matchers": ["service=pay-db"], "for": "2h", "reason": "drill"}
    made = fresh.own("POST", "/silences", body)
    assert made.status == 201, made.body
    silence = made.json["silence"]
    assert fresh.own("GET", "/alerts").json["items"][0]["silence"] == silence["id"]
    assert fresh.own("DELETE", f"/silences/{silence['id']}").status == 200
    assert fresh.own("GET", "/silences").json["items"] == []
    over = fresh.own("GET", "/silences?state=all").json["items"]
    assert [one["state"] for one in over] == ["ended"]


def test_a_plan_says_what_would_change_and_a_bad_estate_never_replaces_a_good_one(
    fresh: Live,
) -> None:
    declared = fresh.own("GET", "/estate").json["estate"]
    assert fresh.own("POST", "/estate/plan", {"estate": declared}).json["differences"] == []
    changed = declared | {"services": declared["services"] | {"fx": {"tier": 2, "owner": "payops"}}}
    plan = fresh.own("POST", "/estate/plan", {"estate": changed}).json
    assert [one["sentence"] for one in plan["differences"]] == ["added services fx"]
    assert (plan["version"], plan["running"]) == (1, 1)
    bad = declared | {"services": {"fx": {"tier": 2, "owner": "nobody"}}}
    refused = fresh.own("POST", "/estate/apply", {"estate": bad})
    assert refused.status == 400
    assert {e["pointer"] for e in refused.json["errors"]} >= {"/estate/services/fx/owner"}
    assert fresh.own("GET", "/estate").json["version"] == 1
    assert fresh.own("POST", "/estate/apply", {"estate": changed}).json["version"] == 2


def test_a_test_page_reaches_every_address_and_tells_what_the_provider_said(fresh: Live) -> None:
    tried = fresh.own("POST", "/people/head/test-page").json["items"]
    assert [(one["kind"], one["sent"], one["answer"]) for one in tried] == [
        ("sms", True, "accepted")
    ]
    assert "TEST" in fresh.phone("head").pages[-1].subject


def test_the_shift_and_the_status_tell_the_whole_at_a_glance(mainstay: Live) -> None:
    shift = mainstay.own("GET", "/shift").json
    assert shift["verdict"] == "INC-1 is open; nobody has acknowledged INC-1 yet."
    assert [one["name"] for one in shift["incidents"]] == ["INC-1"]
    assert shift["incidents"][0]["next_page_at"] is not None
    assert [one["person"] for one in shift["oncall"]] == ["mara"]
    status = mainstay.own("GET", "/status").json
    assert (status["open_alerts"], status["open_incidents"], status["estate_version"]) == (1, 1, 1)


def test_the_record_is_read_forwards_and_backwards_and_holds(mainstay: Live) -> None:
    newest = mainstay.own("GET", "/record?limit=3").json["items"]
    assert [one["seq"] for one in newest] == sorted((one["seq"] for one in newest), reverse=True)
    first = mainstay.own("GET", "/record?after=1&limit=2").json["items"]
    assert [one["seq"] for one in first] == [2, 3]
    assert mainstay.own("GET", "/record?after=1&before=2").status == 400
    assert mainstay.own("GET", "/record/verify").json["broken"] is None


def test_checkpoints_are_read_by_who_may_verify_and_are_lines_to_be_kept(mainstay: Live) -> None:
    app = mainstay.runtime
    signed = app.db.run(lambda tx: (
        record.seal(tx, app.clock.now()),
        record.take_checkpoint(tx, app.signer, now=app.clock.now(), node="n", estate_version=1),
    ))[1]  # fmt: skip
    found = mainstay.own("GET", "/record/checkpoints", role="auditor").json
    assert found["items"][-1]["line"] == signed.as_line()
    assert mainstay.own("GET", "/record/checkpoints", role="responder").status == 403
    verdict = mainstay.own("GET", "/record/verify").json
    assert (verdict["faults"], verdict["covered"]) == ([], signed.rows)
    assert mainstay.own("GET", "/status").json["checkpoint_at"] is not None


# -- refusals --------------------------------------------------------------------------------------

POISON = poisoned({"text": "@"})


@pytest.mark.parametrize("name", POISON)
def test_a_hostile_body_is_400_with_a_sentence_and_notes_nothing(mainstay: Live, name: str) -> None:
    before = mainstay.rows("SELECT count(*) FROM foundation_record WHERE kind = 'incident.note'")
    answer = mainstay.own("POST", "/incidents/1/notes", POISON[name])
    assert answer.status in (400, 413), answer.body
    assert {"type", "title", "status", "detail", "code"} <= answer.json.keys()
    after = mainstay.rows("SELECT count(*) FROM foundation_record WHERE kind = 'incident.note'")
    assert before == after


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"text": "a\\u0000b"}', "/text"),
        (b'{"text": 5}', "/text"),
        (b'{"text": "a", "more": 1}', "/more"),
        (b"{}", "/text"),
        (b'{"text": "a", "text": "b"}', ""),
        (b"", ""),
    ],
)
def test_a_refusal_points_at_what_is_wrong(mainstay: Live, body: bytes, pointer: str) -> None:
    answer = mainstay.own("POST", "/incidents/1/notes", body)
    assert (answer.status, answer.json["pointer"]) == (400, pointer)
    assert answer.json["detail"].endswith(".")


def test_a_body_that_is_no_json_is_415(mainstay: Live) -> None:
    for headers in ({"Content-Type": "text/xml"}, {"Content-Encoding": "br"}):
        answer = mainstay.call(
            "POST", "/mainstay/v1/incidents/1/notes", b"<a/>", role="admin", headers=headers
        )
        assert answer.status == 415


def test_a_body_beyond_the_limit_is_413_and_one_without_a_token_is_not_even_read(
    mainstay: Live,
) -> None:
    body = b'{"text": "' + b"x" * 1_100_000 + b'"}'
    assert mainstay.own("POST", "/incidents/1/notes", body).status == 413
    assert mainstay.call("POST", "/mainstay/v1/incidents/1/notes", b"[" * 9).status == 401


def test_a_misspelled_parameter_is_refused_and_not_ignored(mainstay: Live) -> None:
    answer = mainstay.own("GET", "/alerts?stat=all")
    assert (answer.status, "state" in answer.json["detail"]) == (400, True)


def test_another_method_is_405_and_says_which_there_are(mainstay: Live) -> None:
    answer = mainstay.own("DELETE", "/silences")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")


def test_every_answer_carries_the_headers_that_keep_it_private(mainstay: Live) -> None:
    for path in ("/mainstay/v1/alerts", "/mainstay/v1/nothing", "/openapi.json", "/livez", "/a/x"):
        headers = mainstay.call("GET", path, role="admin").headers
        assert headers["cache-control"] == "no-store", path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_a_fault_of_ours_is_500_and_tells_nothing_of_the_inside(
    mainstay: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError("secret inside")

    monkeypatch.setattr("mainstay.alerts.count_all_open", broken)
    answer = mainstay.own("GET", "/shift")
    assert (answer.status, answer.json["code"]) == (500, "MS-5000")
    assert b"secret inside" not in answer.body
    assert answer.headers["cache-control"] == "no-store"


def test_alive_and_ready_need_no_token(mainstay: Live) -> None:
    assert mainstay.call("GET", "/livez").json == {"ok": True}
    assert mainstay.call("GET", "/readyz").json == {"ok": True}
