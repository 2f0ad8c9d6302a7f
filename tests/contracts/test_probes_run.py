"""Are programs run unmodified, bounded, without our environment, and killed with all that descends?"""

from __future__ import annotations

import asyncio
import getpass
import hashlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import psutil
import pytest

from looking import look
from mainstay.checks.probes.run.orders import Orders, Ran
from mainstay.checks.probes.run.programs import read_plugin, read_values
from peers import free_port, wait_until


def program(folder: Path, text: str, name: str = "check_it") -> str:
    file = folder / name
    file.write_text(text)
    file.chmod(0o755)
    return str(file)


@pytest.mark.parametrize(
    ("exit", "verdict"), [(0, "ok"), (1, "warn"), (2, "fail"), (3, "fail"), (77, "fail")]
)
def test_a_plugin_is_judged_by_its_exit(tmp_path: Path, exit: int, verdict: str) -> None:
    plugin = program(
        tmp_path, f"#!/bin/sh\necho 'DISK - 42% used | used=42%;80;90 time=20ms'\nexit {exit}\n"
    )
    found = look({"plugin": {"command": [plugin]}})
    assert found.verdict == verdict
    assert "DISK - 42% used" in found.sentence
    assert found.values["perf"] == {"used": 0.42, "time": 0.02}


def test_conditions_ask_of_a_plugins_figures(tmp_path: Path) -> None:
    plugin = program(tmp_path, "#!/bin/sh\necho \"OK | '/var used'=42%;80;90 time=20ms\"\n")
    check = {"plugin": {"command": [plugin]}}
    assert (
        look({**check, "expect": ["perf.time < 30ms", 'perf("/var used") < 50%']}).verdict == "ok"
    )
    found = look({**check, "expect": ["perf.time < 10ms"]})
    assert found.sentence == "perf.time is 20 ms, expected < 10ms"


@pytest.mark.real
def test_a_plugin_of_debian_runs_unmodified() -> None:
    if not Path("/usr/lib/nagios/plugins/check_procs").exists():
        pytest.skip("no monitoring-plugins here (make peers says how to get them)")
    found = look(
        {
            "plugin": {"command": ["check_procs", "-w", "1:", "-c", "1:"]},
            "expect": ["perf.procs >= 1"],
        }
    )
    assert found.verdict == "ok", found.sentence
    assert found.sentence.startswith("PROCS OK")
    missing = look(
        {"plugin": {"command": ["check_http", "-H", "127.0.0.1", "-p", str(free_port())]}}
    )
    assert missing.verdict == "fail"


def test_a_program_sees_nothing_of_our_environment_and_a_secret_is_no_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY_OF_OURS", "canary-1")
    script = program(tmp_path, "#!/bin/sh\nenv\ncat\ntr '\\0' ' ' < /proc/$$/cmdline\n")
    check = {"script": {"command": [script], "env": {"TOKEN": "env:T", "PLAIN": "yes"}, "stdin": "env:S"},
             "expect": ['output contains "PLAIN=yes"', 'output contains "TOKEN=[secret]"', "not output contains \"canary\""]}  # fmt: skip
    found = look(check, environment={"T": "canary-of-env", "S": "canary-of-stdin", "X": "1"})
    assert found.verdict == "ok", found.sentence
    assert "canary" not in repr(found)
    told = look({"script": {"command": [script, "env:T"]}}, environment={"T": "canary-of-env"})
    assert "a secret must not be an argument" in told.sentence


TREE = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for leave in (False, True):
    if os.fork() == 0:
        if leave:
            os.setsid()
            if os.fork():
                os._exit(0)
        time.sleep(600)
