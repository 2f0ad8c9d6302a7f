"""Is every request that was recorded from a real client read as what its sender meant?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mainstay import signals
from mainstay.estate import Source
from mainstay.foundation.clock import text_of_us
from mainstay.signals.times import instant_us

WIRE = Path(__file__).parent / "wire"
KEY = "R0123456789012345678901234567890"


def recorded(name: str) -> tuple[dict[str, str], bytes]:
    """Headers, lower case, and body of a recorded request."""
    request = json.loads((WIRE / f"{name}.json").read_text())
    headers = {name.lower(): value for name, value in request["headers"].items()}
    return headers, json.dumps(request["body"]).encode()


def at(text: str) -> int:
    us = instant_us(text)
    assert us is not None
    return us


def read(name: str, door: str, when: str, **declared: Any) -> signals.Item:
    """The one item of a recorded request that came at `when`."""
    headers, body = recorded(name)
    signals.check_headers(headers)
    found = signals.door_named(door)
    source = Source(format=found.format, **declared)
    reading = found.read(body, source, signals.Arrival("sig_1", at(when)))
    assert not reading.bad
    (item,) = reading.items
    return item


def test_prometheus_fires_until_its_own_end() -> None:
    item = read("POST_api_v2_alerts_Prometheus", "alertmanager", "2026-11-22T01:51:22Z")
    assert (item.kind, item.severity, item.service_hint) == ("fire", "critical", "payments")
    assert item.summary == "p99 19.631999969482422"
    assert item.labels["replica"] == "a"
    assert text_of_us(item.started_at_us) == "2026-11-22T01:51:21.632Z"
    assert text_of_us(item.ends_at_us) == "2026-11-22T01:51:41.632Z"
    assert item.url is not None
    assert item.url.startswith("http://prometheus.example:19090/graph?")


def test_the_same_request_after_its_end_is_a_resolve() -> None:
    item = read("POST_api_v2_alerts_Prometheus", "alertmanager", "2026-11-22T01:51:41.632Z")
    assert item.kind == "resolve"


def test_the_replicas_of_a_pair_send_one_and_the_same_alert() -> None:
    when = "2026-11-22T01:51:22Z"
    name, door = "POST_api_v2_alerts_Prometheus", "alertmanager"
    _, body = recorded(name)
    source = Source(format="alertmanager", drop_labels=["replica"])
    other = body.replace(b'"replica": "a"', b'"replica": "b"')
    twin = signals.door_named(door).read(other, source, signals.Arrival("sig_2", at(when))).items[0]
    assert read(name, door, when, drop_labels=["replica"]).dedup_key == twin.dedup_key
    assert read(name, door, when).dedup_key != twin.dedup_key


def test_amtool_names_no_start_so_it_is_the_arrival() -> None:
    item = read("POST_api_v2_alerts_Go_http_client", "alertmanager", "2026-11-22T01:55:36Z")
    assert (item.kind, item.summary, item.severity) == ("fire", "hi", "warning")
    assert item.started_at_us == at("2026-11-22T01:55:36Z")
    assert text_of_us(item.ends_at_us) == "2026-11-22T02:00:36.000Z"


def test_alertmanagers_webhook_fires_and_resolves_under_the_key_of_its_own_door() -> None:
    when = "2026-11-22T01:52:30Z"
    firing = read("POST_hook_am_Alertmanager_firing", "alertmanager-webhook", when)
    resolved = read("POST_hook_am_Alertmanager_resolved", "alertmanager-webhook", when)
    direct = read("POST_api_v2_alerts_Prometheus", "alertmanager", when)
    assert (firing.kind, resolved.kind) == ("fire", "resolve")
    assert firing.dedup_key == resolved.dedup_key == direct.dedup_key
    assert firing.ends_at_us is None
    assert text_of_us(resolved.ends_at_us) == "2026-11-22T01:52:21.632Z"
    assert firing.facts["groupKey"] == '{}:{alertname="HighLatency", service="payments"}'
    assert firing.facts["truncatedAlerts"] == 0


def test_the_fingerprint_is_alertmanagers_own() -> None:
    item = read("POST_hook_am_Alertmanager_firing", "alertmanager-webhook", "2026-11-22T02:00:00Z")
    assert signals.fingerprint(item.labels) == item.facts["fingerprint"] == "f3b63e8c075b9dd5"
    assert signals.fingerprint({"alertname": "x"}) == "d240efc3896bf266"


@pytest.mark.parametrize(
    ("name", "kind", "key"),
    [
        ("Alertmanager_trigger", "fire", "653f17c901725ba322fb49c375560fcfdf5fc524584cff78b7c542ccdbfad467"),
        ("Alertmanager_resolve", "resolve", "653f17c901725ba322fb49c375560fcfdf5fc524584cff78b7c542ccdbfad467"),
        ("pdpyras_trigger", "fire", "sig_1"),
        ("pdpyras_resolve", "resolve", "k1"),
        ("python_pagerduty_trigger", "fire", "sig_1"),
        ("python_pagerduty_acknowledge", "acknowledge", "k1"),
        ("python_pagerduty_resolve", "resolve", "k1"),
    ],
)  # fmt: skip
def test_events_for_pagerduty_keep_their_key_or_get_their_receipt(
    name: str, kind: str, key: str
) -> None:
    item = read(f"POST_v2_enqueue_{name}", "pagerduty", "2026-11-22T01:50:50Z")
    assert (item.kind, item.dedup_key) == (kind, key)


def test_an_event_for_pagerduty_carries_its_parts() -> None:
    item = read("POST_v2_enqueue_python_pagerduty_trigger", "pagerduty", "2026-11-22T01:50:50Z")
    assert (item.summary, item.severity) == ("db down", "critical")
    assert item.labels == {"source": "host1", "component": "pg", "group": "db", "class": "down"}
    assert item.annotations == {"a": "1"}
    assert item.facts == {"images": [{"src": "https://x/y.png"}], "custom_details": {"a": 1}}


def test_a_change_event_is_a_point_in_time() -> None:
    item = read("POST_v2_change_enqueue_pdpyras", "pagerduty-change", "2026-11-22T02:00:00Z")
    assert (item.kind, item.summary, item.ends_at_us) == ("change", "dep", None)
    assert item.started_at_us == at("2026-11-22T01:50:50.861360Z")


def test_apprise_is_understood_without_a_map() -> None:
    item = read("POST_hook_json_Apprise", "json", "2026-11-22T02:00:00Z")
    assert (item.kind, item.summary, item.severity) == ("fire", "T", "error")


@pytest.mark.parametrize("path", sorted(WIRE.glob("POST_v2_*.json")), ids=lambda p: p.stem)
def test_pagerdutys_clients_put_their_key_into_the_body(path: Path) -> None:
    headers, body = recorded(path.stem)
    key = signals.door_named("pagerduty").key_of(headers, None, body)
    assert key is not None
    assert len(key) == 32
    assert key.encode() not in signals.blank_credentials(body, key)


@pytest.mark.parametrize("path", sorted(WIRE.glob("POST_v2_enqueue*.json")), ids=lambda p: p.stem)
def test_a_stored_event_without_its_key_reads_as_it_did_with_it(path: Path) -> None:
    _, body = recorded(path.stem)
    door, source = signals.door_named("pagerduty"), Source(format="pagerduty")
    arrival = signals.Arrival("sig_1", 1)
    blanked = signals.blank_credentials(body, json.loads(body)["routing_key"])
    assert door.read(blanked, source, arrival) == door.read(body, source, arrival)


def test_answers_are_those_of_the_systems_that_we_stand_in_for() -> None:
    _, body = recorded("POST_v2_enqueue_pdpyras_resolve")
    arrival = signals.Arrival("sig_1", 1)
    verdict = signals.door_named("pagerduty").check(body, Source(format="pagerduty"), arrival)
    event = signals.door_named("pagerduty").reply("sig_1", verdict)
    assert event.status == 202
    assert json.loads(event.body) == {
        "status": "success",
        "message": "Event processed",
        "dedup_key": "k1",
    }
    alerts = signals.door_named("alertmanager").reply("sig_1", verdict)
    assert (alerts.status, alerts.body) == (200, b"")
    assert signals.door_named("pagerduty-change").reply("sig_1", verdict).status == 202
    assert signals.door_named("alertmanager-webhook").reply("sig_1", verdict).status == 202
