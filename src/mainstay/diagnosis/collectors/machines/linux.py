"""A Linux machine as evidence: load, memory, disks, handles, network, its kernel's words, processes.

Here it is read from /proc; elsewhere one script, which only reads, goes by the SSH probe of the
checks. Both give the same texts, and one reader makes facts of them.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mainstay.checks import Ask
from mainstay.checks.probes import build, close
from mainstay.diagnosis.collectors.collector import Question
from mainstay.diagnosis.collectors.reach import Reach
from mainstay.diagnosis.facts.fact import Fact, FactKind, Value
from mainstay.diagnosis.material import Material
from mainstay.estate import Check, Estate, Host
from mainstay.foundation.clock import to_text
from mainstay.foundation.errors import MainstayError

Texts = Mapping[str, str]
"""What the machine says of itself, by the name of the part."""
TEXT_BYTES_MAX = 1 << 20
PROCESSES_MAX = 20
"""The largest and the busiest are told of."""
SETTLED_S = 86_400
"""A process that has run so long is no newcomer."""
KERNEL_MAX = 100
MOUNTS_MAX = 50
LINE_CHARS_MAX = 400
FILES = ("loadavg", "uptime", "meminfo", "stat", "net/dev", "mounts", "sys/fs/file-nr")
NO_DISKS = frozenset(
    [
        "proc",
        "sysfs",
        "devtmpfs",
        "devpts",
        "cgroup",
        "cgroup2",
        "mqueue",
        "debugfs",
        "tracefs",
        "securityfs",
        "pstore",
        "bpf",
        "configfs",
        "hugetlbfs",
        "fusectl",
        "rpc_pipefs",
        "nsfs",
        "binfmt_misc",
        "autofs",
        "squashfs",
        "overlay_lower",
        "efivarfs",
        "ramfs",
    ]
)
TROUBLE = re.compile(
    r"out of memory|oom-kill|killed process|I/O error|blk_update_request|EXT4-fs error|XFS.*(?:error|shutdown)"
    r"|remounting filesystem read-only|hung_task|blocked for more than|soft lockup|segfault"
    r"|nf_conntrack: table full|link is down|machine check|hardware error|call trace|TCP: out of memory"
    r"|page allocation failure|SYN flooding|thermal|throttled|No space left",
    re.I,
)
"""What the kernel says when something is wrong; the rest of its words is left out."""
_STAMP = re.compile(r"^(?:<\d+>)?\[\s*(?P<s>\d+\.\d+)\]\s*(?P<said>.*)$")
_OOM = re.compile(r"Killed process (?P<pid>\d+) \((?P<name>[^)]*)\)")
_MARK = re.compile(r"^@@ (\S+)$", re.M)
SCRIPT = """
export LC_ALL=C
for one in loadavg uptime meminfo stat net/dev mounts sys/fs/file-nr; do
  echo "@@ $one"; head -c 16000 "/proc/$one"
done
echo "@@ cpus"; nproc
echo "@@ df"; df -PB1 2>/dev/null | head -n 50
echo "@@ inodes"; df -Pi 2>/dev/null | head -n 50
echo "@@ processes"; ps -eo pid=,rss=,cputimes=,etimes=,comm= --sort=-rss 2>/dev/null | head -n 20
echo "@@ kernel"; (dmesg 2>/dev/null || journalctl -k -b --no-pager -o short-monotonic 2>/dev/null) | tail -n 400 | tail -c 24000
"""


@dataclass(frozen=True, slots=True)
class LinuxCollector:
    """One machine. `service`: what its facts are about, None: the machine itself."""

    host_id: str
    host: Host
    reach: Reach
    service: str = ""

    @property
    def name(self) -> str:
        """`Linux pg-01`."""
        return f"Linux {self.host_id}"

    def collect(self, question: Question, *, within_s: float) -> Material:
        """How it does, as of now, and what its kernel said since it came up."""
        try:
            texts = here(within_s) if self.host.via == "local" else self._there(question, within_s)
        except (MainstayError, TimeoutError) as error:
            said = error.sentence if isinstance(error, MainstayError) else "No answer in time."
            return Material(notes=(f"{self.name}: {said}",))
        facts, notes = read(texts, self.service or self.host_id, self.name, now=question.until)
        return Material(facts=facts, notes=notes)

    def _there(self, question: Question, within_s: float) -> Texts:
        return parts(asyncio.run(self._said(question, within_s)))

    async def _said(self, question: Question, within_s: float) -> str:
        """What the script writes there; at most 64 KiB come back."""
        wanted = Check.model_validate(
            {"service": self.service or self.host_id, "ssh": {"command": SCRIPT},
             "on": [self.host_id], "timeout": f"{max(1, int(within_s))}s"}
        )  # fmt: skip
        ask = Ask(self.name, wanted, self.host_id, self.host, question.until, question.until.date())
        egress = self.reach.egress()
        probes = build(egress, environment=self.reach.environment, install=self.reach.install)
        try:
            async with asyncio.timeout(within_s):
                measured = await probes["ssh"].measure(ask)
        finally:
            close(probes)
            await egress.close()
        return str(measured.values.get("output", ""))


def of_hosts(estate: Estate, services: Sequence[str], reach: Reach) -> list[LinuxCollector]:
    """A collector for each machine that these services run on: `hosts`, and where checks look."""
    found: dict[str, LinuxCollector] = {}
    for service in services:
        declared = estate.services.get(service)
        names = list(declared.hosts) if declared else []
        for check in estate.checks.values():
            if check.service == service:
                names += [name for name, host in estate.hosts.items() if _on(check.on, name, host)]
        for name in names:
            if name in estate.hosts:
                found.setdefault(name, LinuxCollector(name, estate.hosts[name], reach, service))
    return list(found.values())


def _on(on: Sequence[str], name: str, host: Host) -> bool:
    return name in on or any(f"tag:{tag}" in on for tag in host.tags)


# -- the texts -------------------------------------------------------------------------------------


def parts(said: str) -> Texts:
    """What the script wrote, cut at its marks."""
    pieces = _MARK.split(said)
    return dict(zip(pieces[1::2], (text.lstrip("\n") for text in pieces[2::2]), strict=True))


def here(within_s: float) -> Texts:
    """The same texts of this machine, without another program but for the kernel's words."""
    texts = {name: _proc(name) for name in FILES} | {"cpus": str(os.cpu_count() or 1)}
    texts["df"], texts["inodes"] = _disks(texts["mounts"])
    texts["processes"] = "\n".join(_processes(texts["uptime"]))
    texts["kernel"] = _kernel(within_s)
    return texts


