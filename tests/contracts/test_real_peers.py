"""Does the harness that runs real programs work, before anything of ours is put between them?"""

from __future__ import annotations

from typing import Any

import pytest

from peers import (
    Peer,
    RunAmtool,
    StartAlertmanager,
    StartPrometheus,
    fetch,
    wait_until,
)

NOBODY = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
ALWAYS = {
    "groups": [
        {
            "name": "drill",
            "rules": [{"alert": "Always", "expr": "vector(1)", "labels": {"severity": "critical"}}],
        }
    ]
}


def watching(address: str) -> dict[str, Any]:
    """A Prometheus that evaluates every second and sends to `address`."""
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [address]}]}]},
    }


def names_of(peer: Peer) -> list[str]:
    return [alert["labels"]["alertname"] for alert in peer.get("/api/v2/alerts")]


def test_an_unmodified_prometheus_delivers_a_firing_rule_to_an_unmodified_alertmanager(
    prometheus: StartPrometheus, alertmanager: StartAlertmanager
) -> None:
    receiver = alertmanager(NOBODY)
    prometheus(watching(receiver.address), **{"rules.yml": ALWAYS})
    wait_until(lambda: names_of(receiver) == ["Always"], within_s=20, what="the alert Always")


def test_amtool_adds_an_alert_and_reads_it_back(
    alertmanager: StartAlertmanager, amtool: RunAmtool
) -> None:
    receiver = alertmanager(NOBODY)
    added = amtool(receiver.url, "alert", "add", "alertname=ByHand", "service=pay-db")
    assert added.returncode == 0, added.stderr
    assert "ByHand" in amtool(receiver.url, "alert", "query").stdout


def test_a_peer_that_is_stopped_no_longer_answers(alertmanager: StartAlertmanager) -> None:
    peer = alertmanager(NOBODY)
    peer.stop()
    assert peer.process.poll() is not None
    assert fetch(peer.url + "/-/ready")[0] == 0


def test_a_peer_that_cannot_start_fails_at_once_and_shows_its_own_words(
    alertmanager: StartAlertmanager,
) -> None:
    with pytest.raises(AssertionError, match="no routes provided"):
        alertmanager({"receivers": []})
