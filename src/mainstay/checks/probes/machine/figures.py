"""Processes, and figures of the machine: disk, memory, load. From /proc and df, here or there."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import re2

from mainstay.checks.probes.machine.files import quoted
from mainstay.checks.probes.machine.there import Place, There
from mainstay.checks.probes.machine.windows import Windows
from mainstay.checks.result import Ask, Measured, Value
from mainstay.estate.collections import Metric, Process
from mainstay.foundation.errors import BadReply, Invalid, Outside

_FIGURES = """
cat /proc/loadavg; nproc; cut -d' ' -f1 /proc/uptime; cat /proc/sys/fs/file-nr
df -PB1 -- %s | tail -n 1; df -Pi -- %s | tail -n 1; cat /proc/meminfo
"""
_PROCESSES = "ps -ww -eo pid=,user:64=,etimes=,rss=,cputimes=,comm:64=,args="


class MetricProbe:
    """One figure; all of them are read at once, so that it costs the same."""

    def __init__(self, there: There, windows: Windows) -> None:
        self._there = there
        self._windows = windows

    async def measure(self, ask: Ask) -> Measured:
        """`value`: shares from 0 to 1, sizes in bytes, times in seconds."""
        wanted = ask.check.metric
        assert wanted is not None
        if is_windows(ask):
            found = await self._windows.figures(ask, wanted.name, wanted.path)
        else:
            place = await self._there.of(ask)
            found = await (
                asyncio.to_thread(_here, wanted) if place is None else _figures_there(place, wanted)
            )
        if wanted.name not in found:
            raise BadReply(f"{ask.host_id or 'This machine'} does not tell its {wanted.name}.")
        return Measured({"value": found[wanted.name]})


def _here(wanted: Metric) -> dict[str, float]:
    try:
        disk = os.statvfs(wanted.path)
    except OSError as error:
        raise Outside(
            f"{wanted.path} cannot be looked at: {(error.strerror or '').lower()}."
        ) from error
    used, free = disk.f_blocks - disk.f_bfree, disk.f_bavail
    found = {
        "disk_used_ratio": used / (used + free) if used + free else 0.0,
        "disk_free": float(free * disk.f_frsize),
        "inodes_used_ratio": 1 - disk.f_favail / disk.f_files if disk.f_files else 0.0,
    }
    return found | _of_proc(
        _read("loadavg"), os.cpu_count() or 1, _read("uptime"), _read("sys/fs/file-nr"), _read("meminfo")
    )  # fmt: skip


def _read(name: str) -> str:
    return Path("/proc", name).read_text(encoding="ascii", errors="replace")


def _of_proc(loads: str, cpus: int, uptime: str, files: str, memory: str) -> dict[str, float]:
    load1, load5, load15 = (float(word) for word in loads.split()[:3])
    opened, _, most = (float(word) for word in files.split()[:3])
    sizes = {
        line.split(":")[0]: float(line.split()[1]) * 1024
        for line in memory.splitlines()
        if ":" in line
    }
    total, swap = sizes["MemTotal"], sizes.get("SwapTotal", 0.0)
    free = sizes.get("MemAvailable", sizes.get("MemFree", 0.0))
    return {
        "load1": load1, "load5": load5, "load15": load15, "load_per_cpu": load5 / max(1, cpus),
        "uptime": float(uptime.split()[0]), "open_files_ratio": opened / most if most else 0.0,
        "memory_free": free, "memory_used_ratio": 1 - free / total,
        "swap_used_ratio": 1 - sizes.get("SwapFree", 0.0) / swap if swap else 0.0,
    }  # fmt: skip


async def _figures_there(place: Place, wanted: Metric) -> dict[str, float]:
    path = quoted(wanted.path)
    lines = (await place.say(_FIGURES % (path, path))).splitlines()
    try:
        loads, cpus, uptime, files, disk, inodes, *memory = lines
        _, _, used, free = (float(word) if word.isdigit() else 0.0 for word in disk.split()[:4])
        found = {"disk_used_ratio": used / (used + free), "disk_free": free}
        share = inodes.split()[4].rstrip("%")
        if share.isdigit():
            found["inodes_used_ratio"] = float(share) / 100
        return found | _of_proc(loads, int(cpus), uptime, files, "\n".join(memory))
    except (ValueError, IndexError, KeyError, ZeroDivisionError):
        raise BadReply(f"{place.ask.host_id} does not tell its figures as Linux does.") from None


# -- processes -------------------------------------------------------------------------------------


class ProcessProbe:
    """Processes by name, or by their whole command line."""

    def __init__(self, there: There, windows: Windows) -> None:
        self._there = there
        self._windows = windows

    async def measure(self, ask: Ask) -> Measured:
        """`count`, `age` of the youngest, `memory` and `cpu_time` of all; none: not reached."""
        wanted = ask.check.process
        assert wanted is not None
        rows = await self._rows(ask, wanted)
        fits = _fitting(wanted)
        found = [row for row in rows if fits(row)]
        values: dict[str, Value] = {"count": len(found)}
        if not found:
            return Measured(values, trouble=f"No process {wanted.name!r} runs.")
        values |= {
            "age": min(row["age"] for row in found), "memory": sum(row["memory"] for row in found),
            "cpu_time": sum(row["cpu_time"] for row in found),
        }  # fmt: skip
        return Measured(values)

    async def _rows(self, ask: Ask, wanted: Process) -> Sequence[_Row]:
        if is_windows(ask):
            if wanted.user is not None:
                raise Invalid(f"{ask.name}: Windows does not say by WMI whose a process is.")
            return await self._windows.processes(ask)
        place = await self._there.of(ask)
        return await (asyncio.to_thread(_rows_here) if place is None else _rows_there(place))


_Row = Mapping[str, Value]


def is_windows(ask: Ask) -> bool:
    """Whether the check's host is reached by WinRM."""
    return ask.host is not None and ask.host.via == "winrm"


