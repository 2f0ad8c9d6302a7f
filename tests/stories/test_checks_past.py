"""Is it kept how checks stood, hour by hour, when their looks are long gone?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from small_world import ESTATE, World

from mainstay import checks
from mainstay.checks.past import By, Slot
from mainstay.checks.past.hours import HOUR_US, Hour, gathered, hour_of, worst
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.watching import checking

ZURICH = ZoneInfo("Europe/Zurich")
MINUTE_US = 60_000_000
CHECKS = """
checks:
  alpha: {service: checkout, script: [/bin/true], every: 5m, expect: ["value < 5"]}
  beta: {service: checkout, script: [/bin/true], every: 5m, expect: ["value < 5"]}
"""


def looked(world: World, name: str, verdict: checks.Verdict) -> None:
    """One look, taken in now."""
    now = world.clock.now()

    def work(tx: Tx) -> None:
        sheet = checking.sheet_of(tx, world.app)
        checks.take(tx, sheet, [checks.Result(name, now, 0, verdict, verdict)], now=now)

    world.app.db.run(work)


def roll(world: World) -> None:
    while checking.roll(world.app, world.clock.now()) is not None:
        pass


def past(world: World, *names: str, days: int = 1, by: By = "day") -> list[Slot]:
    end = world.clock.now()
    start = end - timedelta(days=days)
    return world.app.db.read(
        lambda tx: checks.past.slots(tx, names, start=start, end=end, zone=ZURICH, by=by)
    )


@pytest.mark.both
def test_an_hour_that_is_over_is_kept_and_outlives_its_looks(world: World) -> None:
    """From 08:00: well, at 08:30 failing, at 08:45 well again; after 09:00 nobody looks."""
    world.apply(ESTATE + CHECKS)
    for minute in range(0, 60, 5):
        verdict: checks.Verdict = "fail" if 30 <= minute < 45 else "ok"
        looked(world, "alpha", verdict)
        looked(world, "beta", "ok")
        world.clock.forward(minutes=5)
    assert checking.roll(world.app, world.clock.now()) is not None  # hours before it
    world.clock.forward(minutes=3)
    roll(world)
    [day] = past(world, "alpha")[-1:]
    assert (day.ok, day.warn, day.fail) == (
        timedelta(minutes=45), timedelta(0), timedelta(minutes=15),
    )  # fmt: skip
    assert day.share == pytest.approx(0.75)
    assert past(world, "beta")[-1].share == 1
    assert past(world, "alpha", "beta")[-1].share == pytest.approx(0.75), "the worst of them"
    world.clock.forward(days=60)
    world.app.db.run(lambda tx: checks.purge(tx, world.clock.now()))
    roll(world)
    kept = past(world, "alpha", days=61)
    assert sum((one.fail for one in kept), timedelta()) == timedelta(minutes=15)
    assert kept[-1].share is None, "nobody looked: not seen is not healthy"
    world.clock.forward(days=world.app.settings.availability_days)
    roll(world)
    assert all(one.share is None for one in past(world, "alpha", days=490))


def test_a_look_says_how_it_is_until_the_next_and_no_longer_than_it_holds() -> None:
    looks: list[tuple[int, checks.Verdict]] = [(-5 * MINUTE_US, "fail"), (10 * MINUTE_US, "ok")]
    found = hour_of("x", looks, start_us=0, holds_us=20 * MINUTE_US)
    assert (found.fail_us, found.ok_us) == (10 * MINUTE_US, 20 * MINUTE_US)
    assert hour_of("x", looks, start_us=0, holds_us=None).ok_us == 50 * MINUTE_US
    assert hour_of("x", [], start_us=0, holds_us=None).seen_us == 0


def test_the_worst_of_several_checks_is_never_more_than_the_hour() -> None:
    one = Hour("a", 0, ok_us=HOUR_US - 10, warn_us=0, fail_us=10)
    other = Hour("b", 0, ok_us=0, warn_us=HOUR_US, fail_us=0)
    found = worst([one, other])
    assert (found.fail_us, found.warn_us, found.ok_us) == (10, HOUR_US - 10, 0)


@pytest.mark.parametrize(
    ("by", "begins"),
    [
        ("day", ["2026-10-24", "2026-10-25", "2026-10-26"]),
        ("week", ["2026-10-19", "2026-10-26"]),
        ("month", ["2026-10-01"]),
    ],
)
def test_days_weeks_and_months_are_those_of_the_zone(by: By, begins: list[str]) -> None:
    """The day on which the clocks go back has 25 hours."""
    start = datetime(2026, 10, 24, 12, tzinfo=UTC)
    hours = [Hour("x", to_us(start) + n * HOUR_US, ok_us=HOUR_US) for n in range(48)]
    end = start + timedelta(hours=48)
    found = gathered(hours, start=start, end=end, zone=ZURICH, by=by)
    assert [f"{one.start.astimezone(ZURICH):%Y-%m-%d}" for one in found] == begins
    assert sum((one.ok for one in found), timedelta()) == timedelta(hours=48)
    if by == "day":
        assert found[1].ok == timedelta(hours=25)