time.sleep(600)
"""


def _with(token: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if token in process.environ().get("WHOSE", ""):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_a_program_that_hangs_is_killed_with_its_whole_tree(tmp_path: Path) -> None:
    script = program(tmp_path, f"#!{sys.executable}\n{TREE}")
    begun = monotonic()
    found = look(
        {"script": {"command": [script], "env": {"WHOSE": str(tmp_path)}}, "timeout": "2s"}
    )
    assert found.verdict == "fail"
    assert monotonic() - begun < 60
    wait_until(lambda: not _with(str(tmp_path)), within_s=20, what="the end of the whole tree")


def test_what_a_program_leaves_behind_when_it_ends_is_killed_too(tmp_path: Path) -> None:
    left = program(tmp_path, "#!/bin/sh\nsetsid sh -c 'sleep 600' >/dev/null 2>&1 &\necho OK\n")
    found = look({"plugin": {"command": [left]}, "timeout": "20s"}, environment={})
    assert found.sentence == "OK"
    held = program(tmp_path, "#!/bin/sh\nsleep 600 &\necho OK\n", "holds_the_pipe")
    begun = monotonic()
    assert (
        look(
            {"plugin": {"command": [held], "env": {"WHOSE": str(tmp_path)}}, "timeout": "50s"}
        ).sentence
        == "OK"
    )
    assert monotonic() - begun < 45, "it waited for a child that holds the pipe"
    wait_until(lambda: not _with(str(tmp_path)), within_s=20, what="the end of what was left")


def test_the_end_of_mainstay_is_told_at_once_and_leaves_no_program_behind(tmp_path: Path) -> None:
    script = program(tmp_path, f"#!{sys.executable}\n{TREE}")

    async def ended() -> int | None:
        orders = Orders("test", {})
        under_way = asyncio.create_task(
            orders.run([script], env={"WHOSE": str(tmp_path)}, stdin=None, timeout_s=500)
        )
        while not _with(str(tmp_path)):  # noqa: ASYNC110 (it begins in another process)
            await asyncio.sleep(0)
        runner = orders._process
        assert runner is not None
        orders.close()
        under_way.cancel()
        return runner.returncode

    assert asyncio.run(ended()) == 0, "it was killed, and could not end what it runs"
    assert _with(str(tmp_path)) == []


def test_output_without_end_is_bounded(tmp_path: Path) -> None:
    loud = program(tmp_path, "#!/bin/sh\nhead -c 50000000 /dev/zero | tr '\\0' 'x'\nexit 1\n")
    found = look({"plugin": {"command": [loud]}, "timeout": "50s"})
    assert found.verdict == "warn"
    assert len(found.sentence) <= 500
    assert len(found.evidence) <= 16 * 1024
    odd = program(tmp_path, "#!/bin/sh\nprintf '\\377\\376 \\033[31mred\\n'\n", "odd")
    assert "\x1b" not in look({"plugin": {"command": [odd]}}).sentence


def test_a_program_that_is_not_there_is_told_as_that() -> None:
    assert (
        "There is no program 'check_nothing' here"
        in look({"plugin": {"command": ["check_nothing"]}}).sentence
    )
    assert "cannot be started" in look({"plugin": {"command": ["/nowhere/check_x"]}}).sentence


def test_values_of_a_script_are_read_in_three_ways() -> None:
    assert read_values("17\n") == {"value": 17.0}
    assert read_values("queue=12\nname: pay\n") == {"queue": 12.0, "name": "pay"}
    assert read_values('{"value": 3, "ok": true}') == {"value": 3, "ok": True}
    words, perf = read_plugin("OK - fine | a=1s;;; 'b c'=2MB\nmore | d=5%\n")
    assert (words, perf) == ("OK - fine", {"a": 1.0, "b c": 2 * 1024**2, "d": 0.05})


# -- ssh -------------------------------------------------------------------------------------------


@dataclass
class Sshd:
    """Debian's own, on a free port, with a key of its own."""

    port: int
    folder: Path

    def host(self, **more: Any) -> dict[str, Any]:
        return {"address": "127.0.0.1", "port": self.port, "user": getpass.getuser(),
                "key": f"file:{self.folder / 'id'}", **more}  # fmt: skip


