"""One log record as a row of text, and lines made into records at the speed of a flood.

A row is its fields between unit separators (0x1F), ended by a newline; a newline in a text is a
record separator (0x1E). What a text may not hold is replaced, so a row can never be taken for two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mainstay.telemetry.logs import RANK, Layouts, Level, each_alone, skeletons

FIELD, BREAK = "\x1f", "\x1e"
COLUMNS = {
    "at_us": "BIGINT", "received_us": "BIGINT", "rank": "TINYINT", "service": "VARCHAR",
    "host": "VARCHAR", "source": "VARCHAR", "body": "VARCHAR",
}  # fmt: skip
"""What a row holds, and how DuckDB sees it. `rank`: 0 without a level, 1 debug to 5 critical."""
BODY_MAX = 65_536
"""Characters of a record's text; longer ones are cut, with a mark."""
NAME_MAX = 200
"""Characters of a service's, host's or logger's name."""
LEVELS: tuple[Level, ...] = ("", "debug", "info", "warning", "error", "critical")
_UNFIT = re.compile("[\x00\x1e\x1f\r]|\n")
_KEPT_MAX = 100_000


class Record(NamedTuple):
    """One log record. Times in microseconds since 1970; `service` as the estate or the sender names
    it; `source` is the logger or program; `body` the text as it came, further lines included."""

    at_us: int
    received_us: int
    rank: int
    service: str
    host: str
    source: str
    body: str


def row(one: Record) -> str:
    """The record as a row, newline included."""
    body = one.body if len(one.body) <= BODY_MAX else one.body[:BODY_MAX] + " … (cut)"
    if _UNFIT.search(body):
        body = _UNFIT.sub(lambda found: BREAK if found[0] == "\n" else "\ufffd", body)
    names = [_name(text) for text in (one.service, one.host, one.source)]
    return FIELD.join((str(one.at_us), str(one.received_us), str(one.rank), *names, body)) + "\n"


def _name(text: str) -> str:
    return (
        text if text.isalnum() and len(text) <= NAME_MAX else _UNFIT.sub("\ufffd", text[:NAME_MAX])
    )


def shown(body: str) -> str:
    """A stored text as it was."""
    return body.replace(BREAK, "\n")


class recorded:
    """Lines of one stream → records: level and source are read once for each skeleton of a line.

    Further lines of an event are joined to its record while they come in one call.
    """

    def __init__(self, reader: Layouts, *, service: str, host: str = "") -> None:
        self._reader, self._service, self._host = reader, service, host
        self._known: dict[bytes, tuple[int, str, str] | None] = {}
        self._stamps: dict[str, int] = {}

    def __call__(self, block: bytes, *, received_us: int) -> list[Record]:
        """The records of a block of whole lines."""
        lines = block.split(b"\n")
        lines.pop()
        kinds = skeletons(block)
        self._learn(lines, kinds)
        known, service = self._known, self._service
        found: list[Record] = []
        for line, kind in zip(lines, kinds, strict=True):
            told = known[kind]
            text = line.decode("utf-8", "replace")
            if told is None:
                self._go_on(found, text, received_us)
                continue
            rank, source, host = told
            at_us = self._instant(text)
            found.append(Record(at_us if at_us is not None else received_us, received_us, rank,
                                service, host, source, text))  # fmt: skip
        return found

    def _instant(self, text: str) -> int | None:
        """The line's time. What a stamp with milliseconds says but for them is remembered."""
        millis = text[20:23]
        if text[19:20] not in (".", ",") or not (millis.isascii() and millis.isdigit()):
            return self._reader.stamp(text)
        rest = text[:19] + text[23:30]
        base = self._stamps.get(rest)
        if base is None:
            at_us = self._reader.stamp(text)
            if at_us is None or text[23:24].isdigit():
                return at_us
            base = at_us - int(millis) * 1_000
            if len(self._stamps) > _KEPT_MAX:
                self._stamps.clear()
            self._stamps[rest] = base
        return base + int(millis) * 1_000

    def _go_on(self, found: list[Record], text: str, received_us: int) -> None:
        if not text:
            return
        if found and len(found[-1].body) < BODY_MAX:
            found[-1] = found[-1]._replace(body=f"{found[-1].body}\n{text}")
        elif not found:
            found.append(Record(received_us, received_us, 0, self._service, self._host, "", text))

    def _learn(self, lines: Sequence[bytes], kinds: Iterable[bytes]) -> None:
        if len(self._known) > _KEPT_MAX:
            self._known.clear()
        new = dict(zip(kinds, lines, strict=True))
        for kind in new.keys() & self._known.keys():
            del new[kind]
        for kind, event in zip(new, each_alone(new.values(), self._reader), strict=True):
            told = None
            if event is not None:
                told = (RANK[event.level], event.source, event.host or self._host)
            self._known[kind] = told
