"""Does `serve` keep telemetry beside itself: started, told the estate's rules, back after a kill, ended with it?"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from cli_serving import Install, kill_quietly

from mainstay.telemetry import last_state
from mainstay.telemetry.store import Kept, Record, Wanted
from peers import free_port, wait_until

WITHIN_S = 60


@pytest.fixture
def install(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Install]:
    made = Install(tmp_path, capsys)
    yield made
    kill_quietly(made.process)


def send(port: int, *lines: str, at_s: float = 0) -> int:
    stream = {"stream": {"app": "shop"}, "values": [[f"{at_s:.0f}000000000", one] for one in lines]}
    body = json.dumps({"streams": [stream]}).encode()
    asked = Request(f"http://127.0.0.1:{port}/loki/api/v1/push", body, {"Content-Type": "application/json"})  # fmt: skip
    try:
        with urlopen(asked, timeout=10) as answer:
            return int(answer.status)
    except OSError:
        return 0


def kept(folder: Path, text: str) -> list[Record]:
    store = Kept(folder, only_ask=True)
    try:
        return store.search(Wanted(text=text))
    finally:
        store.close()


def process_of(folder: Path) -> int:
    state = last_state(folder)
    return state.pid if state is not None else 0


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_is_started_told_restarted_and_ended(install: Install) -> None:
    port, folder = free_port(), install.data / "telemetry"
    estate = install.estate()
    more = {"MAINSTAY_TELEMETRY__KEEP": "true", "MAINSTAY_TELEMETRY__LISTEN": f"127.0.0.1:{port}"}
    install.start(**more)
    wait_until(lambda: send(port, "before") == 204, within_s=WITHIN_S, what="the first process")
    (estate / "blanks.yaml").write_text("blanks:\n  customer: 'C-\\d{6}'\n")
    install.says("apply", str(estate), "--yes")
    wait_until(
        lambda: send(port, "rules for C-123456") and kept(folder, "[customer]"),
        within_s=WITHIN_S, what="the estate's rule counts",
    )  # fmt: skip
    first = wait_until(lambda: process_of(folder), within_s=WITHIN_S, what="its state")
    os.kill(first, signal.SIGKILL)
    second = wait_until(
        lambda: process_of(folder) not in (0, first) and process_of(folder),
        within_s=WITHIN_S, what="another one after the kill",
    )  # fmt: skip
    assert second
    assert len(kept(folder, "before")) == 1
    assert send(port, "serves C-123456") == 204
    assert kept(folder, "serves")[0].body == "serves [customer]"
    assert install.stop() == 0
    assert not lives(process_of(folder))


def test_it_ends_with_a_server_that_was_killed(install: Install) -> None:
    port, folder = free_port(), install.folder / "kept"
    install.start(
        MAINSTAY_TELEMETRY__KEEP="true", MAINSTAY_TELEMETRY__LISTEN=f"127.0.0.1:{port}",
        MAINSTAY_TELEMETRY__FOLDER=str(folder),
    )  # fmt: skip
    own = wait_until(lambda: process_of(folder), within_s=WITHIN_S, what="its state")
    kill_quietly(install.process)
    wait_until(lambda: not lives(own), within_s=WITHIN_S, what="it ends too")


def test_what_it_keeps_is_evidence_for_the_cause_of_an_incident(install: Install) -> None:
    port, now = free_port(), time.time()
    install.start(MAINSTAY_TELEMETRY__KEEP="true", MAINSTAY_TELEMETRY__LISTEN=f"127.0.0.1:{port}")
    install.says("apply", str(install.estate()), "--yes")
    usual = [f"INFO order {number} taken" for number in range(20)]
    wait_until(
        lambda: send(port, *usual, at_s=now - 1200) == 204, within_s=WITHIN_S, what="the store"
    )
    bad = [f"ERROR no connection to ledger-{number}: name resolution failed" for number in range(9)]
    assert send(port, *bad, at_s=time.time() - 20) == 204
    install.says("report", "Orders fail", "--service", "shop", "--severity", "critical")
    first = install.json("diagnose", "INC-1", "--json")["diagnosis"]["hypotheses"][0]
    assert first["class"] == "network"
    assert "name resolution failed" in first["sentence"]
