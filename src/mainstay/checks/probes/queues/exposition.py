"""Prometheus' text format (0.0.4), read: the samples of chosen names. What cannot be read is passed over."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

_SAMPLE = re.compile(r"([A-Za-z_:][\w:]*)\s*(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*")
_LABEL = re.compile(r'\s*([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?')
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
_ESCAPE = re.compile(r"\\.")


@dataclass(frozen=True, slots=True)
class Sample:
    """One line."""

    name: str
    labels: Mapping[str, str]
    value: float


def samples(text: str, names: Collection[str]) -> Iterator[Sample]:
    """Those of `names` that are numbers; NaN and infinities are none."""
    for line in text.splitlines():
        match = _SAMPLE.fullmatch(line)
        if match is None or match[1] not in names:
            continue
        try:
            value = float(match[3])
        except ValueError:
            continue
        if isfinite(value):
            labels = {name: _plain(raw) for name, raw in _LABEL.findall(match[2] or "")}
            yield Sample(match[1], labels, value)


def _plain(raw: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[0], match[0]), raw)
