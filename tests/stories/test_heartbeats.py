"""Is a job that does not say that it ran paged for, and is a job that did left alone?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from small_world import ESTATE, World

from mainstay import checks, presence
from mainstay.acts import commands
from mainstay.checks import State, heartbeats
from mainstay.checks.heartbeats import Beat, Ping
from mainstay.estate import Views
from mainstay.foundation.clock import to_us
from mainstay.watchdog.look import Patience, look
from mainstay.watchdog.promises import Ledger

pytestmark = pytest.mark.both

CHECKS = """
checks:
  backup:
    service: pay-db
    heartbeat: true
    schedule: "15 1 * * *"
    grace: 40m
    severity: critical
    expect: ["size > 0.8 * median(size, 14)"]
  poller: {service: reports, heartbeat: true, period: 5m, grace: 1m}
"""


@pytest.fixture
def night(tmp_path: Path, engine: str) -> Iterator[World]:
    """00:00 in Zurich; the backup is due at 01:15, the poller pings every five minutes."""
    made = World(tmp_path, ESTATE)
    made.clock.set(datetime(2026, 11, 23, 23, 0, tzinfo=UTC))
    made.apply(ESTATE + CHECKS)
    yield made
    made.app.close()


def beat(world: World, name: str) -> Beat:
    return world.app.db.read(lambda tx: heartbeats.get(tx, name))  # type: ignore[no-any-return]


def pings(world: World, name: str, kind: Any = "success", body: bytes = b"", **more: Any) -> None:
    """The job calls its URL; what follows happens."""
    ping = Ping(
        beat=beat(world, name).id, at_us=to_us(world.clock.now()), kind=kind, body=body,
        body_n=len(body), **more,
    )  # fmt: skip
    world.app.db.run(lambda tx: heartbeats.keep(tx, [ping]))
    world.settle()


def well_till(world: World, hours: float) -> None:
    """Time passes while the poller does its work."""
    for _ in range(int(hours * 12)):
        pings(world, "poller")
        world.forward(minutes=5)


def is_down(world: World, **span: float) -> None:
    """Mainstay ends, time passes, and it starts again."""
    presence.alive(world.app, world.clock.now())
    world.app.close()
    world.clock.forward(**span)
    world.app = world._open()
    world.settle()


def state(world: World, name: str) -> State:
    def look(tx: Any) -> State:
        view = world.app.ground.views.current(tx)
        sheet = world.app.sheets.of(view)
        [found] = checks.states(tx, sheet, now=world.clock.now(), ids=(name,))
        return found.state

    return world.app.db.read(look)  # type: ignore[no-any-return]


def test_a_backup_that_does_not_come_pages_after_its_grace_and_its_ping_ends_it(
    night: World,
) -> None:
    well_till(night, 1.9)
    assert night.mara.is_quiet()
    well_till(night, 0.2)
    night.mara.expects("backup", "is late: due Tue 24 Nov 01:15, 40m of grace, never heard of")
    assert state(night, "backup") is State.FAIL
    pings(night, "backup")
    assert not night.incident().is_open
    assert state(night, "backup") is State.OK


def test_a_backup_in_time_pages_nobody_and_a_failed_one_does_at_once(night: World) -> None:
    well_till(night, 1.3)
    pings(night, "backup", body=b"size=812000000\n")
    well_till(night, 2)
    assert night.mara.is_quiet()
    pings(night, "backup", "fail", exit=3, body=b"disk full on pg-01")
    night.mara.expects("backup", "failed: exit status 3")


def test_a_backup_that_is_much_smaller_than_those_before_is_a_failure(night: World) -> None:
    for size in (800, 812, 820):
        pings(night, "backup", body=b"size=%d\n" % size)
        well_till(night, 0.1)
    assert night.mara.is_quiet()
    pings(night, "backup", body=b"done\nsize=300\n")
    night.mara.expects("backup", "size")


def test_after_an_hour_in_which_we_were_down_one_signal_names_what_was_due(night: World) -> None:
    well_till(night, 1)
    is_down(night, hours=2)
    assert [one.service for one in night.incidents()] == ["mainstay"]
    assert "backup" in night.incident().title
    assert state(night, "backup") is State.NOT_SEEN
    night.forward(minutes=5)
    assert len(night.incidents()) == 1
    night.forward(minutes=3)  # the poller has had a whole period, and its grace
    assert [one.service for one in night.incidents()] == ["reports", "mainstay"]


def test_a_short_restart_hides_no_backup_that_is_late(night: World) -> None:
    well_till(night, 1.5)
    is_down(night, seconds=20)
    well_till(night, 0.7)
    night.mara.expects("backup", "is late")


def test_what_was_late_before_we_went_down_is_told(night: World) -> None:
    well_till(night, 1.9)
    night.clock.forward(minutes=7)  # late at 01:55; nobody has looked yet
    is_down(night, hours=1)
    night.mara.expects("poller", "is late")
    night.mara.expects("backup", "is late")


def test_a_paused_heartbeat_pages_nobody_and_what_was_wrong_is_over(night: World) -> None:
    night.apply(ESTATE + CHECKS.partition("  poller:")[0])
    pings(night, "backup", "fail")
    assert night.incident().is_open
    night.act(commands.PauseHeartbeat("backup", "new host"), who="mara")
    night.forward(minutes=5)
    assert not night.incident().is_open
    assert state(night, "backup") is State.WAITING
    pass_half_hours(night, 52)
    assert len(night.incidents()) == 1
    night.act(commands.ResumeHeartbeat("backup"), who="mara")
    pass_half_hours(night, 48)
    assert len(night.incidents()) == 2


def pass_half_hours(world: World, count: int) -> None:
    """Days, in which nobody pings."""
    for _ in range(count):
        world.clock.forward(minutes=30)
        world.settle()


def test_the_watchdog_tells_of_a_late_heartbeat_that_nobody_looks_at(night: World) -> None:
    def keys() -> set[str]:
        patience = Patience(timedelta(seconds=30), per_minute=60)
        now = night.clock.now()
        found = night.app.db.read(
            lambda tx: look(tx, Ledger(), Views(), now=now, patience=patience)
        )
        return {one.key for one in found}

    well_till(night, 1)
    night.clock.forward(hours=2)  # and no loop runs
    assert "heartbeats" in keys()
    night.settle()
    assert "heartbeats" not in keys()


def test_the_newest_pings_are_kept_and_the_output_of_some(night: World) -> None:
    one = beat(night, "poller").id
    for number in range(1, 131):
        ping = Ping(beat=one, at_us=to_us(night.clock.now()), kind="log", body=b"%d" % number)
        night.app.db.run(lambda tx, ping=ping: heartbeats.keep(tx, [ping]))
        if number % 10 == 0:
            night.settle()
    found = night.app.db.read(lambda tx: heartbeats.pings(tx, one, limit=500))
    assert [ping.n for ping in found] == list(range(130, 20, -1))
    assert [ping.n for ping in found if ping.body] == list(range(130, 100, -1))


def test_a_heartbeat_follows_the_estate(night: World) -> None:
    pings(night, "poller")
    known = beat(night, "poller").id
    night.apply((ESTATE + CHECKS).replace("period: 5m", "period: 10m"))
    assert beat(night, "poller").id == known
    assert beat(night, "poller").plan.every_s == 600
    night.apply(ESTATE)
    assert night.app.db.read(heartbeats.every) == []


def test_one_made_by_hand_pages_by_its_service_too(night: World) -> None:
    plan = heartbeats.Plan(every_s=60, grace_s=60)
    declared = heartbeats.Declared(
        name="export", service="checkout", severity="critical", plan=plan, words=heartbeats.Words()
    )
    night.act(commands.CreateHeartbeat(declared), who="mara", role="lead")
    well_till(night, 0.1)
    assert night.mara.is_quiet()  # it is waited for from its first ping on
    pings(night, "export")
    well_till(night, 0.1)
    night.mara.expects("export is late")
    assert night.incident(1).service == "checkout"
    pings(night, "export")
    assert not night.incident(1).is_open
