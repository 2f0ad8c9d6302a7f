"""Do Mainstay's own figures reach a real Prometheus, hold to its rules, and tell the truth?"""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from live import Live, live
from mainstay import pipeline
from mainstay.foundation.observe.logs import Lines
from peers import RunPromtool, StartPrometheus, wait_until

ALERT = {"labels": {"alertname": "Lag", "service": "pay-db", "severity": "critical"}}


@pytest.fixture
def mainstay(tmp_path: Path, engine: str) -> Iterator[Live]:
    with live(tmp_path) as running:
        yield running


def scraped(mainstay: Live) -> bytes:
    answer = mainstay.call("GET", "/metrics", role="auditor")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.body


def value(text: bytes, series: str) -> float:
    """The value of one series, written as it stands in the answer; 0 where there is none."""
    found = re.search(rf"^{re.escape(series)} (\S+)$", text.decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def busy(mainstay: Live) -> None:
    """One signal taken and paged for, one refused, one path that there is not."""
    key = mainstay.key("prometheus")
    assert mainstay.call("POST", "/api/v2/alerts", [ALERT], key=key).status == 200
    assert mainstay.call("POST", "/api/v2/alerts", [{"labels": 1}], key=key).status == 400
    assert mainstay.call("POST", "/api/v2/alerts", [ALERT], key="nobody's").status == 401
    assert mainstay.call("GET", "/api/v2/nothing?secret=1", role="viewer").status == 404
    assert mainstay.call("PROPFIND", "/mainstay/v1/coffee").status in (400, 404, 405)
    mainstay.phone("mara").wait(1)


def test_a_real_prometheus_scrapes_it_with_a_token(
    mainstay: Live, prometheus: StartPrometheus
) -> None:
    busy(mainstay)
    authorization = {"credentials": mainstay.token("auditor")}
    targets = [{"targets": [f"127.0.0.1:{mainstay.port}"]}]
    job = {"job_name": "mainstay", "authorization": authorization, "static_configs": targets}
    server = prometheus({"global": {"scrape_interval": "1s"}, "scrape_configs": [job]})

    def stored() -> list[object]:
        query = "/api/v1/query?query=mainstay_signals_accepted_total"
        found: list[object] = server.get(query)["data"]["result"]
        return found

    (series,) = wait_until(stored, within_s=20, what="a scrape")
    assert isinstance(series, dict)
    assert series["metric"]["source"] == "prometheus"
    assert series["value"][1] == "1"


@pytest.mark.both
def test_promtool_finds_nothing_to_say(mainstay: Live, promtool: RunPromtool) -> None:
    busy(mainstay)
    done = promtool(scraped(mainstay), "check", "metrics")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.both
def test_the_figures_tell_what_happened(mainstay: Live) -> None:
    busy(mainstay)
    wait_until(
        lambda: value(scraped(mainstay), 'mainstay_pages_sent_total{channel="sms"}') == 1,
        within_s=10, what="the page to be counted",
    )  # fmt: skip
    text = scraped(mainstay)
    assert value(text, 'mainstay_signals_accepted_total{source="prometheus"}') == 1
    assert value(text, 'mainstay_signals_refused_total{source="prometheus",status="400"}') == 1
    assert value(text, 'mainstay_signals_refused_total{source="",status="401"}') == 1
    assert value(text, "mainstay_settle_lag_seconds_count") == 1
    assert value(text, "mainstay_open_incidents") == 1
    assert value(text, 'mainstay_due_rows{kind="paging.step"}') == 1
    assert value(text, 'mainstay_page_due_to_attempt_seconds_count{channel="sms"}') == 1
    assert value(text, "mainstay_commit_seconds_count") > 1
    assert value(text, "process_resident_memory_bytes") > 10_000_000
    accepted = 'mainstay_http_requests_total{method="POST",route="/api/v2/alerts",status="200"}'
    assert value(text, accepted) == 1
    assert re.search(rb'mainstay_loop_step_age_seconds\{loop="settle"\} [\d.]+', text)
    assert re.search(rb'mainstay_lease_left_seconds\{lease="settle",owner="live"\}', text)


def test_what_a_client_makes_up_is_no_label(mainstay: Live) -> None:
    """A path, a query or a method of somebody's own would be a series of its own, for ever."""
    busy(mainstay)
    for word in ("one", "two"):
        mainstay.call("GET", f"/{word}/secret-path?token=secret-query")
    text = scraped(mainstay)
    assert b"secret" not in text
    assert b"PROPFIND" not in text
    assert value(text, 'mainstay_http_requests_total{method="GET",route="other",status="404"}') == 3


def test_it_takes_the_permission_to_see_the_system(mainstay: Live) -> None:
    assert mainstay.call("GET", "/metrics").status == 401
    assert mainstay.call("GET", "/metrics", role="viewer").status == 403
    assert mainstay.call("POST", "/metrics", role="auditor").status == 405


def test_a_log_line_of_a_request_carries_its_receipt_and_its_template(
    mainstay: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    handler.setFormatter(Lines(json_lines=True, blank=str))
    logging.getLogger("mainstay").addHandler(handler)
    monkeypatch.setattr(pipeline, "accept", lambda tx, *requests: 1 / 0)
    key = mainstay.key("prometheus")
    assert mainstay.call("POST", f"/k/{key}/api/v2/alerts", [ALERT]).status == 500
    logging.getLogger("mainstay").removeHandler(handler)
    said = json.loads(heard.getvalue().splitlines()[0])
    assert said["route"] == "/k/{key}/api/v2/alerts"
    assert said["receipt"].startswith("rcp_")
    assert said["source"] == "prometheus"
    assert key not in heard.getvalue()


def test_ready_says_why_not_to_those_who_may_see(mainstay: Live) -> None:
    assert mainstay.call("GET", "/readyz").json == {"ok": True}
    whole = mainstay.call("GET", "/readyz", role="auditor").json
    assert (whole["ok"], whole["reasons"]) == (True, [])
    assert whole["loops"].keys() >= {"settle", "time", "seal", "alive", "deliver"}
    mainstay.runtime.pulse.stumble("settle", "The disk is full.")
    mainstay.runtime.pulse.draining = True
    assert mainstay.call("GET", "/readyz").json == {"ok": False}
    assert mainstay.call("GET", "/readyz", role="viewer").json == {"ok": False}
    answer = mainstay.call("GET", "/readyz", role="auditor")
    assert answer.status == 503
    assert [one["what"] for one in answer.json["reasons"]] == ["draining"]
    known = {"Authorization": f"Bearer {mainstay.runtime.probe_token}"}
    assert mainstay.call("GET", "/readyz", headers=known).json["reasons"]
    assert mainstay.call("GET", "/livez").json == {"ok": True}
