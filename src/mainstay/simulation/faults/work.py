"""What people and pipelines do: releases, settings, reruns, calendars."""

from __future__ import annotations

from datetime import timedelta

from mainstay.simulation.cast import NODES
from mainstay.simulation.faults.effects import fails, slows
from mainstay.simulation.faults.files import doubles
from mainstay.simulation.scene import Scene, Told, Value
from mainstay.simulation.usual import job_runs


def config_differs(scene: Scene, told: Told) -> None:
    """A setting reached some nodes and not the others."""
    name, old, new = scene.random.choice([
        ("limits.daily_max", "50000", "5000"), ("http.timeout_ms", "3000", "300"),
        ("ledger.url", "https://ledger.alpenpay.example", "https://ledger-old.alpenpay.example"), ("feature.instant", "on", "off"),
    ])  # fmt: skip
    odd = scene.random.choice(NODES)
    pushed = scene.later(-8, -1)
    for node in NODES:
        scene.unwatch(node, "setting", name)
        if told.facts:
            scene.watch(node, "setting", name, value=old)
            if node == odd:
                scene.watch(node, "setting", name, at=pushed, value=new)
        if told.logs:
            scene.say(
                "pay-api",
                "INFO",
                f"node {node}: configuration loaded, {name}={old}",
                at=scene.later(-88, -60),
            )
            scene.say(
                "pay-api",
                "INFO",
                f"node {node}: configuration loaded, {name}={new if node == odd else old}",
                at=scene.later(0, 2),
            )
    if scene.random.random() < 0.5:
        scene.change("pay-api", "configuration push", before=scene.since - pushed, by="ci")
    scene.move("pay-api", "availability", scene.random.uniform(0.6, 0.75))
    scene.say_often(
        "pay-api",
        "ERROR",
        [f"payment @ declined by node {odd}, accepted by its neighbour at retry"],
        every_s=90,
    )
    scene.true("config-differs", "configuration", "pay-api", odd)


def job_rerun_twice(scene: Scene, told: Told) -> None:
    """A job failed, and two people ran it again."""
    job = scene.random.choice(["eod-settlement", "payout", "interest-accrual"])
    number = scene.random.randint(100, 800)
    runs = [f"{job}#{number + place}" for place in range(3)]
    for place, (run, at) in enumerate(
        zip(runs, (scene.later(-50, -35), scene.later(-25, -15), scene.later(0, 3)), strict=True)
    ):
        state = "ok" if place else "failed"
        if told.facts:
            more: dict[str, Value] = {"rerun_of": runs[0], "rows": 4120} if place else {}
            job_runs(scene, job, run, at, state, **more)
        if told.logs and place:
            person = ("mara", "jonas")[place - 1]
            scene.say(
                "settlement",
                "INFO",
                f"job {job} run {run} started by {person} as rerun of {runs[0]}",
                at=at,
            )
            scene.say(
                "settlement",
                "INFO",
                f"job {job} run {run} completed, 4120 rows",
                at=at + timedelta(minutes=2),
            )
        elif told.logs:
            scene.say(
                "settlement", "ERROR", f"job {job} run {run} failed: deadlock detected", at=at
            )
    doubles(scene)
    scene.true("job-rerun-twice", "data", job, "settlement")


def calendar_mistake(scene: Scene, told: Told) -> None:
    """A system takes a holiday for a business day (or the reverse), or is an hour off."""
    (scene.random.choice([_holiday, _daylight]))(scene, told)


