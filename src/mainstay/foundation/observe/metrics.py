"""Figures in Prometheus' text format (0.0.4), written by ourselves: a counter costs one dict update.

No locks: each series has one thread that writes it, and a reader that sees it a moment early or
late is as good as any. A name, once scraped, is a promise: dashboards and alerts stand on it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)
"""Bounds of a histogram of seconds: a commit stands on the left, a page that is late on the right."""
_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})

Labels = tuple[str, ...]


class Family(Protocol):
    """What has a name, a meaning and lines."""

    def lines(self) -> Iterator[str]:
        """In the text format, its HELP and TYPE first; nothing while there is no value."""
        ...


class Counter:
    """It only grows. Its name ends in `_total`."""

    def __init__(self, name: str, words: str, labels: Labels = ()) -> None:
        self.name, self.words, self.labels = name, words, labels
        self.values: dict[Labels, float] = {}

    def add(self, *labels: str, n: float = 1) -> None:
        """Count `n` more."""
        self.values[labels] = self.values.get(labels, 0) + n

    def lines(self) -> Iterator[str]:
        """As the protocol wants it."""
        return _simple(self.name, self.words, "counter", self.labels, self.values)


class Histogram:
    """How long things took: counts below each bound, their sum and their number."""

    def __init__(
        self, name: str, words: str, labels: Labels = (), *, bounds: Sequence[float] = SECONDS
    ) -> None:
        self.name, self.words, self.labels = name, words, labels
        self.bounds = tuple(bounds)
        self.values: dict[Labels, list[float]] = {}
        """Labels → a count for each bound, one for what lies beyond, and the sum."""

    def observe(self, value: float, *labels: str, n: int = 1) -> None:
        """It took `value`, `n` times."""
        counts = self.values.get(labels)
        if counts is None:
            counts = self.values[labels] = [0.0] * (len(self.bounds) + 2)
        counts[bisect_left(self.bounds, value)] += n
        counts[-1] += value * n

    def lines(self) -> Iterator[str]:
        """As the protocol wants it: each bucket counts all that is below its bound."""
        yield from _head(self.name, self.words, "histogram")
        for labels, counts in sorted(self.values.copy().items()):
            below = 0.0
            for bound, count in zip((*map(_number, self.bounds), "+Inf"), counts, strict=False):
                below += count
                shown = _shown((*self.labels, "le"), (*labels, bound))
                yield f"{self.name}_bucket{shown} {_number(below)}"
            shown = _shown(self.labels, labels)
            yield f"{self.name}_sum{shown} {_number(counts[-1])}"
            yield f"{self.name}_count{shown} {_number(below)}"


class Gauge:
    """How much there is at the moment of asking; made for one answer and thrown away."""

    def __init__(
        self, name: str, words: str, labels: Labels = (), *,
        values: Mapping[Labels, float], kind: str = "gauge",
    ) -> None:  # fmt: skip
        """`kind`: counter, for what somebody else counts, such as the CPU seconds of a process."""
        self.name, self.words, self.labels = name, words, labels
        self.values, self.kind = values, kind

    def lines(self) -> Iterator[str]:
        """As the protocol wants it."""
        return _simple(self.name, self.words, self.kind, self.labels, self.values)


def rendered(families: Iterable[Family]) -> bytes:
    """One whole answer to a scrape."""
    return "".join(f"{line}\n" for family in families for line in family.lines()).encode()


def _simple(
    name: str, words: str, kind: str, labels: Labels, values: Mapping[Labels, float]
) -> Iterator[str]:
    yield from _head(name, words, kind)
    for these, value in sorted(dict(values).items()):
        yield f"{name}{_shown(labels, these)} {_number(value)}"


def _head(name: str, words: str, kind: str) -> Iterator[str]:
    yield f"# HELP {name} {words.translate(_HELP)}"
    yield f"# TYPE {name} {kind}"


def _shown(names: Labels, values: Labels) -> str:
    if not names:
        return ""
    pairs = (
        f'{name}="{value.translate(_ESCAPED)}"' for name, value in zip(names, values, strict=True)
    )
    return "{" + ",".join(pairs) + "}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
