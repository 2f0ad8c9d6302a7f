"""What somebody with one key, one token or one link could do to everybody else: nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from live import Live, live
from mainstay import loops, paging, pipeline, signals

pytestmark = pytest.mark.both

FAR = "9999-12-31T23:59:59-14:00"
"""An instant whose UTC lies in the year 10000."""
LONG_AGO = "0001-01-01T00:00:00+14:00"


@pytest.fixture
def mainstay(tmp_path: Path) -> Iterator[Live]:
    with live(tmp_path) as running:
        yield running


def event(key: str, at: str) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "summary": "x",
        "source": "s",
        "severity": "critical",
        "timestamp": at,
    }
    payload |= {"custom_details": {"service": "pay-db"}}
    return {"routing_key": key, "event_action": "trigger", "dedup_key": at, "payload": payload}


@pytest.mark.parametrize("at", [FAR, LONG_AGO])
def test_an_alert_from_beyond_the_calendar_still_pages_and_hides_no_list(
    mainstay: Live, at: str
) -> None:
    assert mainstay.call("POST", "/v2/enqueue", event(mainstay.key("agents"), at)).status == 202
    labels = {"alertname": "Lag", "service": "pay-db"}
    posted = [{"labels": labels, "endsAt": FAR, "generatorURL": "http://x/"}]
    assert mainstay.call("POST", "/api/v2/alerts", posted, key=mainstay.key("prometheus")).status
    mainstay.phone("mara").wait()
    assert len(mainstay.alerts(2)) == 2
    listed = mainstay.call("GET", "/api/v2/alerts", role="viewer")
    assert (listed.status, len(listed.json)) == (200, 2)


@pytest.mark.parametrize("role", ["stakeholder", "responder", "lead"])
def test_only_an_admin_names_a_secret_that_goes_out_with_pages(mainstay: Live, role: str) -> None:
    wanted = {"kind": "webhook", "address": "https://evil.example", "secret": "env:SMTP_PASSWORD"}
    asked = mainstay.own("POST", "/people/mara/addresses", wanted, role=role)
    assert asked.status == 403
    assert "people.secret" in asked.json["detail"]
    kinds = [row[0] for row in mainstay.rows("SELECT kind FROM foundation_record")]
    assert "act.refused" in kinds
    assert mainstay.own("POST", "/people/mara/addresses", wanted).status == 201
    without = {"kind": "mail", "address": f"{role}@example.com"}
    assert mainstay.own("POST", "/people/mara/addresses", without, role=role).status == 201


def test_an_address_never_stands_whole_in_the_record(mainstay: Live) -> None:
    secret = "https://hooks.example.com/services/T0/B0/whoever-knows-this-may-post"
    body = {"kind": "webhook", "address": secret}
    key = mainstay.token("admin", "head")  # one's own would have to be proved first
    made = mainstay.call("POST", "/mainstay/v1/people/mara/addresses", body, key=key)
    posted = [{"labels": {"alertname": "Lag", "service": "pay-db"}}]
    mainstay.call("POST", "/api/v2/alerts", posted, key=mainstay.key("prometheus"))
    mainstay.phone("mara").wait(2)
    mainstay.until(
        "/incidents/1",
        lambda i: {page["state"] for page in i["pages"]} == {"sent"},
        what="both pages to be sent",
    )
    assert mainstay.own("DELETE", f"/addresses/{made.json['address']['id']}").status == 200
    said = " ".join(str(row) for row in mainstay.rows("SELECT * FROM foundation_record"))
    assert "address.removed" in said
    assert "page.sent" in said
    assert secret not in said
    assert "whoever-knows" not in said
    assert "+4179000000" not in said


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"reason": "x" * 1_001}, "/reason"),
        ({"matchers": ["service=~" + "a" * 1_000]}, "/matchers/0"),
    ],
)
def test_a_silence_is_too_short_to_fill_the_record(
    mainstay: Live, change: dict[str, Any], pointer: str
) -> None:
    wanted = {"matchers": ["service=pay-db"], "reason": "work", "for": "1h"} | change
    answer = mainstay.own("POST", "/silences", wanted)
    assert (answer.status, answer.json["pointer"]) == (400, pointer)


def test_amtool_cannot_post_what_our_own_api_refuses(mainstay: Live) -> None:
    matcher = {"name": "service", "value": "pay-db", "isRegex": False}
    posted = {
        "matchers": [matcher], "startsAt": "2026-11-22T05:40:08Z", "createdBy": "ops", "comment": "work",
    }  # fmt: skip
    for change in (
        {"matchers": [matcher] * 51},
        {"createdBy": "o" * 201},
        {"comment": "x" * 1_001},
    ):
        ends = (mainstay.runtime.clock.now() + timedelta(hours=1)).isoformat()
        answer = mainstay.call(
            "POST", "/api/v2/silences", posted | change | {"endsAt": ends}, role="responder"
        )
        assert answer.status == 400
    assert mainstay.rows("SELECT count(*) FROM alerts_silence") == [(0,)]


def test_a_silence_in_the_name_of_another_still_says_who_made_it(mainstay: Live) -> None:
    ends = (mainstay.runtime.clock.now() + timedelta(hours=1)).isoformat()
    posted = {
        "matchers": [{"name": "service", "value": "pay-db", "isRegex": False}],
        "startsAt": "2026-11-22T05:40:08Z", "endsAt": ends, "createdBy": "head", "comment": "work",
    }  # fmt: skip
    assert mainstay.call("POST", "/api/v2/silences", posted, role="responder").status == 200
    [(said,)] = mainstay.rows("SELECT because FROM foundation_record WHERE kind = 'silence.added'")
    assert said.startswith("mara, for head, silenced ")


def test_one_request_of_bad_alerts_is_not_told_tenfold(mainstay: Live) -> None:
    key = mainstay.key("prometheus")
    good = {"labels": {"alertname": "Lag", "service": "pay-db"}}
    posted = json.dumps([good, *[{"labels": {}}] * 20_000], separators=(",", ":")).encode()
    answer = mainstay.call("POST", "/api/v2/alerts", posted, key=key)
    assert (answer.status, len(answer.body) < 20_000) == (400, True)
    mainstay.alerts(1)
    [(problem,)] = mainstay.rows("SELECT problem FROM signals_request WHERE items_n > 1")
    assert json.loads(problem)["sentence"].startswith("20,000 of its items")
    assert len(json.loads(problem)["items"]) == 100
    all_bad = mainstay.call(
        "POST", "/api/v2/alerts", b"[" + posted[len(json.dumps(good)) :], key=key
    )
    assert (all_bad.status, len(all_bad.body) < 20_000) == (400, True)


def test_a_list_of_signals_reads_no_bodies(mainstay: Live) -> None:
    bad = [{"labels": {"alertname": "Lag", "service": "pay-db"}}, {"labels": {}}]
    mainstay.call("POST", "/api/v2/alerts", bad, key=mainstay.key("prometheus"))
    mainstay.alerts(1)
    found = mainstay.runtime.db.read(lambda tx: signals.with_problems(tx, limit=10))
    assert [one.body for one in found] == [b""]
    receipt = found[0].receipt
    assert b"alertname" in mainstay.own("GET", f"/signals/{receipt}").body


def test_a_refused_test_page_stands_in_the_record(mainstay: Live) -> None:
    assert mainstay.own("POST", "/people/ben/test-page", role="responder").status == 403
    [(said,)] = mainstay.rows("SELECT because FROM foundation_record WHERE kind = 'act.refused'")
    assert said.startswith("person:mara was refused POST /mainstay/v1/people/{id}/test-page")


def test_a_page_under_way_never_goes_to_an_address_that_was_removed(tmp_path: Path) -> None:
    with live(tmp_path, run_loops=False) as mainstay:
        posted = [{"labels": {"alertname": "Lag", "service": "pay-db"}}]
        mainstay.call("POST", "/api/v2/alerts", posted, key=mainstay.key("prometheus"))
        clock, ground = mainstay.runtime.clock, mainstay.runtime.ground
        loops.settle(mainstay.runtime, clock.now())
        mainstay.runtime.db.run(partial(pipeline.fire_steps, ground=ground, now=clock.now()))
        fresh = {"kind": "mail", "address": "mara@example.com"}
        assert mainstay.own("POST", "/people/mara/addresses", fresh).status == 201
        [old] = [a for a in mainstay.own("GET", "/people/mara/contacts").json["addresses"]
                 if a["kind"] == "sms"]  # fmt: skip
        assert mainstay.own("DELETE", f"/addresses/{old['id']}").status == 200
        begin = partial(pipeline.begin_sends, ground=ground, now=clock.now())
        ready = mainstay.runtime.db.run(begin) + mainstay.runtime.db.run(begin)
        assert [one.address.kind for one in ready if isinstance(one, paging.Prepared)] == ["mail"]
