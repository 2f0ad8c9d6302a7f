"""Which lines of a log a question means: by text or pattern, by level, by time.

Text is found block by block, without looking at lines. A level is read once for each skeleton (a
line without its digits) and remembered. Further lines of an event – a trace – go with its first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import re2

from mainstay.foundation.errors import Invalid
from mainstay.telemetry.files.blocks import BLOCK, Reading, blocks, is_packed
from mainstay.telemetry.files.seek import stretch
from mainstay.telemetry.logs import RANK, Layouts, Level, each_alone, skeletons

KEPT_MAX = 100_000
"""Skeletons whose level is remembered."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked. `text` is looked for as it is; `pattern` is RE2's. `level`: at least so bad.
    Times in microseconds, `until_us` not included."""

    text: bytes = b""
    pattern: str = ""
    ignore_case: bool = False
    level: Level = ""
    since_us: int | None = None
    until_us: int | None = None

    @property
    def asks_for_time(self) -> bool:
        """Whether lines must be read for their stamp."""
        return self.since_us is not None or self.until_us is not None


@dataclass(slots=True)
class Sieve:
    """Lets through what a query means, block after block of one file."""

    query: Query
    reader: Layouts
    _pattern: Any = None
    _levels: dict[bytes, Level | None] = field(default_factory=dict)
    _passed: bool = False

    def __post_init__(self) -> None:
        self._pattern = _compiled(self.query)

    def count(self, block: bytes) -> int:
        """How many lines of the block are meant."""
        if self.is_plain_text:
            return _count_lines(block, self.query.text, len(block))
        return sum(1 for _ in self.sift(block))

    def sift(self, block: bytes) -> Iterator[bytes]:
        """The lines of the block that are meant, without their ends."""
        if self._is_plain:
            yield from self._with_text(block)
        else:
            yield from self._judged(block)

    @property
    def is_plain_text(self) -> bool:
        """Whether nothing but a text is looked for."""
        return self._is_plain and self._pattern is None

    @property
    def _is_plain(self) -> bool:
        return not self.query.level and not self.query.asks_for_time

    def _with_text(self, block: bytes) -> Iterator[bytes]:
        text, at = self.query.text, 0
        while at < len(block):
            if self._pattern is not None:
                found = self._pattern.search(block, at)
                at = found.start() if found else -1
            else:
                at = block.find(text, at)
            if at < 0:
                return
            start = block.rfind(b"\n", 0, at) + 1
            end = block.find(b"\n", at)
            yield block[start:end]
            at = end + 1

    def _judged(self, block: bytes) -> Iterator[bytes]:
        lines = block.split(b"\n")
        lines.pop()
        kinds = skeletons(block)
        if self.query.level:
            self._learn(lines, kinds)
        text, pattern, level = self.query.text, self._pattern, RANK[self.query.level]
        levels = self._levels
        for line, skeleton in zip(lines, kinds, strict=True):
            if level:
                found = levels[skeleton]
                if found is not None:
                    self._passed = RANK[found] >= level and self._in_time(line)
            else:
                self._passed = self._in_time(line)
            if self._passed and text in line and (pattern is None or pattern.search(line)):
                yield line

    def _learn(self, lines: list[bytes], kinds: list[bytes]) -> None:
        """The levels of skeletons not seen before. None: the line belongs to the one before."""
        if len(self._levels) > KEPT_MAX:
            self._levels.clear()
        new = dict(zip(kinds, lines, strict=True))
        for skeleton in new.keys() & self._levels.keys():
            del new[skeleton]
        for skeleton, event in zip(new, each_alone(new.values(), self.reader), strict=True):
            self._levels[skeleton] = None if event is None else event.level

    def _in_time(self, line: bytes) -> bool:
        query = self.query
        if not query.asks_for_time:
            return True
        at = self.reader.stamp(line[:200].decode("utf-8", "replace"))
        if at is None:
            return self._passed
        return (query.since_us is None or at >= query.since_us) and (
            query.until_us is None or at < query.until_us
        )


def candidates(
    path: str, file: BinaryIO, query: Query, reader: Layouts, reading: Reading
) -> Iterator[bytes]:
    """The blocks of a file that may hold what is asked for; all, if its lines are in no order."""
    if not query.asks_for_time or not file.seekable() or is_packed(file):
        yield from blocks(path, file, reading)
        return
    found = stretch(file, query.since_us, query.until_us, reader)
    low, high = found or (0, 0)
    file.seek(low)
    if found is None:
        yield from blocks(path, file, reading)
        return
    reading.advance(low)
    yield from blocks(path, _Part(file, high - low), reading)


@dataclass(slots=True)
class _Part:
    """So many bytes of an open file, from where it stands, to its line's end."""

    file: BinaryIO
    left: int

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`."""
        if self.left <= 0:
            return b""
        found = self.file.read(min(size, self.left))
        self.left -= len(found)
        if self.left <= 0 and not found.endswith(b"\n"):
            found += self.file.readline(BLOCK)
        return found


def _compiled(query: Query) -> Any:
    if not query.pattern and not query.ignore_case:
        return None
    words = query.pattern or re2.escape(query.text.decode("utf-8", "replace"))
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not query.ignore_case
    try:
        return re2.compile(words, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        said = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise Invalid(f"{query.pattern!r} is no pattern: {said}.") from None


def count(path: str, file: BinaryIO, query: Query, reader: Layouts, reading: Reading) -> int:
    """How many lines of one file a query means. Plain text in a plain file costs no copy."""
    sieve = Sieve(query, reader)
    if sieve.is_plain_text and file.seekable() and not is_packed(file):
        found = _count_plain(file, query.text, reading)
        if found is not None:
            return found
        file.seek(0)
    return sum(sieve.count(one) for one in candidates(path, file, query, reader, reading))


def _count_plain(file: BinaryIO, text: bytes, reading: Reading) -> int | None:
    """Lines with the text, in one buffer used again and again; None if a line does not fit it."""
    buffer = bytearray(BLOCK)
    view, kept, found = memoryview(buffer), 0, 0
    while got := file.readinto(view[kept:]):  # type: ignore[attr-defined]
        filled = kept + got
        end = buffer.rfind(b"\n", 0, filled) + 1
        if not end and filled == BLOCK:
            return None
        found += _count_lines(buffer, text, end)
        kept = filled - end
        view[:kept] = bytes(view[end:filled])
        reading.advance(got)
    return found + (kept > 0 and buffer.find(text, 0, kept) >= 0)


def _count_lines(block: bytes | bytearray, text: bytes, end: int) -> int:
    if not text:
        return block.count(b"\n", 0, end)
    found, at = 0, block.find(text, 0, end)
    while at >= 0:
        found += 1
        at = block.find(text, block.find(b"\n", at, end), end)
    return found


def hits(
    path: str, file: BinaryIO, query: Query, reader: Layouts, reading: Reading
) -> Iterable[bytes]:
    """The lines of one file that a query means, in their order."""
    sieve = Sieve(query, reader)
    for block in candidates(path, file, query, reader, reading):
        yield from sieve.sift(block)
