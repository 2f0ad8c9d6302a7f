"""Does the watchdog find what will not page, and say so by its own path? With a real server."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_serving import Install, kill_quietly
from watching import ALARM_WITHIN_S, Watched, fresh_install, watched

from databases import fresh, new_database
from mainstay.watchdog import last_sign
from peers import wait_until


@pytest.fixture
def floor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, engine: str
) -> Iterator[Watched]:
    with watched(fresh_install(tmp_path, capsys, monkeypatch), url=fresh()) as made:
        yield made


@pytest.mark.both
def test_a_due_row_deleted_by_hand_is_alarmed_by_mail_and_webhook_once_and_its_end_is_told(
    floor: Watched,
) -> None:
    floor.start(MAINSTAY_LOG_FORMAT="json")
    name = floor.incident()
    floor.next_signs(4)
    assert floor.hook.hits == [], "a healthy install alarms nobody"
    assert floor.damage("DELETE FROM foundation_due WHERE kind = 'paging.step'") == 1
    said = floor.alarm(name, "step 2 of payops", "nothing will page: its due row is gone")
    assert said["subject"] == f"Mainstay watchdog: {name} will not page"
    letter = floor.post.wait(1)[0]
    assert letter.recipients == ["floor@mainstay.test"]
    assert f"{name} will not page" in letter.message["Subject"]
    body = letter.message.get_body(("plain",))
    assert body is not None
    assert "nothing will page" in body.get_content()
    wait_until(
        lambda: "nothing will page" in floor.install.says("status"),
        within_s=ALARM_WITHIN_S, what="the status to say so",
    )  # fmt: skip
    code, doctor, _ = floor.install.cli("doctor", "--allow-root")
    assert code != 0
    assert "✗ watchdog: " + name in doctor
    floor.next_signs(8)
    assert len(floor.hook.hits) == 1, "it is told once, not at each look"
    floor.install.says("ack", name)
    floor.alarm(name, event="recovery")
    assert f"over: {name}" in floor.post.wait(2)[1].message["Subject"]
    lines = [json.loads(line) for line in floor.install.log.splitlines()]
    (taken,) = [line for line in lines if line["message"] == "a page by webhook was taken"]
    assert taken["incident"] == name
    assert taken["due"].startswith("paging.send pag_")


def test_an_outbox_row_and_an_incident_that_vanish_are_alarmed(floor: Watched) -> None:
    floor.start()
    floor.phone.always = "never"
    key = floor.install.says("key", "create", "prometheus").strip()
    floor.install.send_alert(key, service="pay-db")
    floor.phone.wait(1, within_s=20)
    assert floor.damage("DELETE FROM foundation_due WHERE kind = 'paging.send'") == 1
    floor.alarm("The page of INC-1 to mara by webhook", "its due row is gone", "Call mara")
    floor.damage("UPDATE incidents_incident SET resolved_at = 1, state = 'resolved'")
    floor.alarm("INC-1 is open by the record, yet it stands as resolved")


def test_it_dies_with_its_server_and_is_started_again_when_it_dies_alone(floor: Watched) -> None:
    floor.start()
    first = floor.sign().pid
    os.kill(first, signal.SIGKILL)
    second = wait_until(
        lambda: (pid := floor.sign().pid) != first and pid,
        within_s=ALARM_WITHIN_S, what="another watchdog",
    )  # fmt: skip
    process = floor.install.process
    assert process is not None
    process.kill()
    process.wait()
    wait_until(lambda: not is_running(second), within_s=ALARM_WITHIN_S, what="its end")


def test_what_was_told_is_not_told_again_by_its_successor(floor: Watched) -> None:
    floor.start()
    name = floor.incident()
    floor.damage("DELETE FROM foundation_due WHERE kind = 'paging.step'")
    floor.alarm(name)
    floor.next_signs(3)
    first = floor.sign().pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: floor.sign().pid != first, within_s=ALARM_WITHIN_S, what="another watchdog")
    floor.next_signs(4)
    assert len(floor.hook.hits) == 1


def is_running(pid: int) -> bool:
    """Whether there is such a process that is not only waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_two_nodes_watch_and_one_tells(floor: Watched, tmp_path: Path) -> None:
    """On PostgreSQL, which nodes share."""
    floor.url = new_database()
    (tmp_path / "other").mkdir()
    other = Install(tmp_path / "other", floor.install.capsys)
    floor.start()
    (other.folder / "mainstay.toml").write_text(
        (floor.install.folder / "mainstay.toml").read_text()
    )
    key = f"file:{floor.install.data.with_name('data.key')}"
    other.start(MAINSTAY_DATABASE=floor.url, MAINSTAY_SECRETS__KEY=key)
    try:
        name = floor.incident()
        assert floor.damage("DELETE FROM foundation_due WHERE kind = 'paging.step'") == 1
        floor.alarm(name, "nothing will page")
        for data in (floor.install.data, other.data) * 4:
            _found_by(data, name)
        assert [hit.json["event"] for hit in floor.hook.hits] == ["watchdog.alarm"]
        floor.install.says("ack", name)
        floor.alarm(name, event="recovery")
        floor.next_signs(8)
        events = [hit.json["event"] for hit in floor.hook.hits]
        assert events == ["watchdog.alarm", "watchdog.recovery"]
    finally:
        kill_quietly(other.process)


def _found_by(data: Path, name: str) -> None:
    """The watchdog of this node leaves another sign, in which the violation stands."""
    before = last_sign(data)

    def look() -> bool:
        sign = last_sign(data)
        fresh = sign is not None and (before is None or sign.at > before.at)
        return fresh and any(name in one.finding.title for one in sign.findings)  # type: ignore[union-attr]

    wait_until(look, within_s=ALARM_WITHIN_S, what=f"{name} in a sign of {data}")
