"""Do files, logs, processes and figures of this machine tell what is so?"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from looking import look

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def test_a_file_is_found_by_the_business_date(tmp_path: Path) -> None:
    file = tmp_path / "camt053_20261124.xml"
    check = {
        "file": {"path": f"{tmp_path}/camt053_%Y%m%d.xml", "checksum": True},
        "expect": ["size > 1kB", "age < 1h"],
    }
    missing = look(check, now=NOW)
    assert (missing.verdict, missing.values["exists"]) == ("fail", False)
    assert missing.sentence == f"There is no {file}."
    file.write_bytes(b"x" * 1500)
    os.utime(file, (NOW.timestamp() - 1800, NOW.timestamp() - 1800))
    found = look(check, now=NOW)
    assert found.verdict == "ok", found.sentence
    assert found.values["age"] == 1800
    early = look({**check, "file": {"path": f"{tmp_path}/camt053_%Y%m%d.xml"}}, now=NOW.replace(hour=1),
                 org={"name": "A", "timezone": "Europe/Zurich", "business_day_starts": "04:00"})  # fmt: skip
    assert "camt053_20261123" in early.sentence


def test_stable_counts_from_when_it_was_first_seen_so(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("half")
    os.utime(file, (NOW.timestamp() - 5, NOW.timestamp() - 5))
    check = {"file": {"path": str(file)}, "expect": ["stable 30s"]}
    first = look(check, now=NOW)
    assert first.verdict == "fail"
    later = look(check, now=NOW + timedelta(seconds=40), last=first.values)
    assert later.verdict == "ok", later.sentence
    file.write_text("half and half")
    os.utime(file, (NOW.timestamp() - 500, NOW.timestamp() - 500))  # a copy that keeps its time
    assert look({**check, "expect": ["size == 13"]}, now=NOW, last=later.values).verdict == "ok"


def test_many_files_are_counted(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "c.txt"):
        (tmp_path / name).write_text("x")
    assert (
        look(
            {"file": {"path": f"{tmp_path}/*.csv"}, "expect": ["count == 2", "size == 2B"]}
        ).verdict
        == "ok"
    )


def test_a_log_tells_new_lines_that_fit_once_and_follows_a_rotation(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("ERROR old\n")
    check = {
        "log": {"path": str(log), "pattern": "ERROR", "unless": "harmless"},
        "expect": ["found == 0"],
    }
    first = look(check)
    assert (first.verdict, first.values["found"]) == ("ok", 0), "what is old is no news"
    with log.open("a") as file:
        file.write("fine\nERROR one\nERROR harmless\nERROR half of a li")
    second = look(check, last=first.values)
    assert second.verdict == "fail"
    assert (second.values["found"], second.values["last"], second.evidence) == (
        1,
        "ERROR one",
        b"ERROR one",
    )
    with log.open("a") as file:
        file.write("ne\n")
    third = look(check, last=second.values)
    assert third.values["last"] == "ERROR half of a line"
    assert look(check, last=third.values).verdict == "ok"
    log.rename(tmp_path / "app.log.1")
    log.write_text("ERROR new\n")
    assert look(check, last=third.values).values["found"] == 1


def test_no_check_reads_in_mainstays_own_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.log").write_text("x\n")
    for check in (
        {"log": {"path": str(tmp_path / "secret.log"), "pattern": "x"}},
        {"certificate": {"path": str(tmp_path / ".." / tmp_path.name / "secret.log")}},
        {"file": {"path": str(tmp_path / "*.log"), "checksum": True}},
    ):
        assert "own data folder" in look(check, data_dir=tmp_path).sentence


def test_processes_and_figures_of_this_machine() -> None:
    me = Path(f"/proc/{os.getpid()}/stat").read_text().partition("(")[2].partition(")")[0]
    assert (
        look(
            {"process": {"name": me}, "expect": ["count >= 1", "memory > 1MB", "age < 9w"]}
        ).verdict
        == "ok"
    )
    assert (
        look({"process": {"name": "~no-such-program-[0-9]+"}}).sentence
        == "No process '~no-such-program-[0-9]+' runs."
    )
    for name in ("disk_used_ratio", "inodes_used_ratio", "memory_used_ratio", "swap_used_ratio"):
        found = look({"metric": {"name": name}, "expect": ["value >= 0", "value <= 1"]})
        assert found.verdict == "ok", found.sentence
    for name in ("disk_free", "memory_free", "uptime", "load1", "load_per_cpu", "open_files_ratio"):
        assert look({"metric": {"name": name}, "expect": ["value >= 0"]}).verdict == "ok"
