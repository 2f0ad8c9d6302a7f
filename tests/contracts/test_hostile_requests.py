"""What somebody with one key, one token or one link could do to everybody else: nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live import Live, live

FAR = "9999-12-31T23:59:59-14:00"
"""An instant whose UTC lies in the year 10000."""
LONG_AGO = "0001-01-01T00:00:00+14:00"


@pytest.fixture
def mainstay(tmp_path: Path) -> Iterator[Live]:
    with live(tmp_path) as running:
        yield running


def event(key: str, at: str) -> dict[str, Any]:
    payload = {"summary": "x", "source": "s", "severity": "critical", "timestamp": at}
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