def _proc(name: str) -> str:
    try:
        with Path("/proc", name).open("rb") as file:
            return file.read(TEXT_BYTES_MAX).decode("ascii", "replace")
    except OSError:
        return ""


def _disks(mounts: str) -> tuple[str, str]:
    """As `df -PB1` and `df -Pi` print it; a mount that cannot be looked at is left out."""
    space, inodes = (
        ["Filesystem Size Used Available Use Mounted"],
        ["Filesystem Inodes IUsed IFree IUse Mounted"],
    )
    for device, mount in _mounted(mounts):
        try:
            disk = os.statvfs(mount)
        except OSError:
            continue
        used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
        size, free = disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize
        space.append(f"{device} {size} {used} {free} - {mount}")
        inodes.append(
            f"{device} {disk.f_files} {disk.f_files - disk.f_ffree} {disk.f_ffree} - {mount}"
        )
    return "\n".join(space), "\n".join(inodes)


def _mounted(mounts: str) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for line in mounts.splitlines():
        words = line.split()
        if len(words) < 4 or words[2] in NO_DISKS or words[0] in seen or len(seen) >= MOUNTS_MAX:
            continue
        mount = words[1].replace("\\040", " ")
        if words[0] not in ("tmpfs", "overlay", "none"):
            seen.add(words[0])
        if Path(mount).is_dir():
            yield words[0], mount


def _processes(uptime: str) -> Iterator[str]:
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    up_s = float(uptime.split()[0]) if uptime else 0.0
    rows = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        head, _, rest = _proc(f"{entry.name}/stat").rpartition(")")
        words = rest.split()
        if len(words) < 22:
            continue
        cpu_s = (int(words[11]) + int(words[12])) / ticks
        age_s = max(0.0, up_s - int(words[19]) / ticks)
        rss = int(words[21]) * page // 1024
        rows.append((rss, f"{entry.name} {rss} {cpu_s:.0f} {age_s:.0f} {head.partition('(')[2]}"))
    rows.sort(reverse=True)
    return (row for _, row in rows[:PROCESSES_MAX])


