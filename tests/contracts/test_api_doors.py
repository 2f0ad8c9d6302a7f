"""Does every door, over real HTTP, take what its clients send, durably, and refuse the rest well?"""

from __future__ import annotations

import gzip
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.poison.bodies import poisoned
from live import Live, Reply, live
from mainstay import acts, signals
from mainstay.foundation.errors import Stuck
from peers import wait_until

pytestmark = pytest.mark.both

WIRE = Path(__file__).parent / "wire"
ALERT = [{"labels": {"alertname": "ReplicaLag", "service": "pay-db"}}]
EVENT = {
    "event_action": "trigger",
    "dedup_key": "d1",
    "payload": {"summary": "s", "source": "h", "severity": "error", "custom_details": {"x": "@"}},
}
HOOK = {"version": "4", "alerts": [{"status": "firing", "labels": {"a": "b"}, "fingerprint": "@"}]}
DOORS: dict[str, tuple[str, str, Any]] = {
    "alertmanager": ("prometheus", "/api/v2/alerts", [{"labels": {"alertname": "@"}}]),
    "alertmanager-webhook": ("hooks", "/hook", HOOK),
    "pagerduty": ("agents", "/v2/enqueue", EVENT),
    "pagerduty-change": ("agents", "/v2/change/enqueue", {"payload": EVENT["payload"]}),
    "json": ("batch", "/hook", {"job": "J1", "text": "abend", "more": "@"}),
    "report": ("desk", "/report", {"summary": "slow", "reporter": "ana", "details": "@"}),
}


@pytest.fixture(scope="module")
def mainstay(tmp_path_factory: pytest.TempPathFactory, engine: str) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("doors"), run_loops=False) as running:
        yield running


def stored(mainstay: Live) -> int:
    count = mainstay.rows("SELECT count(*) FROM signals_request")[0][0]
    assert isinstance(count, int)
    return count


def test_no_key_is_kept_with_the_signal_that_it_came_in(mainstay: Live) -> None:
    key = mainstay.key("agents")
    answer = mainstay.call("POST", "/v2/enqueue", {**EVENT, "routing_key": key})
    receipt = answer.headers["mainstay-receipt"]
    [(body,)] = mainstay.rows("SELECT body FROM signals_request WHERE receipt = :r", r=receipt)
    assert b'"dedup_key"' in bytes(body)
    assert key.encode() not in bytes(body)


def replayed(mainstay: Live, name: str, source: str, path: str) -> Reply:
    """A recorded request, with our key where its sender had its own."""
    request = json.loads((WIRE / f"{name}.json").read_text())
    body, key = request["body"], mainstay.key(source)
    if "routing_key" in body:
        body["routing_key"] = key
    headers = {k: v for k, v in request["headers"].items() if k not in ("Host", "Content-Length")}
    in_path = path.replace("{key}", key)
    return mainstay.call("POST", in_path, json.dumps(body).encode(), headers=headers)


@pytest.mark.parametrize(
    ("name", "source", "path", "status"),
    [
        ("POST_api_v2_alerts_Prometheus", "prometheus", "/k/{key}/api/v2/alerts", 200),
        ("POST_api_v2_alerts_Go_http_client", "prometheus", "/in/{key}/api/v2/alerts", 200),
        ("POST_hook_am_Alertmanager_firing", "hooks", "/hook/{key}", 202),
        ("POST_hook_am_Alertmanager_resolved", "hooks", "/k/{key}/hook", 202),
        ("POST_hook_json_Apprise", "apprise", "/hook/{key}", 202),
        ("POST_v2_change_enqueue_pdpyras", "agents", "/v2/change/enqueue", 202),
        ("POST_v2_enqueue_Alertmanager_trigger", "agents", "/v2/enqueue", 202),
        ("POST_v2_enqueue_Alertmanager_resolve", "agents", "/v2/enqueue", 202),
        ("POST_v2_enqueue_pdpyras_trigger", "agents", "/v2/enqueue", 202),
        ("POST_v2_enqueue_pdpyras_resolve", "agents", "/v2/enqueue", 202),
        ("POST_v2_enqueue_python_pagerduty_trigger", "agents", "/v2/enqueue", 202),
        ("POST_v2_enqueue_python_pagerduty_acknowledge", "agents", "/v2/enqueue", 202),
        ("POST_v2_enqueue_python_pagerduty_resolve", "agents", "/v2/enqueue", 202),
    ],
)
def test_a_recorded_request_is_taken_as_its_client_expects_and_is_stored_under_its_receipt(
    mainstay: Live, name: str, source: str, path: str, status: int
) -> None:
    reply = replayed(mainstay, name, source, path)
    assert reply.status == status, reply.body
    receipt = reply.headers["mainstay-receipt"]
    row = mainstay.rows(
        "SELECT source, state, body FROM signals_request WHERE receipt = :r", r=receipt
    )
    assert [(found, state) for found, state, _ in row] == [(source, "waiting")]
    assert mainstay.key(source).encode() not in bytes(row[0][2])
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/api/v2/alerts", "/k/@/api/v2/alerts", "/in/@/api/v2/alerts", "/hook", "/v2/enqueue"]
)
def test_without_a_key_in_force_nothing_is_stored(mainstay: Live, path: str) -> None:
    before = stored(mainstay)
    reply = mainstay.call("POST", path.replace("@", "a" * 32), EVENT | {"routing_key": "a" * 32})
    assert reply.status == (400 if path == "/v2/enqueue" else 401)
    assert stored(mainstay) == before


