"""Log files, plain or gzip, as blocks of whole lines in bounded memory.

Whatever is wrong with a file is a `Note` and not an error: the rest is used. A line longer than
`LINE_MAX` is cut; a gzip that unpacks to more than `UNPACKED_RATIO_MAX` times its size is left at
that; one that is broken is used as far as it goes.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from mainstay.foundation.errors import NotFound

BLOCK = 1 << 20
"""Bytes read at once."""
STEP = 1 << 17
"""Bytes unpacked at once: what an error in a gzip costs at most."""
LINE_MAX = 1 << 20
"""Bytes of one line; what is beyond is left out, and counted."""
UNPACKED_RATIO_MAX = 200
"""Logs pack 5 to 60 times; beyond this a file is made to do harm."""
UNPACKED_FREE = 1 << 26
"""Bytes that may be unpacked whatever the ratio: small files pack well."""
GZIP = b"\x1f\x8b"
STDIN = "-"


class Source(Protocol):
    """What bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        ...


@dataclass(slots=True)
class Reading:
    """What was read so far, for progress, and what was wrong with it, for the end."""

    bytes_read: int = 0
    bytes_total: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    on_progress: Callable[[Reading], None] | None = None

    def note(self, path: str, words: str) -> None:
        """Something that a person must know of; the same words of one file are counted."""
        self.notes[f"{path}: {words}"] += 1

    def advance(self, count: int) -> None:
        """So many more bytes of the files themselves were read."""
        self.bytes_read += count
        if self.on_progress is not None:
            self.on_progress(self)


def found_in(paths: Iterable[str]) -> list[str]:
    """The files meant: each path, or all files of a folder by name. NotFound names what is not there."""
    found: list[str] = []
    for one in paths:
        path = Path(one)
        if one == STDIN or path.is_file() or path.is_fifo() or path.is_char_device():
            found.append(one)
        elif path.is_dir():
            inside = sorted(str(file) for file in path.rglob("*") if file.is_file())
            if not inside:
                raise NotFound(f"There is no file in {one}.")
            found += inside
        else:
            raise NotFound(f"There is no file {one}.")
    return found


def size_of(paths: Sequence[str]) -> int:
    """Bytes of all files together; 0 for what has no size."""
    return sum(Path(one).stat().st_size for one in paths if one != STDIN and Path(one).is_file())


def is_packed(file: BinaryIO) -> bool:
    """Whether an open file begins as a gzip does; it stands at its beginning again."""
    head = file.read(2)
    file.seek(0)
    return head == GZIP


def blocks(path: str, file: Source, reading: Reading) -> Iterator[bytes]:
    """The content in blocks that end where a line ends; the last line gets its end if it has none."""
    head = file.read(BLOCK)
    reading.advance(len(head))
    raw = _raw(head, file, reading)
    if head.startswith(GZIP):
        raw = _unpacked(path, raw, reading)
    rest = b""
    skipping = False
    for chunk in raw:
        if skipping:
            end = chunk.find(b"\n")
            if end < 0:
                continue
            chunk, skipping = chunk[end + 1 :], False
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield from _bounded(path, rest + chunk[:cut], reading)
            rest = chunk[cut:]
        else:
            rest += chunk
        if len(rest) > LINE_MAX:
            reading.note(path, f"a line longer than {LINE_MAX >> 20} MiB was cut")
            yield rest[:LINE_MAX] + b"\n"
            rest, skipping = b"", True
    if rest:
        yield rest + b"\n"


def lines(path: str, file: Source, reading: Reading) -> Iterator[bytes]:
    """The lines of a file, without their ends."""
    for block in blocks(path, file, reading):
        found = block.split(b"\n")
        found.pop()
        yield from found


def _raw(head: bytes, file: Source, reading: Reading) -> Iterator[bytes]:
    chunk = head
    while chunk:
        yield chunk
        chunk = file.read(BLOCK)
        reading.advance(len(chunk))


def _bounded(path: str, block: bytes, reading: Reading) -> Iterator[bytes]:
    """The block; a line in it that is too long is cut."""
    if not _has_long_line(block):
        yield block
        return
    kept = []
    for line in block.split(b"\n"):
        if len(line) > LINE_MAX:
            reading.note(path, f"a line longer than {LINE_MAX >> 20} MiB was cut")
        kept.append(line[:LINE_MAX])
    yield b"\n".join(kept)


def _has_long_line(block: bytes) -> bool:
    at = 0
    while at + LINE_MAX < len(block):
        end = block.rfind(b"\n", at, at + LINE_MAX + 1)
        if end < 0:
            return True
        at = end + 1
    return False


def _unpacked(path: str, packed: Iterator[bytes], reading: Reading) -> Iterator[bytes]:
    """What a gzip holds, member after member, at most `STEP` bytes at once."""
    unpack, begun, taken, given = zlib.decompressobj(wbits=31), False, 0, 0
    for chunk in packed:
        taken += len(chunk)
        rest, full = chunk, False
        while rest or full:
            try:
                out = unpack.decompress(rest, STEP)
            except zlib.error:
                return reading.note(path, "this gzip is broken; it was used up to there")
            given += len(out)
            if out:
                yield out
            if given > UNPACKED_FREE and given > taken * UNPACKED_RATIO_MAX:
                words = f"it unpacks to more than {UNPACKED_RATIO_MAX} times its size"
                return reading.note(path, f"{words}; the rest was left out")
            begun, full, rest = True, len(out) == STEP, unpack.unconsumed_tail
            if unpack.eof:  # another member may follow, or padding
                rest, full, begun = unpack.unused_data.lstrip(b"\0"), False, False
                unpack = zlib.decompressobj(wbits=31)
    if begun:
        reading.note(path, "this gzip ends too early; it was used up to there")