def _fitting(wanted: Process) -> Callable[[_Row], bool]:
    """Whether a process is one of those that are meant."""
    line = None
    if wanted.name.startswith("~"):
        try:
            line = re2.compile(wanted.name[1:])
        except re2.error as error:
            raise Invalid(f"Not a regular expression in RE2's syntax: {error}.") from None

    def fits(row: _Row) -> bool:
        if wanted.user is not None and row["user"] != wanted.user:
            return False
        if line is not None:
            return line.search(row["args"]) is not None
        return bool(row["name"] == wanted.name[:15] or row["program"] == wanted.name)

    return fits


def _rows_here() -> list[_Row]:
    uptime, ticks = float(_read("uptime").split()[0]), os.sysconf("SC_CLK_TCK")
    page = os.sysconf("SC_PAGE_SIZE")
    rows: list[_Row] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            head, _, rest = (entry / "stat").read_text(errors="replace").rpartition(")")
            args = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            owner = entry.stat().st_uid
        except OSError:
            continue
        words = rest.split()
        rows.append(
            {
                "name": head.partition("(")[2], "args": args.strip(), "user": _user(owner),
                "program": Path(args.split(" ")[0]).name, "age": uptime - int(words[19]) / ticks,
                "memory": int(words[21]) * page,
                "cpu_time": (int(words[11]) + int(words[12])) / ticks,
            }
        )  # fmt: skip
    return rows


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


async def _rows_there(place: Place) -> list[_Row]:
    rows: list[_Row] = []
    for line in (await place.say(_PROCESSES)).splitlines():
        words = line.split(None, 6)
        if len(words) < 6 or not words[2].isdigit():
            continue
        args = words[6] if len(words) > 6 else words[5]
        rows.append(
            {
                "name": words[5], "args": args, "user": words[1], "age": float(words[2]),
                "program": Path(args.split(" ")[0]).name, "memory": int(words[3]) * 1024,
                "cpu_time": float(words[4]),
            }
        )  # fmt: skip
    return rows
