"""What the source says, kept apart from what people do."""

from __future__ import annotations

import pytest

from mainstay import acts, alerts, signals

pytestmark = pytest.mark.both


def test_the_same_signal_twice_is_one_alert_and_counted(world):
    world.fires("pay-api")
    world.fires("pay-api")
    [alert] = world.app.db.read(alerts.every_open)
    assert alert.repeats == 1
    assert len(world.incidents()) == 1


def test_an_alert_that_is_no_longer_repeated_expires_as_not_seen(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.forward(minutes=6)
    assert world.incident().state == "resolved"
    assert any("not seen" in line for line in world.timeline())


def test_expiry_counts_only_the_time_that_we_were_up(world):
    world.fires("pay-api")
    world.app.db.run(lambda tx: _alive(tx, world))
    world.clock.forward(hours=3)
    world.restart()
    world.settle()
    assert world.incident().state == "new"


def test_a_short_restart_writes_no_open_alert_anew(world):
    world.fires("pay-api")
    [before] = world.app.db.read(alerts.every_open)
    world.app.db.run(lambda tx: _alive(tx, world))
    world.clock.forward(seconds=8)
    world.restart()
    [after] = world.app.db.read(alerts.every_open)
    assert after.expires_at == before.expires_at
    world.clock.forward(seconds=12)
    world.restart()
    [later] = world.app.db.read(alerts.every_open)
    assert later.expires_at > before.expires_at, "twenty seconds away are given back"


def test_a_backlog_expires_nothing_that_fired_when_it_was_received(world):
    world.sends("prometheus", [{"labels": {"alertname": "A", "service": "pay-api"}}])
    world.clock.forward(minutes=30)
    world.settle()
    world.mara.expects("INC-1")


def test_the_resolve_of_what_was_never_heard_of_is_kept_and_pages_nobody(world):
    receipt = world.clears("pay-api")
    assert world.mara.is_quiet()
    [row] = world.app.db.read(lambda tx: alerts.page_all(tx, service=None, before=None, limit=5))
    assert row.state == "resolved"
    assert row.first_receipt == receipt


def test_an_alert_closed_by_hand_stays_closed_while_the_same_firing_is_repeated(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.act(acts.commands.Resolve("INC-1", "restarted"), who="mara")
    world.forward(minutes=10, keep=("pay-api",))
    assert world.mara.is_quiet()
    assert world.incident().state == "resolved"


def test_an_alert_closed_by_hand_speaks_again_when_it_still_fires_later(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.act(acts.commands.Resolve("INC-1"), who="mara")
    world.forward(minutes=17, keep=("pay-api",))
    world.mara.expects("HighLatency")


def test_a_new_firing_after_a_close_by_hand_opens_at_once(world):
    world.fires("pay-api")
    world.mara.expects("INC-1")
    world.act(acts.commands.Resolve("INC-1"), who="mara")
    world.clears("pay-api")
    world.forward(minutes=2)
    world.fires("pay-api")
    world.mara.expects("INC-1")


def test_an_acknowledgement_at_the_source_stops_the_paging(world):
    event = {"routing_key": "x" * 32, "dedup_key": "k1"}
    payload = {"summary": "db down", "source": "pg-01", "severity": "critical"}
    world.sends("agents", {**event, "event_action": "trigger", "payload": payload})
    world.settle()
    world.mara.expects("db down")
    world.sends("agents", {**event, "event_action": "acknowledge"})
    world.settle()
    world.forward(minutes=30)
    assert world.ben.is_quiet()
    assert world.incident().acked_by == "source:agents"


def test_a_signal_that_cannot_be_settled_is_quarantined_and_delays_nobody(world, monkeypatch):
    bad = world.sends("prometheus", [{"labels": {"alertname": "Bad", "service": "pay-api"}}])
    real = signals.read_again

    def breaks(request, source):
        if request.receipt == bad:
            raise ZeroDivisionError
        return real(request, source)

    monkeypatch.setattr(signals, "read_again", breaks)
    world.fires("pay-db")
    world.mara.expects("INC-1", "pay-db")
    for _ in range(3):
        world.settle()
    found = world.app.db.read(lambda tx: signals.find(tx, bad))
    assert found.state == "quarantined"
    assert any(one.service == "mainstay" for one in world.incidents())
    monkeypatch.setattr(signals, "read_again", real)
    world.act(acts.commands.ReleaseSignal(bad), who="head", role="lead")
    assert any("Bad" in a.labels["alertname"] for a in _open(world) if "alertname" in a.labels)


def _open(world):
    return world.app.db.read(alerts.every_open)


def _alive(tx, world):
    from mainstay.foundation import record
    from mainstay.foundation.clock import to_us

    record.mark(tx, "alive_at", to_us(world.clock.now()))