def _kernel(within_s: float) -> str:
    """The kernel's ring buffer, "" where it may not be read."""
    try:
        done = subprocess.run(
            ["/bin/dmesg"], stdin=subprocess.DEVNULL, capture_output=True, timeout=within_s,
            env={"LC_ALL": "C"}, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout[-TEXT_BYTES_MAX:].decode("utf-8", "replace") if done.returncode == 0 else ""


# -- from texts to facts ---------------------------------------------------------------------------


def read(
    texts: Texts, where: str, source: str, *, now: datetime
) -> tuple[tuple[Fact, ...], tuple[str, ...]]:
    """Facts of one machine, and what it did not tell."""
    readers = {"host": _host, "disks": _filesystems, "processes": _busy, "kernel messages": _said}
    facts: list[Fact] = []
    notes = []
    for what, reader in readers.items():
        try:
            facts += [
                Fact(where, kind, name, values, at or now, source)
                for kind, name, values, at in reader(texts, now)
            ]
        except (ValueError, IndexError, KeyError, ZeroDivisionError):
            notes.append(f"{source} does not tell its {what} as Linux does.")
    if not texts.get("kernel"):
        notes.append(f"{source}: the kernel's messages may not be read.")
    return tuple(facts), tuple(notes)


_Made = Iterator[tuple[FactKind, str, dict[str, Value], datetime | None]]


def _host(texts: Texts, now: datetime) -> _Made:
    cpus = max(1, int(texts["cpus"]))
    load = float(texts["loadavg"].split()[1])
    up_s = float(texts["uptime"].split()[0])
    sizes = {
        line.split(":")[0]: float(line.split()[1]) * 1024
        for line in texts["meminfo"].splitlines() if len(line.split()) > 1
    }  # fmt: skip
    opened, _, most = (float(word) for word in texts["sys/fs/file-nr"].split()[:3])
    values: dict[str, Value] = {
        "booted_at": to_text(now - timedelta(seconds=up_s)),
        "load_share": load / cpus, "cpu_share": _cpu(texts["stat"]),
        "memory_used_share": 1 - sizes["MemAvailable"] / sizes["MemTotal"],
        "handles_share": opened / most if most else 0.0,
        "network_errors": float(_network_errors(texts["net/dev"])),
    }  # fmt: skip
    if sizes.get("SwapTotal"):
        values["swap_used_share"] = 1 - sizes["SwapFree"] / sizes["SwapTotal"]
    yield FactKind.HOST, "machine", values, None
    yield FactKind.POOL, "file handles", {"in_use": opened, "size": most}, None


def _cpu(stat: str) -> float:
    """The share that was not idle, since the machine came up."""
    words = [float(word) for word in stat.splitlines()[0].split()[1:9]]
    return 1 - (words[3] + words[4]) / sum(words)


def _network_errors(text: str) -> int:
    """Errors and drops of all interfaces, in and out, since they came up."""
    found = 0
    for line in text.splitlines()[2:]:
        name, _, rest = line.partition(":")
        words = rest.split()
        if name.strip() != "lo" and len(words) >= 12:
            found += sum(int(words[place]) for place in (2, 3, 10, 11))
    return found


def _filesystems(texts: Texts, now: datetime) -> _Made:
    read_only = {
        words[1] for line in texts["mounts"].splitlines()
        if len(words := line.split()) > 3 and "ro" in words[3].split(",")
    }  # fmt: skip
    inodes = {mount: share for mount, share, _ in _shares(texts["inodes"])}
    for mount, share, size in _shares(texts["df"]):
        values: dict[str, Value] = {
            "used_share": share, "size_bytes": size, "read_only": mount in read_only,
        }  # fmt: skip
        if mount in inodes:
            values["inodes_used_share"] = inodes[mount]
        yield FactKind.FILESYSTEM, mount, values, None


def _shares(table: str) -> Iterator[tuple[str, float, float]]:
    """(mount, used share, size) of each row that has a size."""
    for line in table.splitlines()[1:]:
        words = line.split(None, 5)
        if len(words) == 6 and words[1].isdigit() and words[2].isdigit() and words[3].isdigit():
            used, free = float(words[2]), float(words[3])
            if used + free:
                yield words[5], used / (used + free), float(words[1])


def _busy(texts: Texts, now: datetime) -> _Made:
    """What has run for a day belongs to the machine; of a newcomer nobody knows."""
    cpus = max(1, int(texts["cpus"]))
    for line in texts["processes"].splitlines()[:PROCESSES_MAX]:
        pid, rss, cpu_s, age_s, name = line.split(None, 4)
        values: dict[str, Value] = {
            "memory_bytes": float(rss) * 1024, "age_s": float(age_s),
            "cpu_share": min(1.0, float(cpu_s) / max(1.0, float(age_s)) / cpus),
        }  # fmt: skip
        if float(age_s) >= SETTLED_S:
            values["belongs_to"] = "this machine"
        yield FactKind.PROCESS, f"{name} ({pid})", values, None


def _said(texts: Texts, now: datetime) -> _Made:
    """The kernel's lines that tell of trouble, the newest; processes that it killed by name."""
    booted = now - timedelta(seconds=float(texts["uptime"].split()[0]))
    lines = [line for line in texts.get("kernel", "").splitlines() if TROUBLE.search(line)]
    for line in lines[-KERNEL_MAX:]:
        stamp = _STAMP.match(line.strip())
        at = booted + timedelta(seconds=float(stamp["s"])) if stamp else None
        said = (stamp["said"] if stamp else line.strip())[:LINE_CHARS_MAX]
        values: dict[str, Value] = {"message": said}
        killed = _OOM.search(said)
        if killed:
            values |= {"killed": killed["name"], "pid": killed["pid"]}
        yield FactKind.KERNEL, "out of memory" if killed else "kernel", values, at
