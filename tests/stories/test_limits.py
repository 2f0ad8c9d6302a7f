"""A storm must not bury the person: one page a minute and address, but no critical one is held up."""

from __future__ import annotations

import pytest

from mainstay.foundation.errors import Rejected

pytestmark = pytest.mark.both


def test_a_storm_of_lesser_faults_is_one_page_a_minute_with_the_rest_bundled(world):
    world.fires("reports", "A", severity="warning")
    world.mara.expects("INC-1")
    world.fires("pay-db", "B", severity="warning")
    world.fires("unrouted", "C", severity="warning")
    assert world.mara.is_quiet()
    world.forward(minutes=1)
    page = world.mara.expects("INC-2")
    assert "Also open: INC-3" in page.text
    assert world.mara.is_quiet()


def test_the_first_page_of_a_critical_incident_passes_the_limiter(world):
    world.fires("reports", "A", severity="warning")
    world.mara.expects("INC-1")
    world.fires("pay-db", "B", severity="critical")
    world.mara.expects("INC-2", "critical")


def test_what_a_page_carried_along_waits_again_when_the_page_itself_fails(world):
    world.fires("reports", "A", severity="warning")
    world.mara.expects("INC-1")
    world.fires("pay-db", "B", severity="warning")
    world.fires("unrouted", "C", severity="warning")
    world.sms.faults = [Rejected("no", reply=400, permanent=True)]
    world.forward(minutes=3)
    got = world.mara.pages[0].subject + world.mara.pages[0].text
    assert "INC-3" in got


def test_an_acknowledged_incident_is_not_bundled_into_a_later_page(world):
    world.fires("reports", "A", severity="warning")
    world.mara.expects("INC-1")
    world.fires("pay-db", "B", severity="warning")
    world.fires("unrouted", "C", severity="warning")
    world.acknowledges("mara", 3)
    world.forward(minutes=1)
    page = world.mara.expects("INC-2")
    assert "INC-3" not in page.text


def test_a_webhook_is_told_of_every_alert_and_of_late_joiners(world):
    world.address("mara", "webhook")
    world.sends("prometheus", [_alert(n) for n in range(3)])
    world.settle()
    hooks = [p for p in world.mara.pages if p.facts["event"] == "page" and _is_hook(world, p)]
    told = {a["labels"]["n"] for p in hooks for a in p.facts["alerts"]}
    assert told == {"0", "1", "2"}
    world.mara.pages.clear()
    world.sends("prometheus", [_alert(n) for n in range(3, 700)])
    world.settle()
    updates = [p for p in world.mara.pages if p.facts["event"] == "update"]
    late = [a["labels"]["n"] for p in updates for a in p.facts["alerts"]]
    assert sorted(late, key=int) == [str(n) for n in range(3, 700)]
    assert len({p.idempotency_key for p in updates}) == len(updates)


def test_a_webhook_hears_when_the_incident_is_acknowledged_and_resolved(world):
    world.address("mara", "webhook")
    world.fires("pay-api")
    world.mara.pages.clear()
    world.acknowledges("mara")
    [update] = world.mara.pages
    assert update.facts["incident"]["acknowledged_by"] == "mara"
    world.clears("pay-api")
    assert world.mara.pages[-1].facts["incident"]["state"] == "resolved"


def _alert(n: int) -> dict:
    words = {"alertname": "Storm", "service": "pay-api", "severity": "critical", "n": str(n)}
    return {"labels": words}


def _is_hook(world, page) -> bool:
    return page.idempotency_key in world.webhook.tried