@pytest.fixture
def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    server = shutil.which("sshd", path="/usr/sbin:/usr/bin")
    if server is None or os.geteuid() != 0:
        pytest.skip("no sshd here, or not root (make peers says how to get it)")
    port = free_port()
    for name in ("id", "host"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True
        )
    (tmp_path / "authorized").write_text((tmp_path / "id.pub").read_text())
    (tmp_path / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path / 'host'}\nStrictModes no\n"
        f"AuthorizedKeysFile {tmp_path / 'authorized'}\nPermitRootLogin yes\nUsePAM no\nPidFile none\n"
        "Subsystem sftp internal-sftp\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    known = tmp_path / "known"
    known.write_text(f"127.0.0.1 {(tmp_path / 'host.pub').read_text()}")
    with subprocess.Popen(
        [server, "-D", "-e", "-f", tmp_path / "config"], stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_until(lambda: _banner(port), within_s=20, what="sshd")
            yield Sshd(port, tmp_path)
        finally:
            process.terminate()


def _banner(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as line:
            return line.recv(4) == b"SSH-"
    except OSError:
        return False


@pytest.mark.real
def test_ssh_runs_a_command_and_looks_at_files_and_figures_there(
    sshd: Sshd, tmp_path: Path
) -> None:
    hosts = {"far": sshd.host(known_hosts=str(sshd.folder / "known"))}
    allow = (f"127.0.0.1:{sshd.port}",)
    command = "echo value=7; printf 'said=%s\\n' \"it's; $(echo fine)\""
    check = {"ssh": {"command": command}, "on": ["far"], "timeout": "50s"}
    found = look(
        {**check, "expect": ["value == 7", 'values.said == "it\'s; fine"']},
        allow=allow,
        hosts=hosts,
    )
    assert found.verdict == "ok", found.sentence
    figures = {
        "metric": {"name": "memory_used_ratio"},
        "on": ["far"],
        "expect": ["value > 0", "value < 1"],
        "timeout": "50s",
    }
    found = look(figures, allow=allow, hosts=hosts)
    assert found.verdict == "ok", found.sentence
    processes = {
        "process": {"name": "sshd"},
        "on": ["far"],
        "expect": ["count >= 1"],
        "timeout": "50s",
    }
    assert look(processes, allow=allow, hosts=hosts).verdict == "ok"
    plain = tmp_path / "plain file.csv"
    plain.write_text("x" * 2000)
    files = {
        "file": {"path": str(tmp_path / "plain file.*")},
        "on": ["far"],
        "expect": ["size == 2kB"],
        "timeout": "50s",
    }
    found = look(files, allow=allow, hosts=hosts)
    assert found.verdict == "ok", found.sentence


@pytest.mark.real
def test_ssh_calls_no_host_whose_key_is_not_known_and_none_that_is_private(sshd: Sshd) -> None:
    check = {"ssh": {"command": "true"}, "on": ["far"], "timeout": "50s"}
    allow = (f"127.0.0.1:{sshd.port}",)
    empty = sshd.folder / "nobody"
    empty.write_text("")
    strange = look(check, allow=allow, hosts={"far": sshd.host(known_hosts=str(empty))})
    assert "No ssh to far" in strange.sentence
    assert "private address" in look(check, hosts={"far": sshd.host()}).sentence


@pytest.mark.real
def test_a_files_checksum_is_computed_there(sshd: Sshd, tmp_path: Path) -> None:
    odd = tmp_path / "it's; $(touch stolen).csv"
    odd.write_bytes(b"paid\n")
    check = {"file": {"path": str(odd), "checksum": True}, "on": ["far"], "timeout": "50s"}
    hosts = {"far": sshd.host(known_hosts=str(sshd.folder / "known"))}
    found = look(check, allow=(f"127.0.0.1:{sshd.port}",), hosts=hosts)
    assert found.values["sha256"] == hashlib.sha256(b"paid\n").hexdigest(), found.sentence


@pytest.mark.real
def test_files_are_looked_at_by_sftp_where_there_is_no_shell(sshd: Sshd, tmp_path: Path) -> None:
    hosts = {"far": sshd.host(known_hosts=str(sshd.folder / "known"), via="sftp", tags=["drop"])}
    now = datetime.now(UTC).replace(second=0, microsecond=0)  # its lists have no seconds
    day = f"{now.astimezone(ZoneInfo('Europe/Zurich')):%Y%m%d}"

    def asked(path: str, *expect: str, check: dict[str, Any] | None = None, **more: Any) -> Any:
        wanted = {"expect": list(expect), **(check or {"file": path})}
        return look({**wanted, "on": ["tag:drop"], "timeout": "50s"}, now=now,
                    allow=(f"127.0.0.1:{sshd.port}",), hosts=hosts, **more)  # fmt: skip

    folder = tmp_path / 'in "box" \\ $(touch stolen); it\'s'
    folder.mkdir()
    for name, size, age_s in ((f"pay_{day}.csv", 1500, 120), ("pay_first0.csv", 10, 90_000)):
        (folder / name).write_bytes(b"x" * size)
        os.utime(folder / name, (now.timestamp() - age_s,) * 2)
    found = asked(f"{folder}/pay_%Y%m%d.csv", "size == 1500B", "age == 2m", "count == 1")
    assert found.verdict == "ok", found.sentence
    later = asked(f"{folder}/pay_%Y%m%d.csv", "stable 30s", last=found.values)
    assert later.verdict == "ok", later.sentence
    found = asked(f"{folder}/pay_????[0-9t]*.csv", "count == 2", "size == 1510B", "oldest > 1d")
    assert found.verdict == "ok", found.sentence
    assert asked(f"{folder}/none.csv").sentence == f"There is no {folder}/none.csv."
    assert asked(f"{folder}/none*.csv").values["exists"] is False
    assert "control characters" in asked("/tmp/a\n!touch stolen").sentence
    told = asked("", check={"metric": {"name": "load1"}})
    assert "nothing else" in told.sentence
    assert not list(tmp_path.rglob("stolen"))
    hosts["far"] = {**hosts["far"], "known_hosts": "/dev/null"}
    assert "No SFTP to far: " in asked(f"{folder}/*.csv").sentence


def test_many_programs_at_once_each_have_their_own_end(tmp_path: Path) -> None:
    script = program(tmp_path, '#!/bin/sh\necho "value=$1"\nexit $2\n')

    async def all_of_them() -> list[Ran | Exception]:
        orders = Orders("test", {})
        try:
            runs = (
                orders.run([script, str(n), str(n % 3)], env={}, stdin=None, timeout_s=100)
                for n in range(300)
            )
            return list(await asyncio.gather(*runs, return_exceptions=True))  # type: ignore[arg-type]
        finally:
            orders.close()

    for n, ran in enumerate(asyncio.run(all_of_them())):
        assert isinstance(ran, Ran), ran
        assert (ran.exit, ran.output) == (n % 3, f"value={n}\n".encode())
