"""What is new in a file that grows: lines as they are completed, over rotation and truncation.

`new` never waits: whoever follows asks again. A file that is not there yet, or not at this moment,
has nothing new.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mainstay.telemetry.files.blocks import BLOCK, LINE_MAX

TURN_MAX = 4 * BLOCK
"""Bytes taken in one turn, so that one file does not keep others waiting."""


@dataclass(slots=True)
class Follow:
    """One file followed from `offset` (bytes; None: from its end). `offset` and `inode` can be kept
    and given again, to go on where one stopped."""

    path: Path
    offset: int | None = None
    inode: int | None = None
    _file: BinaryIO | None = None
    _rest: bytes = b""
    _cut: bool = False

    def new(self) -> list[bytes]:
        """The lines completed since it was asked last; at most `TURN_MAX` bytes."""
        if self._file is None and not self._open():
            return []
        found = self._read()
        if len(found) == 0 and self._was_replaced():
            found = [*self._read(), *self._left_over()]
            self.close()
            self.offset, self.inode = 0, None
            if self._open():
                found += self._read()
        return found

    def close(self) -> None:
        """Let go of the file; the offset stays."""
        if self._file is not None:
            self._file.close()
        self._file, self._rest, self._cut = None, b"", False

    def _open(self) -> bool:
        try:
            file = self.path.open("rb")
        except OSError:
            return False
        status = os.fstat(file.fileno())
        if self.offset is None:
            self.offset = status.st_size
        elif self.inode not in (None, status.st_ino) or self.offset > status.st_size:
            self.offset = 0  # another file by now
        file.seek(self.offset)
        self._file, self.inode = file, status.st_ino
        return True

    def _read(self) -> list[bytes]:
        assert self._file is not None
        assert self.offset is not None
        if os.fstat(self._file.fileno()).st_size < self.offset + len(self._rest):  # truncated
            self._file.seek(0)
            self.offset, self._rest, self._cut = 0, b"", False
        chunk = self._file.read(TURN_MAX)
        if not chunk:
            return []
        found = (self._rest + chunk).split(b"\n")
        rest = found.pop()
        self.offset += len(self._rest) + len(chunk) - len(rest)
        if self._cut and found:  # the end of a line whose beginning was told already
            found.pop(0)
            self._cut = False
        self._rest = rest
        if len(rest) > LINE_MAX:
            if not self._cut:
                found.append(rest[:LINE_MAX])
            self.offset += len(rest)
            self._rest, self._cut = b"", True
        return [one[:LINE_MAX] for one in found]

    def _left_over(self) -> list[bytes]:
        """The last line of a file that was rotated away, if it has no end."""
        return [self._rest] if self._rest and not self._cut else []

    def _was_replaced(self) -> bool:
        try:
            return self.path.stat().st_ino != self.inode
        except OSError:
            return False
