"""The clock of the machine is set while the real server runs (P7): no page is lost, none comes twice.

libfaketime sets the wall clock of one process and leaves the count of seconds alone. Back, forward,
by more than a year, and over both changes of summer time; and the clock of a database that two
nodes share.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from clients import alert
from install import ESTATE, STEP_S, Install
from pair import Pair
from trial import start

from clusters import Cluster
from fakes.world import Provider, World
from peers import wait_until

DELAY_S = 30.0
"""What P7 allows; a busy machine needs a part of it."""
HOUR, DAY = 3600, 86400
FULL = "MAINSTAY_PROOF_ROUNDS" in os.environ
JUMPS = (-2 * HOUR, HOUR, 400 * DAY, -400 * DAY) if FULL else (-2 * HOUR, HOUR)
CHANGES = ("2027-03-28T00:59:57+00:00", "2026-10-25T00:59:57+00:00")
TIMELY = ESTATE.replace("{P1: 2s}", "{P1: 1h}")
PATIENT = TIMELY.replace("after: 2s", "after: 6s")
"""The second step comes when two nodes have surely noticed."""


@dataclass
class Wound:
    """A server whose clock is set by writing a file."""

    install: Install
    hook: Provider
    file: Path
    number: int = 0

    def set(self, offset_s: float) -> None:
        """The process's clock is so far from the machine's."""
        self.file.write_text(f"{offset_s:+.3f}\n")
        self.file.chmod(0o644)  # the database's user reads it too, whatever our umask is

    def fires(self) -> str:
        """A new alert for a service of its own; its name."""
        self.number += 1
        name = f"n{self.number}"
        # Without an end of its own: another machine's clock is another matter.
        [body] = alert(name, self.number)
        labels = body["labels"]
        status, words = self.install.call(
            "POST", "/api/v2/alerts", [{"labels": labels}], secret=self.install.key
        )
        assert status == 200, words
        return name

    def pages(self, name: str) -> list[Any]:
        """Who was paged for it, in order, by the first page of each."""
        mine = [hit for hit in self.hook.hits if name in _alerts(hit)]
        return [hit.path.strip("/") for hit in mine if hit.json["event"] == "page"]

    def is_noted(self) -> bool:
        """Whether every page that is on its way has been answered, and the answer kept."""
        return not self.install.rows("SELECT 1 FROM paging_send WHERE state = 'sending'")

    def expects(self, name: str, *people: str) -> None:
        """These and no others are paged, soon."""
        wait_until(
            lambda: len(self.pages(name)) >= len(people), within_s=DELAY_S + STEP_S,
            what=f"{people} paged for {name}",
        )  # fmt: skip
        assert self.pages(name) == list(people)


def _alerts(hit: Any) -> set[str]:
    return {one["labels"].get("alertname") for one in hit.json["alerts"]}


def _library() -> str:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        pytest.skip("no libfaketime here (make peers says how to get it)")
    return str(found[0])


def _wound_by(file: Path) -> dict[str, str]:
    return {
        "LD_PRELOAD": _library(), "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip


def _run(folder: Path, story: Callable[[Wound], None], *, offset_s: float = 0) -> None:
    file = folder / "faketime"
    with World() as world:
        hook = world.provider("webhook")
        install = Install.make(folder, hook, text=TIMELY)
        wound = Wound(install, hook, file)
        wound.set(offset_s)
        install.environment |= _wound_by(file) | {"TZ": "Europe/Zurich"}
        with install.server():
            story(wound)
        keys = [hit.key for hit in hook.hits if hit.json["event"] == "page"]
        assert len(keys) == len(set(keys)), "a page came twice"
        jumps = install.rows("SELECT because FROM foundation_record WHERE kind = 'clock.jumped'")
        assert offset_s or jumps, "the server never saw the clock jump"


def test_set_back_forward_and_far_the_next_step_comes_in_time(tmp_path: Path) -> None:
    def story(wound: Wound) -> None:
        offset_s = 0.0
        for by_s in JUMPS:
            before = wound.fires()
            wound.expects(before, "mara")
            offset_s += by_s
            wound.set(offset_s)
            wound.expects(before, "mara", "ben")
            after = wound.fires()
            wound.expects(after, "mara", "ben")

    _run(tmp_path, story)


def test_planned_while_the_clock_was_wrong_and_set_right_while_we_were_down(tmp_path: Path) -> None:
    def story(wound: Wound) -> None:
        wound.set(3 * HOUR)
        name = wound.fires()
        wound.expects(name, "mara")
        wait_until(wound.is_noted, within_s=DELAY_S, what="the answer noted")
        wound.install.starts[-1].kill()
        wound.set(0)
        with wound.install.server():
            wound.expects(name, "mara", "ben")

    _run(tmp_path, story)


@pytest.mark.parametrize("at", CHANGES if FULL else CHANGES[:1])
def test_over_a_change_of_summer_time_nobody_waits(tmp_path: Path, at: str) -> None:
    there = datetime.fromisoformat(at).astimezone(UTC).timestamp()

    def story(wound: Wound) -> None:
        wound.set(there - time.time())  # three seconds before the change
        name = wound.fires()
        wound.expects(name, "mara", "ben")

    _run(tmp_path, story, offset_s=there - HOUR - time.time())


def _start_wound(cluster: Cluster, wound: Wound) -> None:
    """Up, with a clock that goes by the file, and is right so far."""
    wound.set(-HOUR)
    cluster.start()
    [(says,)] = cluster.rows("SELECT extract(epoch FROM clock_timestamp())")
    assert abs(float(says) - time.time() + HOUR) < HOUR / 2, "PostgreSQL's clock is not faked"
    wound.set(0)


def test_the_clock_of_a_database_is_set_under_two_nodes_and_the_plan_moves_once(
    tmp_path: Path,
) -> None:
    with World() as world, Cluster.made() as cluster, ExitStack() as running:
        hook = world.provider("webhook")
        pair = Pair.make(tmp_path, cluster, "wound", hook, lease_s=2, text=PATIENT)
        wound = Wound(pair.nodes[0], hook, cluster.folder / "faketime")
        cluster.stop()
        cluster.environment = _wound_by(wound.file)
        _start_wound(cluster, wound)
        for number in (0, 1):
            start(pair, running, number)
        offset_s = 0.0
        for by_s in JUMPS:
            before = wound.fires()
            wound.expects(before, "mara")
            offset_s += by_s
            wound.set(offset_s)
            wound.expects(before, "mara", "ben")
            after = wound.fires()
            wound.expects(after, "mara", "ben")
        keys = [hit.key for hit in hook.hits if hit.json["event"] == "page"]
        jumps = wound.install.rows(
            "SELECT because FROM foundation_record WHERE kind = 'clock.jumped'"
        )
    assert len(keys) == len(set(keys)), "a page came twice"
    assert len(jumps) == len(JUMPS), jumps
