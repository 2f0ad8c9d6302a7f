"""Can a person run and read checks from the terminal, with a real server that looks by itself?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_serving import Install, kill_quietly

from peers import fetch, wait_until

CHECKS = """
hosts: {here: {address: 127.0.0.1, via: local, tags: [db]}}
calendars: {ch: {holidays: {country: CH, subdiv: ZH}, extra: [2027-12-24]}}
checks:
  memory: {service: shop-db, metric: memory_used_ratio, on: "tag:db", every: 1s, expect: ["value < 1.1"]}
  words: {service: shop-db, script: [/bin/cat, %s], every: 1s, expect: ["value == 1"], tags: [db], attempts: 1}
  slow: {service: shop-db, script: [/bin/sleep, "600"], every: 1s, timeout: 40s, tags: [slow]}
  later: {service: shop-db, metric: load1, schedule: "0 3 1 1 *", tags: [rare]}
"""


@pytest.fixture
def install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Install]:
    for name in [name for name in os.environ if name.startswith("MAINSTAY_")]:
        monkeypatch.delenv(name)
    made = Install(tmp_path, capsys)
    yield made
    kill_quietly(made.process)


def test_checks_run_by_themselves_are_run_by_hand_and_tell(install: Install) -> None:
    said = install.folder / "value"
    said.write_text("1\n")
    install.start()
    folder = install.estate()
    (folder / "checks.yaml").write_text(CHECKS % said)
    install.says("apply", str(folder), "--yes")

    def stands(name: str) -> str:
        found = install.json("checks", "list")
        return next(f"{o['state']}" for o in found["items"] if o["name"] == name)

    wait_until(lambda: stands("words") == "ok", within_s=60, what="a look by itself")
    assert stands("later") == "waiting"
    out = install.says("checks", "run", "--tag", "db", "--wait", "60")
    assert "All 2 are well." in out
    assert "memory" in out
    assert "value" in install.says("checks", "run", "later", "--wait", "60")
    said.write_text("2\n")
    code, out, _ = install.cli("checks", "run", "words", "--wait", "60")
    assert code == 1
    assert "value is 2, expected == 1" in out
    wait_until(lambda: "words" in install.says("alerts"), within_s=60, what="its alert")
    assert "value is 2, expected == 1" in install.says("checks", "show", "words")
    said.write_text("1\n")
    wait_until(lambda: "words" not in install.says("alerts"), within_s=60, what="its end")
    code, _, err = install.cli("checks", "run", "wrods")
    assert code == 2
    assert "did you mean 'words'?" in err
    code, _, err = install.cli("checks", "run")
    assert code == 2
    assert "not seen" in install.says("checks", "availability", "words", "--by", "week")
    assert install.json("health", "shop-db", "--by", "month")["checks"]
    shown = install.says("calendar", "show", "ch", "2027")
    assert "2027-08-02" not in shown
    assert "2027-12-24  an extra day off" in shown
    assert "National Day" in shown
    status, body = fetch(f"{install.url}/metrics")
    assert status in (200, 401)
    assert install.stop() == 0
    assert b"mainstay_check" in body or status == 401