def _holiday(scene: Scene, told: Told) -> None:
    host = scene.random.choice(["batch-01", "app-02"])
    day = f"{scene.since:%Y-%m-%d}"
    usually = scene.since.weekday() < 5
    if told.facts:
        states = scene.watched[host, "calendar", host]
        scene.watched[host, "calendar", host] = [
            (at, {**values, "business_day": not usually}) for at, values in states
        ]
    else:
        scene.unwatch(host, "calendar", host)
    if told.logs:
        words = (f"{day} is a holiday in calendar CH-BANK, run of {{}} skipped" if usually
                 else f"{day} is a business day in calendar CH-BANK, {{}} started; partner system reports TARGET closed")  # fmt: skip
        for job in ("eod-settlement", "payout"):
            scene.say("settlement", "WARN", words.format(job), at=scene.later(0, 5))
    scene.move("settlement", "requests_per_second", 0.1 if usually else 3.0)
    scene.say_often(
        "reporting",
        "WARN",
        ["value date of # postings differs between ledger and partner"],
        every_s=200,
    )
    scene.true("calendar-mistake", "configuration", host, "settlement")


def _daylight(scene: Scene, told: Told) -> None:
    host = scene.random.choice(["batch-01", "app-02"])
    states = scene.watched[host, "calendar", host]
    right = float(states[0][1]["utc_offset_s"])
    wrong = right - 3600 if right > 3600 else right + 3600
    if told.facts:
        at = scene.since - timedelta(minutes=5)
        others = [place for place in scene.watched if place[1] == "calendar" and place[0] != host]
        for place in others:  # the others went over to the new time, this one did not
            before = {**scene.watched[place][0][1], "utc_offset_s": wrong}
            scene.watched[place] = [(scene.begins, before), (at, {**before, "utc_offset_s": right})]
        scene.watched[host, "calendar", host] = [
            (scene.begins, {**states[0][1], "utc_offset_s": wrong})
        ]
    else:
        scene.unwatch(host, "calendar", host)
    if told.logs:
        here, there = int(wrong // 3600), int(right // 3600)
        words = scene.random.choice([
            f"job {{}} started one hour early: scheduler offset +{here:02d}:00, expected +{there:02d}:00",
            f"time zone data is outdated: Europe/Zurich is UTC+{here} here and UTC+{there} at the partner, "
            "{} ran at the wrong hour",
        ])  # fmt: skip
        for job in ("eod-settlement", "payout"):
            scene.say("settlement", "WARN", words.format(job), at=scene.later(0, 5))
    scene.move("settlement", "requests_per_second", 0.2)
    scene.say_often("ledger", "WARN", ["cut-off missed by # min for batch @"], every_s=200)
    scene.true("calendar-mistake", "configuration", host, "settlement")


def bad_release(scene: Scene, told: Told) -> None:
    """A new version has a bug."""
    service = scene.random.choice(["pay-api", "ledger", "fraud", "checkout"])
    major, minor = scene.random.randint(2, 6), scene.random.randint(1, 30)
    minutes = timedelta(minutes=scene.random.uniform(1, 12))
    listed = told.facts or scene.random.random() < 0.5
    if listed:
        scene.change(
            service, "deployment", before=minutes, by="ci", version=f"{major}.{minor + 1}.0"
        )
    if not listed or scene.random.random() < 0.5:
        scene.say(
            service, "INFO", f"Starting {service} v{major}.{minor}.2", at=scene.later(-89, -70)
        )
        scene.say(
            service,
            "INFO",
            f"Starting {service} v{major}.{minor + 1}.0",
            at=scene.since - minutes + timedelta(minutes=1),
        )
    words = scene.random.choice([
        'java.lang.NullPointerException: Cannot invoke "Merchant.feeClass()" because "merchant" is null, @',
        "java.lang.IndexOutOfBoundsException: Index 0 out of bounds for length 0, @",
        "TypeError: unsupported operand type(s) for +: 'NoneType' and 'Decimal', @",
    ])  # fmt: skip
    scene.say_often(
        service, "ERROR", [words], every_s=8, at=scene.since - minutes + timedelta(minutes=1)
    )
    fails(scene, service, scene.random.uniform(0.15, 0.5))
    if scene.random.random() < 0.4:
        slows(scene, service, scene.random.uniform(1.5, 2.5))
    scene.true("bad-release", "software bug", service)
