"""The disk is full, and pages go on: in the room that was kept for that (P9)."""

from __future__ import annotations

from pathlib import Path

import pytest
from disk import fill_up, small_disk

from live import FakeChannel, Live, Phone, live
from mainstay import acts, app, upkeep
from mainstay.foundation.reserve import FILE
from mainstay.foundation.settings import Settings
from peers import wait_until

RESERVE_MIB = 4
DISK_MIB = 32
WITHIN_S = 30
WORK = 40
"""Notes that are written while the disk is full: more than the log's last pages would take."""


def send(mainstay: Live, name: str) -> tuple[int, dict[str, str]]:
    labels = {"alertname": name, "service": "pay-api", "severity": "critical", "pad": "x" * 4000}
    body = [{"labels": labels, "endsAt": "2099-01-01T00:00:00Z"}]
    reply = mainstay.call("POST", "/api/v2/alerts", body, key=mainstay.key("prometheus"))
    return reply.status, dict(reply.headers)


def kinds(mainstay: Live) -> list[str]:
    return [str(row[0]) for row in mainstay.rows("SELECT kind FROM foundation_record")]


def until_full(mainstay: Live) -> dict[str, str]:
    """Send until a signal is refused; the headers of the refusal."""
    for number in range(2_000):
        status, headers = send(mainstay, f"more{number}")
        if status != 200:
            assert status == 507, status
            return headers
    raise AssertionError("the disk never filled up")


def test_on_a_full_disk_signals_are_refused_and_people_are_paged_and_answered(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    with small_disk(data, DISK_MIB) as mounted:
        if not mounted:
            pytest.skip("only root can mount a small disk")
        with live(tmp_path, reserve_mib=RESERVE_MIB, page_per_minute=60) as mainstay:
            reserve = data / FILE
            wait_until(lambda: reserve.exists() and reserve.stat().st_size == RESERVE_MIB << 20,
                       within_s=WITHIN_S, what="the reserve")  # fmt: skip
            assert send(mainstay, "before")[0] == 200
            mainstay.phone("mara").wait(1)
            ballast = fill_up(data)
            assert int(until_full(mainstay)["retry-after"]) >= 1
            assert reserve.stat().st_size == 0
            told = mainstay.phone("head").wait(1)
            assert "is full" in told.text + told.subject
            mainstay.act(acts.commands.Acknowledge("INC-1"))
            for number in range(WORK):
                mainstay.act(acts.commands.Note("INC-1", f"{number} " + "y" * 2_000))
            pages = len(mainstay.phone("ben").pages)
            mainstay.act(acts.commands.Reassign("INC-1", "ben"))
            mainstay.phone("ben").wait(pages + 1)
            assert kinds(mainstay).count("incident.note") == WORK
            assert "disk.full" in kinds(mainstay)
            assert send(mainstay, "while")[0] == 507
            ready = mainstay.call("GET", "/readyz", role="admin")
            assert (ready.status, b"The disk is full" in ready.body) == (503, True)
            ballast.unlink()
            wait_until(lambda: send(mainstay, "after")[0] == 200, within_s=WITHIN_S, what="room")
            assert reserve.stat().st_size == RESERVE_MIB << 20
            wait_until(lambda: "disk.room" in kinds(mainstay), within_s=WITHIN_S, what="the word")


def test_a_start_on_a_full_disk_lives_on_what_was_kept(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with small_disk(data, DISK_MIB) as mounted:
        if not mounted:
            pytest.skip("only root can mount a small disk")
        with live(tmp_path, reserve_mib=RESERVE_MIB) as mainstay:
            wait_until(mainstay.runtime.reserve.make, within_s=WITHIN_S, what="the reserve")
            mainstay.key("prometheus")
        fill_up(data)
        phones: dict[str, Phone] = {}
        again = app.open_app(
            Settings(data_dir=data, reserve_mib=RESERVE_MIB), environment={}, node="again",
            channels={"sms": FakeChannel("sms", phones)},
        )  # fmt: skip
        assert again.reserve.is_used
        upkeep.keep_room(again, again.clock.now())
        wait_until(lambda: app.drain(again) or "head" in phones, within_s=WITHIN_S, what="a page")
        assert "is full" in phones["head"].pages[0].subject
        again.close()
