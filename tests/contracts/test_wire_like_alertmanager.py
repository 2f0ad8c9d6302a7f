"""Does our reader keep and refuse what a real Alertmanager keeps and refuses?"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

import pytest

from mainstay import signals
from mainstay.estate import Source
from mainstay.foundation.errors import Invalid
from peers import Peer, StartAlertmanager

NOBODY = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
FAR, PAST = "2090-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
BATCHES: dict[str, Any] = {
    "plain": [{"labels": {"alertname": "a1", "x": "1"}}],
    "empty value": [{"labels": {"alertname": "a2", "gone": ""}}],
    "unicode value": [{"labels": {"alertname": "a3", "x": "zürich 😀 \u2028 \t"}}],
    "many labels": [{"labels": {"alertname": "a4"} | {f"l{n}": str(n) for n in range(50)}}],
    "good beside bad name": [{"labels": {"a-b": "x"}}, {"labels": {"alertname": "a5"}}],
    "good beside empty": [{"labels": {"alertname": "a6"}}, {"labels": {"x": ""}}],
    "good beside bad annotation": [
        {"labels": {"alertname": "a7"}},
        {"labels": {"alertname": "a7b"}, "annotations": {"b c": "x"}},
    ],
    "good beside end before start": [
        {"labels": {"alertname": "a8"}},
        {"labels": {"alertname": "a8b"}, "startsAt": FAR, "endsAt": PAST},
    ],
    "underscores": [{"labels": {"_x": "1", "__y__": "2", "alertname": "a9"}}],
    "digits first": [{"labels": {"1x": "1"}}],
    "umlaut": [{"labels": {"ä": "1"}}],
    "resolved": [{"labels": {"alertname": "a10"}, "startsAt": PAST, "endsAt": PAST}],
    "ends later": [{"labels": {"alertname": "a11"}, "endsAt": FAR}],
    "zero times": [{"labels": {"alertname": "a12"}, "startsAt": "0001-01-01T00:00:00Z"}],
    "no zone": [{"labels": {"alertname": "a13"}, "endsAt": "2090-01-01T00:00:00"}],
    "nanoseconds": [
        {"labels": {"alertname": "a14"}, "endsAt": "2090-01-01T00:00:00.123456789+01:00"}
    ],
    "bad time alone": [{"labels": {"alertname": "a15"}, "startsAt": "yesterday"}],
    "a number as value": [{"labels": {"alertname": 5}}],
    "no labels": [{}],
    "no list": {},
    "nothing in it": [],
    "null": None,
    "null annotations": [{"labels": {"alertname": "a16"}, "annotations": None, "startsAt": None}],
    "unknown fields": [{"labels": {"alertname": "a17"}, "more": {"x": [1]}}],
}


def post(peer: Peer, body: bytes) -> int:
    """The status with which the real one answers."""
    request = urllib.request.Request(
        peer.url + "/api/v2/alerts", data=body, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def ours(body: bytes) -> tuple[int, dict[str, dict[str, str]]]:
    """Our status, and what we hold as firing: fingerprint → labels."""
    door = signals.door_named("alertmanager")
    arrival = signals.Arrival("sig_1", time.time_ns() // 1000)
    try:
        reading = door.read(body, Source(format="alertmanager"), arrival)
    except Invalid as error:
        return door.refuse(error).status, {}
    firing = [item.labels for item in reading.items if item.kind == "fire"]
    status = door.reply("sig_1", reading).status
    return status, {signals.fingerprint(labels): labels for labels in firing}


@pytest.mark.real
def test_the_same_alerts_are_taken_under_the_same_names_and_the_same_ones_refused(
    alertmanager: StartAlertmanager,
) -> None:
    peer = alertmanager(NOBODY)
    expected: dict[str, dict[str, str]] = {}
    for name, batch in BATCHES.items():
        body = json.dumps(batch).encode()
        status, firing = ours(body)
        theirs = post(peer, body)
        assert (theirs == 200) is (status == 200), f"{name}: {theirs} there, {status} here"
        assert (400 <= theirs < 500) is (400 <= status < 500), name
        expected |= firing
    held = {alert["fingerprint"]: alert["labels"] for alert in peer.get("/api/v2/alerts")}
    assert held == expected