def test_a_key_opens_no_door_of_another_format(mainstay: Live) -> None:
    reply = mainstay.call("POST", "/api/v2/alerts", ALERT, key=mainstay.key("agents"))
    assert reply.status == 403
    assert "/v2/enqueue" in reply.json["message"]


def test_an_intake_key_reads_nothing_and_an_api_token_sends_nothing(mainstay: Live) -> None:
    key = mainstay.key("prometheus")
    for path in ("/api/v2/alerts", "/mainstay/v1/alerts", f"/k/{key}/api/v2/alerts"):
        assert mainstay.call("GET", path, key=key).status == 401
    assert mainstay.call("POST", "/api/v2/alerts", ALERT, role="admin").status == 401


def test_a_revoked_key_opens_nothing_any_more_from_the_very_next_request(mainstay: Live) -> None:
    made = mainstay.own("POST", "/keys", {"source": "other"}).json["key"]
    assert mainstay.call("POST", "/api/v2/alerts", ALERT, key=made).status == 200
    listed = mainstay.own("GET", "/keys").json["items"]
    named = next(one["id"] for one in listed if one["source"] == "other")
    assert mainstay.own("DELETE", f"/keys/{named}").status == 200
    assert mainstay.call("POST", "/api/v2/alerts", ALERT, key=made).status == 401


def test_a_key_that_another_process_made_works_and_one_that_it_revoked_does_not(
    mainstay: Live,
) -> None:
    secret = mainstay.act(acts.commands.CreateKey("other")).secret

    def status() -> int:
        return mainstay.call("POST", "/api/v2/alerts", ALERT, key=secret).status

    wait_until(lambda: status() == 200, within_s=2, what="the new key to open the door")
    newest = mainstay.runtime.db.read(signals.list_keys)[0]
    mainstay.act(acts.commands.RevokeKey(newest.id))
    wait_until(lambda: status() == 401, within_s=3, what="the revoked key to be refused")


def test_of_a_batch_with_one_bad_alert_the_good_one_is_kept_and_the_answer_says_which(
    mainstay: Live,
) -> None:
    before = stored(mainstay)
    batch = [{"labels": {"a-b": "x"}}, *ALERT]
    reply = mainstay.call("POST", "/api/v2/alerts", batch, key=mainstay.key("prometheus"))
    assert reply.status == 400
    assert "/0/labels/a-b" in reply.json
    assert "mainstay-receipt" in reply.headers
    assert stored(mainstay) == before + 1


