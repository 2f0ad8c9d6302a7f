"""A log at a glance: how many lines of which level and from whom, from when to when, over time.

Level and source are read once for each skeleton of a line; times where a line has one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from mainstay.telemetry.logs import Event, Layouts, Level, each_alone, skeletons

SKELETONS_MAX = 100_000
BUCKETS_MAX = 10_000
"""Buckets of a histogram; a finer one is widened."""
GAPS = 3
"""Longest silences told."""
STEPS_S = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 86_400, 604_800)
"""Widths that people think in."""


@dataclass(slots=True)
class Survey:
    """Counts the lines of one log; ask for its fields at the end. Times in seconds since 1970."""

    reader: Layouts
    lines: int = 0
    events: int = 0
    undated: int = 0
    backwards: int = 0
    levels: Counter[Level] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    seconds: Counter[tuple[int, Level]] = field(default_factory=Counter)
    first_s: int | None = None
    last_s: int | None = None
    _step: int = 1
    _known: dict[bytes, Event | None] = field(default_factory=dict)
    _stamps: dict[bytes, int | None] = field(default_factory=dict)
    _latest: int = 0

    def add(self, block: bytes) -> None:
        """Count a block of whole lines."""
        lines = block.split(b"\n")
        lines.pop()
        kinds = skeletons(block)
        self._learn(lines, kinds)
        known, here = self._known, Counter(kinds)
        self.lines += len(lines)
        for skeleton, count in here.items():
            if (event := known[skeleton]) is not None:
                self.events += count
                self.levels[event.level] += count
                if event.source:
                    self.sources[event.source] += count
        self._time(lines, kinds)
        if len(self.sources) > SKELETONS_MAX:
            self.sources = Counter(dict(self.sources.most_common(SKELETONS_MAX // 2)))

    def _learn(self, lines: Sequence[bytes], kinds: Sequence[bytes]) -> None:
        if len(self._known) > SKELETONS_MAX:
            self._known.clear()
        new = dict(zip(kinds, lines, strict=True))
        for one in new.keys() & self._known.keys():
            del new[one]
        self._known.update(zip(new, each_alone(new.values(), self.reader), strict=True))

    def _time(self, lines: Sequence[bytes], kinds: Sequence[bytes]) -> None:
        known, stamps, step = self._known, self._stamps, self._step
        found: Counter[tuple[int, Level]] = Counter()
        for line, skeleton in zip(lines, kinds, strict=True):
            event = known[skeleton]
            if event is None:
                continue
            head = line[:19]
            at = stamps.get(head, -1)
            if at == -1:
                at = self._second(line, head)
            if at is None:
                self.undated += 1
                continue
            if at < self._latest:
                self.backwards += 1
            else:
                self._latest = at
            found[at - at % step, event.level] += 1
        self.seconds.update(found)
        for at, _ in found:
            self.first_s = at if self.first_s is None else min(self.first_s, at)
            self.last_s = at if self.last_s is None else max(self.last_s, at)
        while len(self.seconds) > BUCKETS_MAX * 6:
            self._widen()

    def _second(self, line: bytes, head: bytes) -> int | None:
        """The line's time; remembered where its first 19 signs are a whole stamp, to the second."""
        at_us = self.reader.stamp(line[:200].decode("utf-8", "replace"))
        at = None if at_us is None else at_us // 1_000_000
        alone = self.reader.stamp(head.decode("utf-8", "replace") + " ") if at is not None else None
        if alone is not None and alone // 1_000_000 == at and line[19:20] in b".,Z ":
            if len(self._stamps) > SKELETONS_MAX:
                self._stamps.clear()
            self._stamps[head] = at
        return at

    def _widen(self) -> None:
        self._step = next(one for one in STEPS_S if one > self._step)
        wide: Counter[tuple[int, Level]] = Counter()
        for (at, level), count in self.seconds.items():
            wide[at - at % self._step, level] += count
        self.seconds = wide

    def histogram(self, step_s: int | None, buckets: int) -> tuple[int, dict[int, Counter[Level]]]:
        """(width in seconds, start of bucket → counts by level); about `buckets` without a width."""
        if self.first_s is None or self.last_s is None:
            return step_s or 1, {}
        span = self.last_s - self.first_s + 1
        step = step_s or next((one for one in STEPS_S if span / one <= buckets), STEPS_S[-1])
        step = max(step, self._step, -(-span // BUCKETS_MAX))
        found: dict[int, Counter[Level]] = {}
        if step_s is None or span // step <= BUCKETS_MAX:
            first = self.first_s - self.first_s % step
            found = {at: Counter() for at in range(first, self.last_s + 1, step)}
        for (at, level), count in self.seconds.items():
            found.setdefault(at - at % step, Counter())[level] += count
        return step, dict(sorted(found.items()))

    def gaps(self) -> list[tuple[int, int]]:
        """The longest stretches without a line: (from, seconds), the longest first."""
        at = sorted({second for second, _ in self.seconds})
        found = sorted(((b - a, a) for a, b in pairwise(at)), key=lambda g: (-g[0], g[1]))
        return [(start, length) for length, start in found[:GAPS] if length > self._step]
