"""What this process costs the machine, as Linux tells it; under the names that every dashboard knows."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

from mainstay.foundation.observe.metrics import Family, Gauge

_SELF = Path("/proc/self")
_STARTED = 21
"""starttime, the 22nd field of /proc/PID/stat: ticks after the machine's own start."""


def families() -> Iterator[Family]:
    """CPU, memory, open files, and when it started."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    words = "User and system CPU time spent in seconds."
    cpu_s = used.ru_utime + used.ru_stime
    yield Gauge("process_cpu_seconds_total", words, values={(): cpu_s}, kind="counter")
    words = "Resident memory size in bytes."
    yield Gauge("process_resident_memory_bytes", words, values={(): _rss()})
    words = "Number of open file descriptors."
    yield Gauge("process_open_fds", words, values={(): len(os.listdir(_SELF / "fd"))})  # noqa: PTH208
    words = "Maximum number of open file descriptors."
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield Gauge("process_max_fds", words, values={(): most})
    words = "Start time of the process since unix epoch in seconds."
    yield Gauge("process_start_time_seconds", words, values={(): _started_at()})


def _rss() -> int:
    pages = int((_SELF / "statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _started_at() -> float:
    # The program's name, in brackets, may hold blanks.
    fields = (_SELF / "stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[_STARTED - 2])
    booted = next(line for line in Path("/proc/stat").read_text().splitlines() if "btime" in line)
    return int(booted.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
