"""How often each kind of message comes: templates of a log, counted in one pass.

Lines that differ only in their digits are of one kind, so the work of reading and masking is done
once for each *skeleton* – a line without its digits – and not once for each line. What is left is
masked, and mined for words that vary.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from mainstay.telemetry.logs.events import Event, Level
from mainstay.telemetry.logs.masks import mask
from mainstay.telemetry.logs.miner import mine

DIGITS = b"0123456789"
SKELETONS_MAX = 200_000
"""Skeletons held at once; then they are masked and folded together."""
MASKED_MAX = 200_000
"""Distinct masked messages; what comes beyond is counted under `OTHER`."""
OTHER = "(other messages, each of its own kind)"
RANK: dict[Level, int] = {"": 0, "debug": 1, "info": 2, "warning": 3, "error": 4, "critical": 5}
"""How bad: the worst of a template is its level."""


_TELLING = re.compile(rb'^<\d+>|^\{.*"(?:level|severity)" ?: ?\d|" [1-5]\d\d (?:\d|-)', re.M)
_TELLING_DIGITS = re.compile(rb'^<\d+>|"(?:level|severity)" ?: ?\d+|" [1-5]\d\d (?=[\d-])')
_LOOKED_AT = 65_536


def skeletons(block: bytes) -> list[bytes]:
    """The lines of a block of whole lines without their digits, but for those that tell a level:
    an HTTP status, syslog's `<34>`, a level that is a number."""
    if not _TELLING.search(block, 0, _LOOKED_AT):
        found = block.translate(None, DIGITS).split(b"\n")
        found.pop()
        return found
    found = block.split(b"\n")
    found.pop()
    search = _TELLING_DIGITS.search
    return [
        one.translate(None, DIGITS) + (told[0] if (told := search(one)) else b"") for one in found
    ]


@dataclass(slots=True)
class Template:
    """One kind of message. `text` has `<*>` where values stand; `first` and `last` are events."""

    text: str
    count: int
    level: Level
    first: Event
    last: Event
    sources: frozenset[str]


@dataclass(slots=True)
class _Group:
    count: int
    first: Event
    last: Event
    level: Level
    sources: set[str]

    def add(self, other: _Group) -> None:
        self.count += other.count
        self.first = min(self.first, other.first, key=_instant)
        self.last = max(other.last, self.last, key=_instant)
        self.level = max(self.level, other.level, key=RANK.__getitem__)
        if len(self.sources) < SOURCES_MAX:
            self.sources |= other.sources


SOURCES_MAX = 20
"""Sources named for one template."""


def _instant(event: Event) -> int:
    return event.at_us or 0


@dataclass(slots=True)
class Templates:
    """A tally under way: `add` events or whole blocks of lines, then ask for `found`."""

    _groups: dict[str, _Group] = field(default_factory=dict)
    _mined: dict[str, str] | None = None

    def add(self, event: Event, count: int = 1) -> str:
        """Count an event; its masked message, by which `text_of` finds its template at the end."""
        masked = masked_of(event)
        self._fold(masked, _Group(count, event, event, event.level, {event.source} - {""}))
        return masked

    def add_span(self, first: Event, last: Event, count: int) -> None:
        """Count many events of one kind of which the first and the last are known."""
        level = max(first.level, last.level, key=RANK.__getitem__)
        group = _Group(count, first, last, level, {first.source, last.source} - {""})
        self._fold(masked_of(first), group)

    def _fold(self, masked: str, group: _Group) -> None:
        if masked not in self._groups and len(self._groups) >= MASKED_MAX:
            masked = OTHER
        self._mined = None
        if (known := self._groups.get(masked)) is None:
            self._groups[masked] = group
        else:
            known.add(group)

    def text_of(self, masked: str) -> str:
        """The template of a masked message, now that all are known; itself if it was not seen."""
        if self._mined is None:
            self._mined = mine(self._groups)
        return self._mined.get(masked, masked)

    def found(self) -> list[Template]:
        """The templates, the most frequent first; ties by text."""
        merged: dict[str, _Group] = {}
        for masked, group in self._groups.items():
            text = self.text_of(masked)
            if text in merged:
                merged[text].add(group)
            else:
                merged[text] = _Group(
                    group.count, group.first, group.last, group.level, set(group.sources)
                )
        made = [
            Template(text, one.count, one.level, one.first, one.last, frozenset(one.sources))
            for text, one in merged.items()
        ]
        return sorted(made, key=lambda one: (-one.count, one.text))


def templates(found: Iterable[Event]) -> list[Template]:
    """The kinds of messages in `found`, the most frequent first."""
    tally = Templates()
    for event in found:
        tally.add(event)
    return tally.found()


def masked_of(event: Event) -> str:
    """The event's message with its values masked; a layout may tell it itself."""
    return event.shape or mask(event.message)


@dataclass(slots=True)
class Lines:
    """Counts whole lines by their skeletons, block by block; about a microsecond for each line.

    `read` makes events of lines: it is asked for one line of each skeleton. Lines that belong to the
    one before them (traces) are counted apart.
    """

    read: Callable[[Sequence[bytes]], list[Event | None]]
    templates: Templates = field(default_factory=Templates)
    lines: int = 0
    continued: int = 0
    _counts: Counter[bytes] = field(default_factory=Counter)
    _first: dict[bytes, bytes] = field(default_factory=dict)
    _last: dict[bytes, bytes] = field(default_factory=dict)

    def add(self, block: bytes) -> None:
        """Count the lines of a block that ends where a line ends."""
        lines = block.split(b"\n")
        lines.pop()
        found = skeletons(block)
        self.lines += len(lines)
        self._counts.update(found)
        here = dict(zip(reversed(found), reversed(lines), strict=True))
        self._first.update((one, here[one]) for one in here.keys() - self._first.keys())
        self._last.update(zip(found, lines, strict=True))
        if len(self._counts) > SKELETONS_MAX:
            self.fold()

    def fold(self) -> None:
        """Turn what is counted into templates, and forget the skeletons."""
        kinds = list(self._counts)
        firsts = self.read([self._first[one] for one in kinds])
        lasts = self.read([self._last[one] for one in kinds])
        for skeleton, first, last in zip(kinds, firsts, lasts, strict=True):
            if first is None:
                self.continued += self._counts[skeleton]
            else:
                self.templates.add_span(first, last or first, self._counts[skeleton])
        self._counts.clear()
        self._first.clear()
        self._last.clear()
