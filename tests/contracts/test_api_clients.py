"""Do the programs that people already run work against Mainstay unchanged?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pdpyras
import pytest

from live import Live, live
from peers import RunAmtool, StartAlertmanager, StartPrometheus

RULES = {
    "groups": [
        {
            "name": "drill",
            "rules": [
                {
                    "alert": "ReplicaLag",
                    "expr": "vector(1)",
                    "labels": {"severity": "critical", "service": "pay-db"},
                    "annotations": {"summary": "pay-db lags"},
                }
            ],
        }
    ]
}


@pytest.fixture
def mainstay(tmp_path: Path) -> Iterator[Live]:
    with live(tmp_path / "mainstay") as running:
        yield running


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    (tmp_path / "mainstay").mkdir()


def watching(mainstay: Live, **authorization: Any) -> dict[str, Any]:
    target = {"static_configs": [{"targets": [f"127.0.0.1:{mainstay.port}"]}], **authorization}
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [target]},
    }


@pytest.mark.parametrize("how", ["bearer", "path"])
def test_a_firing_rule_of_an_unmodified_prometheus_pages_whoever_is_on_call(
    mainstay: Live, prometheus: StartPrometheus, how: str
) -> None:
    key = mainstay.key("prometheus")
    given: dict[str, Any] = {"path_prefix": f"/k/{key}"}
    if how == "bearer":
        given = {"authorization": {"type": "Bearer", "credentials": key}}
    prometheus(watching(mainstay, **given), **{"rules.yml": RULES})
    page = mainstay.phone("mara").wait()
    assert "pay-db lags" in page.subject + page.text
    (alert,) = mainstay.alerts(1)
    assert (alert["service"], alert["severity"]) == ("pay-db", "critical")


@pytest.mark.parametrize("notifier", ["webhook", "pagerduty"])
def test_an_unmodified_alertmanager_hands_its_alerts_on(
    mainstay: Live, alertmanager: StartAlertmanager, amtool: RunAmtool, notifier: str
) -> None:
    hook = {"url": f"{mainstay.url}/hook/{mainstay.key('hooks')}"}
    event = {"routing_key": mainstay.key("agents"), "url": f"{mainstay.url}/v2/enqueue"}
    receiver = {
        "webhook": {"webhook_configs": [hook]},
        "pagerduty": {"pagerduty_configs": [event]},
    }[notifier]
    peer = alertmanager(
        {
            "route": {"receiver": "us", "group_wait": "0s"},
            "receivers": [{"name": "us", **receiver}],
        }
    )
    amtool(peer.url, "alert", "add", "alertname=Handed", "service=pay-api")
    (alert,) = mainstay.alerts(1)
    assert "Handed" in alert["summary"]
    mainstay.phone("mara").wait()


def test_pdpyras_triggers_and_resolves(mainstay: Live) -> None:
    session = pdpyras.EventsAPISession(mainstay.key("agents"))
    session.url = mainstay.url
    details = {"service": "pay-api"}
    key = session.trigger("pay-api is slow", "probe-1", severity="critical", custom_details=details)
    (alert,) = mainstay.alerts(1)
    assert alert["summary"] == "pay-api is slow"
    assert mainstay.phone("mara").wait().incident == "INC-1"
    session.resolve(key)
    mainstay.until("/alerts", lambda a: not a["items"], what="the alert to be resolved")


def test_pdpyras_tells_of_a_change(mainstay: Live) -> None:
    session = pdpyras.ChangeEventsAPISession(mainstay.key("agents"))
    session.url = mainstay.url
    session.submit("pay-api 4.2 is out")
    asked = "SELECT summary FROM changes_event"
    mainstay.until("/status", lambda _: mainstay.rows(asked), what="the change event")
    assert mainstay.rows(asked) == [("pay-api 4.2 is out",)]
