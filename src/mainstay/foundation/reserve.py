"""Room kept for the worst moment: a file beside the database, emptied when the disk is full (P9).

While it is empty no signals are taken, and what is left goes to those who need it: the record,
acknowledgements, pages. It is emptied, not deleted, so that whoever starts meanwhile knows it too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from pathlib import Path

FILE = "disk.reserve"
"""In the data folder."""
ROOM = 2
"""It is made where it leaves at least as much again: room for signals, so that it need not be emptied
at once."""


class Reserve:
    """The file of one data folder. Size 0: there shall be none, and nothing is ever given back."""

    def __init__(self, folder: Path, *, size_bytes: int) -> None:
        self.path = folder / FILE
        self.size_bytes = size_bytes
        self._lock = threading.Lock()
        self.is_used = bool(size_bytes) and held_bytes(folder) == 0
        """It was given back, and is not made anew."""

    def make(self) -> bool:
        """Make it, where it is not and there is room; whether it stands now. Takes real blocks."""
        with self._lock:
            held = held_bytes(self.path.parent)
            if held == self.size_bytes or not self.size_bytes:
                return bool(held)
            if shutil.disk_usage(self.path.parent).free < ROOM * self.size_bytes - (held or 0):
                return bool(held)
            made = self._filled()
            if not made and held is None:
                self.path.unlink()
            self.is_used = not made and held is not None
            return made

    def give_back(self) -> bool:
        """Empty it; True when that has made room."""
        with self._lock:
            if not self.size_bytes or not held_bytes(self.path.parent):
                return False
            try:
                self._empty()
            except OSError:
                return False
            self.is_used = True
            return True

    def is_eaten_by(self, folder: Path) -> bool:
        """Whether what is written to `folder` would take from what was given back."""
        with contextlib.suppress(OSError):
            there = next(one for one in (folder, *folder.parents) if one.exists())
            return self.is_used and there.stat().st_dev == self.path.parent.stat().st_dev
        return False

    def _filled(self) -> bool:
        number = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(number, 0)
            os.posix_fallocate(number, 0, self.size_bytes)
            os.fsync(number)
        except OSError:  # somebody else was quicker
            os.ftruncate(number, 0)
            return False
        finally:
            os.close(number)
        return True

    def _empty(self) -> None:
        number = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.ftruncate(number, 0)
            with contextlib.suppress(OSError):
                os.fsync(number)  # some file systems free the blocks only then
        finally:
            os.close(number)


def held_bytes(folder: Path) -> int | None:
    """How much the reserve of a data folder holds: 0 when it was given back; None: never made."""
    try:
        return (folder / FILE).stat().st_size
    except OSError:
        return None