def test_a_write_that_fails_gives_no_2xx_and_says_when_to_come_again(
    mainstay: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(*args: Any, **kwargs: Any) -> None:
        raise Stuck("The database cannot write: database is locked.", retry_after_s=5)

    key = mainstay.key("prometheus")
    monkeypatch.setattr("mainstay.pipeline.accept", stuck)
    reply = mainstay.call("POST", "/api/v2/alerts", ALERT, key=key)
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert "mainstay-receipt" not in reply.headers


def test_a_full_disk_is_507(mainstay: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise Stuck(
            "The database cannot write: database or disk is full.", retry_after_s=5, disk_full=True
        )

    key = mainstay.key("hooks")
    monkeypatch.setattr("mainstay.pipeline.accept", full)
    reply = mainstay.call("POST", "/hook", HOOK, key=key)
    assert (reply.status, reply.json["status"]) == (507, 507)
    assert int(reply.headers["retry-after"]) > 0


def test_a_fault_of_ours_is_500_in_the_protocols_shape_and_tells_nothing_of_the_inside(
    mainstay: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError("secret inside")

    key = mainstay.key("agents")
    monkeypatch.setattr("mainstay.pipeline.accept", broken)
    reply = mainstay.call("POST", "/v2/enqueue", EVENT | {"routing_key": key})
    assert (reply.status, reply.json["status"]) == (500, "error")
    assert b"secret inside" not in reply.body


def test_the_row_is_durable_before_the_sender_hears_of_it(
    mainstay: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    commit = mainstay.runtime.db.engine.commit
    monkeypatch.setattr(
        mainstay.runtime.db.engine,
        "commit",
        lambda batch, **how: (commit(batch, **how), order.append("commit")),
    )
    key = mainstay.key("prometheus")
    order.clear()
    reply = mainstay.call("POST", "/api/v2/alerts", ALERT, key=key)
    order.append("answer")
    assert reply.status == 200
    assert order == ["commit", "answer"]


def test_at_overload_the_door_says_429_and_nothing_is_dropped_in_silence(tmp_path: Path) -> None:
    with live(tmp_path, run_loops=False, backlog_max=3) as full:
        key, hooks = full.key("prometheus"), full.key("hooks")
        statuses = [full.call("POST", "/api/v2/alerts", ALERT, key=key).status for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        assert stored(full) == 3
        refusal = full.call("POST", "/hook", HOOK, key=hooks)
        assert (refusal.status, refusal.json["code"]) == (429, "MS-1429")
        assert int(refusal.headers["retry-after"]) > 0
        routed = full.call("POST", "/v2/enqueue", EVENT | {"routing_key": full.key("agents")})
        assert (routed.status, routed.json["status"]) == (429, "throttle exceeded")


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_beyond_the_limit_is_413(mainstay: Live, packed: bool) -> None:
    body = b"[" + b" " * 1_100_000 + b"]"
    headers = {"Content-Encoding": "gzip"} if packed else {}
    reply = mainstay.call(
        "POST", "/api/v2/alerts", gzip.compress(body) if packed else body,
        key=mainstay.key("prometheus"), headers=headers,
    )  # fmt: skip
    assert (reply.status, reply.json["code"]) == (413, 413)


def test_headers_beyond_the_limit_are_431(mainstay: Live) -> None:
    reply = mainstay.call("POST", "/api/v2/alerts", ALERT, headers={"X-Long": "x" * 20_000})
    assert reply.status == 431


def test_a_signal_is_sent_by_post(mainstay: Live) -> None:
    reply = mainstay.call("GET", "/v2/enqueue")
    assert (reply.status, reply.headers["allow"]) == (405, "POST")


def test_many_requests_on_one_connection_each_get_their_own_receipt(mainstay: Live) -> None:
    key = mainstay.key("prometheus")
    body = json.dumps(ALERT).encode()
    head = f"POST /k/{key}/api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", mainstay.port), timeout=10) as connection:
        connection.sendall((head.encode() + body) * 20)
        answers = connection.makefile("rb")
        receipts = set()
        for _ in range(20):
            assert answers.readline().startswith(b"HTTP/1.1 200")
            headers = http.client.parse_headers(answers)
            answers.read(int(headers["content-length"]))
            receipts.add(headers["mainstay-receipt"])
    assert len(receipts) == 20


POISON = [
    pytest.param(door, body, id=f"{door}: {name}")
    for door, (_, _, good) in DOORS.items()
    for name, body in poisoned(good).items()
]


@pytest.mark.parametrize(("door", "body"), POISON)
def test_a_hostile_body_is_refused_over_http_and_leaves_no_row(
    mainstay: Live, door: str, body: bytes
) -> None:
    source, path, _ = DOORS[door]
    before = stored(mainstay)
    reply = mainstay.call("POST", path, body, key=mainstay.key(source))
    assert 400 <= reply.status < 500, reply
    assert stored(mainstay) == before


def test_the_bodies_that_poison_was_put_into_are_themselves_taken(mainstay: Live) -> None:
    for source, path, good in DOORS.values():
        assert mainstay.call("POST", path, good, key=mainstay.key(source)).status in (200, 202)


@pytest.mark.parametrize("path", ["/api/v2/alerts", "/hook", "/k/unknown/api/v2/alerts"])
def test_a_stranger_is_refused_before_a_byte_of_the_body_is_read(mainstay: Live, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    with socket.create_connection(("127.0.0.1", mainstay.port), timeout=10) as client:
        client.sendall(head.encode())
        assert client.recv(12) == b"HTTP/1.1 401"
