"""Does the Linux collector see this machine as it is, and read what no test may provoke?"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from looking import BASE
from mainstay import estate
from mainstay.diagnosis import CauseClass, Material, Reach, diagnose
from mainstay.diagnosis.collectors import Question
from mainstay.diagnosis.collectors.machines import linux
from mainstay.diagnosis.facts import Fact, FactKind
from mainstay.foundation.clock import to_text

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
ASKED = Question(("shop",), NOW - timedelta(hours=2), NOW - timedelta(hours=1), NOW)
RECORDED = {
    "loadavg": "0.52 7.80 9.10 3/512 4242", "uptime": "86400.00 90000.00", "cpus": "2",
    "meminfo": "MemTotal: 8000000 kB\nMemAvailable: 400000 kB\nSwapTotal: 1000 kB\nSwapFree: 10 kB",
    "stat": "cpu  300 0 100 500 100 0 0 0 0 0\ncpu0 1 1 1 1", "sys/fs/file-nr": "9000\t0\t10000",
    "net/dev": "Inter-| Receive | Transmit\n face |bytes\n"
    "  lo: 1 1 9 9 0 0 0 0 1 1 9 9 0 0 0 0\neth0: 10 1 2 3 0 0 0 0 10 1 4 5 0 0 0 0",
    "mounts": "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /data ext4 ro,relatime 0 0",
    "df": "Filesystem 1B-blocks Used Available Capacity Mounted on\n"
    "/dev/sda1 1000 980 20 98% /\n/dev/sdb1 1000 100 900 10% /data\nnone - - - - /odd",
    "inodes": "Filesystem Inodes IUsed IFree IUse% Mounted on\n/dev/sda1 100 100 0 100% /",
    "processes": " 12 4000000 86400 86400 java\n 13 1000 1 10 tail -f",
    "kernel": "[    0.000000] Linux version 6.1\n"
    "[86000.500000] oom-kill:constraint=CONSTRAINT_NONE,task=java,pid=77\n"
    "[86000.600000] Out of memory: Killed process 77 (java) total-vm:9kB, anon-rss:8kB\n"
    "[86100.000000] EXT4-fs error (device sdb1): ext4_find_entry: inode #2\n"
    "[86200.000000] usb 1-1: new device",
}  # fmt: skip


def of(facts: Sequence[Fact], kind: FactKind, name: str = "") -> Fact:
    (found,) = (one for one in facts if one.kind is kind and name in ("", one.name))
    return found


def test_this_machine_is_seen_as_it_is() -> None:
    values = {**BASE, "hosts": {"here": {"address": "127.0.0.1", "via": "local"}}}
    values["services"] = {"shop": {"tier": 1, "type": "host", "hosts": ["here"]}}
    (collector,) = linux.of_hosts(estate.from_values(values), ("shop",), Reach())
    found = collector.collect(ASKED, within_s=10)
    machine = of(found.facts, FactKind.HOST).values
    for share in ("cpu_share", "memory_used_share", "handles_share"):
        assert 0 <= float(machine[share]) <= 1, share
    booted = float(Path("/proc/uptime").read_text().split()[0])
    assert machine["booted_at"] <= to_text(NOW - timedelta(seconds=booted - 60))
    disks = [one for one in found.facts if one.kind is FactKind.FILESYSTEM]
    root = os.statvfs("/")
    used = (root.f_blocks - root.f_bfree) / (root.f_blocks - root.f_bfree + root.f_bavail)
    assert disks
    if any(one.name == "/" for one in disks):
        assert float(of(disks, FactKind.FILESYSTEM, "/").values["used_share"]) == pytest.approx(
            used, abs=0.02
        )
    assert any(one.kind is FactKind.PROCESS for one in found.facts)
    assert {one.where for one in found.facts} == {"shop"}
    assert all(one.source == "Linux here" for one in found.facts)


def test_the_script_for_other_machines_says_what_proc_says() -> None:
    done = subprocess.run(
        ["sh", "-s"], input=linux.SCRIPT, capture_output=True, text=True, check=True
    )
    assert len(done.stdout) < 60_000, "more would be cut on its way"
    facts, _ = linux.read(linux.parts(done.stdout), "pg-01", "Linux pg-01", now=NOW)
    here, _ = linux.read(linux.here(5), "pg-01", "Linux pg-01", now=NOW)
    one, other = (of(facts, FactKind.HOST).values for facts in (facts, here))
    assert one.keys() == other.keys()
    assert float(one["memory_used_share"]) == pytest.approx(
        float(other["memory_used_share"]), abs=0.2
    )
    assert {fact.kind for fact in here} - {FactKind.KERNEL} <= {fact.kind for fact in facts} | {
        FactKind.PROCESS
    }


def test_what_a_machine_in_trouble_says_becomes_facts() -> None:
    facts, notes = linux.read(RECORDED, "pay-db", "Linux pg-01", now=NOW)
    assert notes == ()
    machine = of(facts, FactKind.HOST).values
    assert machine["memory_used_share"] == pytest.approx(0.95)
    assert machine["swap_used_share"] == pytest.approx(0.99)
    assert machine["load_share"] == pytest.approx(3.9)
    assert machine["cpu_share"] == pytest.approx(0.4)
    assert machine["handles_share"] == pytest.approx(0.9)
    assert machine["network_errors"] == 14, "of eth0 alone"
    assert machine["booted_at"] == to_text(NOW - timedelta(days=1))
    root = of(facts, FactKind.FILESYSTEM, "/").values
    assert (root["used_share"], root["inodes_used_share"], root["read_only"]) == (0.98, 1.0, False)
    assert of(facts, FactKind.FILESYSTEM, "/data").values["read_only"] is True
    java = of(facts, FactKind.PROCESS, "java (12)").values
    assert (java["memory_bytes"], java["cpu_share"]) == (4_096_000_000, 0.5)
    killed = of(facts, FactKind.KERNEL, "out of memory")
    assert (killed.values["killed"], killed.values["pid"]) == ("java", "77")
    assert killed.at == NOW - timedelta(seconds=86400 - 86000.6)
    said = [str(one.values["message"]) for one in facts if one.kind is FactKind.KERNEL]
    assert len(said) == 3
    assert not any("usb" in one or "version" in one for one in said), "only what is wrong"


def test_what_is_not_linux_is_a_note_and_no_error() -> None:
    facts, notes = linux.read({"loadavg": "?"}, "x", "Linux x", now=NOW)
    assert facts == ()
    assert len(notes) == 5
    broken = {**RECORDED, "meminfo": "MemTotal: many kB"}
    facts, notes = linux.read(broken, "x", "Linux x", now=NOW)
    assert any(one.kind is FactKind.FILESYSTEM for one in facts), "the rest is used"
    assert notes == ("Linux x does not tell its host as Linux does.",)


def test_a_machine_that_is_not_reached_is_a_note() -> None:
    host = estate.Host(address="192.0.2.1", known_hosts="/nonexistent")
    found = linux.LinuxCollector("far", host, Reach()).collect(ASKED, within_s=2)
    assert found.facts == ()
    assert found.notes[0].startswith("Linux far: ")


def test_a_machine_in_trouble_is_a_cause_and_a_quiet_one_is_none() -> None:
    facts, _ = linux.read(RECORDED, "pay-db", "Linux pg-01", now=NOW)
    found = {
        one.kind: one
        for one in diagnose(Material(since=NOW - timedelta(hours=2), facts=facts)).hypotheses
    }
    assert {"full-file-system", "heap-exhausted", "machine-failure"} <= found.keys()
    assert "machine-restarted" not in found, "it is up since a day"
    assert found["machine-failure"].cause_class is CauseClass.SYSTEM
    young = {
        **RECORDED,
        "uptime": "600.00 900.00",
        "kernel": "",
        "df": RECORDED["df"].replace("980", "480"),
    }
    facts, _ = linux.read(young, "pay-db", "Linux pg-01", now=NOW)
    (one,) = [
        one for one in diagnose(Material(since=NOW - timedelta(hours=2), facts=facts)).hypotheses
        if one.kind == "machine-restarted"
    ]  # fmt: skip
    assert one.since == NOW - timedelta(minutes=10)
