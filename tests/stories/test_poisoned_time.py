"""Does one thing that time cannot do hold up what else is due (P10)?"""

from __future__ import annotations

from datetime import timedelta

from mainstay import acts, alerts
from mainstay.acts import by_time


def test_an_acknowledgement_that_cannot_run_out_holds_up_nothing_else_and_is_told(
    world, monkeypatch
):
    now = world.clock.now()
    matchers = (alerts.parse("service=reports"),)
    silence = acts.commands.AddSilence(matchers, now, now + timedelta(hours=1), "noise")
    world.act(silence, who="mara")
    world.fires("reports", "HighLatency")
    world.fires("pay-api")
    world.acknowledges("mara")
    works = by_time.page_if_heard

    def breaks(act, incident, words):
        raise ZeroDivisionError("a rule that nobody foresaw")

    monkeypatch.setattr(by_time, "page_if_heard", breaks)
    world.forward(minutes=62, keep=("reports", "pay-api"))
    assert world.incident(1).acked_by == "mara"
    services = {one.service for one in world.incidents()}
    assert "reports" in services, "the silence did not end"
    assert any("incidents.ack" in one.title for one in world.incidents())

    monkeypatch.setattr(by_time, "page_if_heard", works)
    world.forward(minutes=2, keep=("pay-api",))
    assert world.incident(1).acked_by is None
