"""Events: what one thing that happened said, in however many lines; a trace belongs to its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo

import msgspec

from mainstay.telemetry.logs.layouts import Head, Layouts, Level

__all__ = ["Event", "Level", "each_alone", "events"]

DETAIL_MAX = 32_768
"""Characters of the further lines of one event; what is beyond is counted, not kept."""
MESSAGE_MAX = 16_384
"""Characters of a message; longer ones are cut, with a mark."""
CUT = " … (cut)"
NOW = datetime(2100, 1, 1, tzinfo=UTC)
_GOES_ON = re.compile(r"\s|Caused by: |Traceback \(most recent|\.\.\. \d+ more|During handling of ")
_ENDS_TRACE = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Warning|Exit|Interrupt)\b(?:: |$)")
_CAUSE = re.compile(r"^(?:Caused by: )?((?:[a-z_][\w$]*\.)*[A-Z][\w$]*(?:Error|Exception|Failure|Throwable)\b(?::? .{0,400})?)", re.M)  # fmt: skip
_NONE: Mapping[str, str] = {}


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event. `at_us`: microseconds since 1970, None if the line has no time.

    `message` is what the program said, without its head; `detail` the further lines. `shape` is the
    template where the layout itself tells it (an access log). `fields`: what a structured line
    holds beside. Nothing in it is safe to print as it is: logs are written by strangers.
    """

    message: str
    at_us: int | None = None
    level: Level = ""
    source: str = ""
    host: str = ""
    detail: str = ""
    shape: str = ""
    fields: Mapping[str, str] = _NONE
    line: int = 0

    @property
    def cause(self) -> str:
        """The innermost exception that a trace names, with its words; "" without a trace."""
        found = _CAUSE.findall(self.detail)
        if not found:
            return ""
        named = [one for one in self.detail.split("\n") if one.startswith("Caused by: ")]
        return str(found[-1] if named or "Traceback" in self.detail else found[0])


def events(
    lines: Iterable[bytes | str],
    *,
    zone: tzinfo = UTC,
    now: datetime = NOW,
    layouts: Layouts | None = None,
) -> Iterator[Event]:
    """The lines of one file as events, in their order. Any line is lawful; empty ones are left out.

    Bytes are read as UTF-8, what is none is replaced. `zone`: of stamps that name none. `now`: a
    stamp without a year lies before it.
    """
    reader = layouts or Layouts(zone=zone, now=now)
    head: Head | None = None
    more: list[str] = []
    for number, line in enumerate(lines, 1):
        text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
        text = text.rstrip("\r\n")
        if not text:
            continue
        if head is not None and _continues(text, reader, more):
            more.append(text)
            continue
        found = reader.head(text)
        if head is not None and found is None and reader.stamped:
            more.append(text)
            continue
        if head is not None:
            yield _event(head, more)
        head, more = found or Head(text), []
        head.line = number
    if head is not None:
        yield _event(head, more)


def each_alone(lines: Iterable[bytes], reader: Layouts) -> list[Event | None]:
    """Lines taken out of their order, each for itself; None for what belongs to another line."""
    found: list[Event | None] = []
    for line in lines:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        head = None if not text or _continues(text, reader, []) else reader.head(text)
        if head is None and text and not reader.stamped and not _GOES_ON.match(text):
            head = Head(text)
        found.append(None if head is None else _event(head, []))
    return found


def _continues(text: str, reader: Layouts, more: list[str]) -> bool:
    """Whether the line clearly belongs to the one before it, whatever the layout."""
    if (text[0] in "CT.D" or text[0].isspace()) and _GOES_ON.match(text):
        return reader.stamped is False or not reader.is_head(text)
    return bool(more) and "Traceback" in more[0] and _ENDS_TRACE.match(text) is not None


def _event(head: Head, more: list[str]) -> Event:
    message = head.message if len(head.message) <= MESSAGE_MAX else head.message[:MESSAGE_MAX] + CUT
    detail = "\n".join(more)
    if len(detail) > DETAIL_MAX:
        detail = detail[:DETAIL_MAX] + CUT
    return Event(message, head.at_us, head.level, head.source, head.host,
                 detail or head.detail, head.shape, head.fields, head.line)  # fmt: skip
