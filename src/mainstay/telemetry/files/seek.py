"""Where in a log file a stretch of time lies, found by halving instead of reading it all.

Only a plain file whose lines are in order of time can be searched so: 64 places all over it must
say so. Clocks of several hosts may differ: `SLACK` is read on both sides, and each line is still
judged by its own stamp.
"""

from __future__ import annotations

import os
from typing import BinaryIO

from mainstay.telemetry.logs import Layouts

SLACK_US = 60_000_000
"""How far from its place a line may stand."""
PLACES = 64
PEEK = 16_384
"""Bytes looked at for a stamp from any place on."""
SMALL = 1 << 20
"""A smaller file is read from its beginning."""


def stretch(
    file: BinaryIO, since_us: int | None, until_us: int | None, reader: Layouts
) -> tuple[int, int] | None:
    """First and last byte that can hold lines of [since, until); None if the file must be read."""
    size = os.fstat(file.fileno()).st_size
    if size < SMALL or not _in_order(file, size, reader):
        return None
    low = 0 if since_us is None else _around(file, size, since_us - SLACK_US, reader)[0]
    high = size if until_us is None else _around(file, size, until_us + SLACK_US, reader)[1]
    return _line_start(file, low), high


def _in_order(file: BinaryIO, size: int, reader: Layouts) -> bool:
    latest = None
    for place in range(PLACES):
        at = _stamp_after(file, size * place // PLACES, reader)
        if at is None or (latest is not None and at[1] < latest - SLACK_US):
            return False
        latest = at[1] if latest is None else max(latest, at[1])
    return True


def _around(file: BinaryIO, size: int, wanted_us: int, reader: Layouts) -> tuple[int, int]:
    """Two places close together: before the first line at or after the instant, and behind it."""
    low, high = 0, size
    while high - low > PEEK:
        middle = (low + high) // 2
        at = _stamp_after(file, middle, reader)
        if at is None or at[1] >= wanted_us:
            high = middle
        else:
            low = middle
    return low, high


def _stamp_after(file: BinaryIO, offset: int, reader: Layouts) -> tuple[int, int] | None:
    """(offset, µs) of the first line with a stamp that begins after `offset`."""
    file.seek(offset)
    found = file.read(PEEK).split(b"\n")
    at = offset
    if offset:
        at += len(found.pop(0)) + 1
    for line in found[:-1]:
        stamp = reader.stamp(line[:200].decode("utf-8", "replace"))
        if stamp is not None:
            return at, stamp
        at += len(line) + 1
    return None


def _line_start(file: BinaryIO, offset: int) -> int:
    """The beginning of the line that `offset` lies in; of a very long one, the place itself."""
    start = max(0, offset - PEEK)
    file.seek(start)
    before = file.read(offset - start)
    return start + before.rfind(b"\n") + 1 if offset else 0
