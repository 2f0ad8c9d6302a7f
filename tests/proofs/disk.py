"""A disk for a server under test: `disk.c`, built here, preloaded there, and told what to do.

disk = Disk.under(install.data)    # from now on the image holds what is synced
with install.server(environment=disk.environment): …
disk.lose_power()                  # the data folder is what the image has
"""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

FIELDS = ("syncs", "writes", "fail_sync_in", "full_in", "full", "failed_syncs", "refused_writes",
          "syncs_fail")  # fmt: skip


@cache
def _library() -> Path:
    """Built once for a run of tests."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc here (make peers says how to get it)")
    made = Path(mkdtemp(prefix="mainstay-disk-")) / "disk.so"
    source = Path(__file__).with_name("disk.c")
    flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-Wno-stringop-truncation",
             "-Wno-format-truncation"]  # fmt: skip
    subprocess.run(
        [compiler, *flags, "-o", str(made), str(source), "-ldl", "-lpthread"], check=True
    )
    return made


@dataclass(frozen=True)
class Disk:
    """The folder that a server sees, what a power loss would leave of it, and the faults."""

    folder: Path
    image: Path
    control: mmap.mmap
    environment: dict[str, str]

    @classmethod
    def under(cls, folder: Path) -> Disk:
        """Watch `folder`; what is in it now counts as durable."""
        image, control = folder.with_name("image"), folder.with_name("control")
        shutil.copytree(folder, image)
        control.write_bytes(bytes(8 * len(FIELDS)))
        with control.open("r+b") as file:
            shared = mmap.mmap(file.fileno(), 8 * len(FIELDS))
        return cls(folder, image, shared, {
            "LD_PRELOAD": str(_library()), "DISK_FOLDER": str(folder), "DISK_IMAGE": str(image),
            "DISK_CONTROL": str(control),
        })  # fmt: skip

    def __getitem__(self, name: str) -> int:
        return int(struct.unpack_from("q", self.control, 8 * FIELDS.index(name))[0])

    def __setitem__(self, name: str, value: int) -> None:
        struct.pack_into("q", self.control, 8 * FIELDS.index(name), value)

    def lose_power(self) -> None:
        """What was not synced is gone. The server must be dead."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.image, self.folder)


@contextmanager
def small_disk(folder: Path, size_mib: int) -> Iterator[bool]:
    """Whether `folder` is now a disk of its own; it goes away at the end."""
    folder.mkdir(exist_ok=True)
    mount = shutil.which("mount")
    options = f"size={size_mib}m"
    mounted = os.geteuid() == 0 and mount is not None and (
        subprocess.run([mount, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False,
                       capture_output=True).returncode == 0
    )  # fmt: skip
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def fill_up(folder: Path) -> Path:
    """Take all the room of the disk that `folder` is; unlink the answer to give it back."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return ballast
