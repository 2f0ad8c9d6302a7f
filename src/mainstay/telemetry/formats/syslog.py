"""Syslog as it comes over UDP, TCP and TLS: RFC 5424 and 3164, framed by RFC 6587."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mainstay.telemetry.formats.record import UNNAMED, Taken, instant
from mainstay.telemetry.logs import RANK, Layouts, each_alone
from mainstay.telemetry.store import Record

MESSAGE_MAX = 65_536
"""Bytes of one message; a longer one is cut."""
_COUNT_DIGITS = 6


@dataclass(slots=True)
class Frames:
    """The messages of one connection: `LENGTH message` or a line each, as every message begins."""

    _rest: bytes = b""
    _skip: int = 0

    def add(self, chunk: bytes) -> list[bytes]:
        """The messages that are whole by now."""
        skipped = min(self._skip, len(chunk))
        self._skip -= skipped
        self._rest += chunk[skipped:]
        found: list[bytes] = []
        while (message := self._next()) is not None:
            if message:
                found.append(message)
        return found

    def _next(self) -> bytes | None:
        rest = self._rest
        blank = rest.find(b" ", 0, _COUNT_DIGITS + 1)
        if rest[:1].isdigit() and blank > 0 and rest[:blank].isdigit():
            size = int(rest[:blank])
            if len(rest) < blank + 1 + min(size, MESSAGE_MAX):
                return None
            message, whole = rest[blank + 1 : blank + 1 + min(size, MESSAGE_MAX)], blank + 1 + size
            self._skip, self._rest = max(0, whole - len(rest)), rest[whole:]
            return message.rstrip(b"\n")
        end = rest.find(b"\n")
        if end < 0:
            if len(rest) <= MESSAGE_MAX:
                return None
            end = MESSAGE_MAX
        self._rest = rest[end + 1 :] if rest[end : end + 1] == b"\n" else rest[end:]
        return rest[:end].rstrip(b"\r\0")


def read(messages: Sequence[bytes], *, reader: Layouts, received_us: int, sender: str) -> Taken:
    """The records of messages; `sender`: the host of one that names none. The blank that rsyslog
    leaves between head and text (it is its own rendering of RFC 3164) is no part of the text."""
    taken = Taken()
    for message, event in zip(messages, each_alone(messages, reader), strict=True):
        text = message[:MESSAGE_MAX].decode("utf-8", "replace").rstrip("\r\n\0")
        if event is None:
            taken.records.append(Record(received_us, received_us, 0, UNNAMED, sender, "", text))
            continue
        at_us = instant(event.at_us, received_us)
        taken.records.append(
            Record(at_us, received_us, RANK[event.level], event.source or UNNAMED,
                   event.host or sender, event.source,
                   event.message.removeprefix(" "))
        )  # fmt: skip
    return taken
