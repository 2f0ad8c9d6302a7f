"""What an exporter shows at `/metrics`: Prometheus's text format, and OpenMetrics as far as it is that."""

from __future__ import annotations

import re
from math import isfinite

from mainstay.telemetry.formats.record import Measured
from mainstay.telemetry.store import Sample, labels_text

_LABELS = r'(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?'
_LINE = re.compile(
    r"([a-zA-Z_:][\w:]*)" + _LABELS + r"[ \t]+(\S+)(?:[ \t]+[-+.\deE]+)?(?:[ \t]+#.*)?\s*"
)
_PAIR = re.compile(r'\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPE = re.compile(r"\\(.)")
LINE_MAX = 16_384
SAMPLES_MAX = 100_000
"""Of one scrape."""


def read(body: bytes, *, service: str, received_us: int) -> Measured:
    """The samples of a page, all at the time of the scrape; lines that are none are counted."""
    taken = Measured()
    for line in body.decode("utf-8", "replace").split("\n"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line) if len(line) <= LINE_MAX else None
        labels = _labels(found[2] or "") if found else None
        value = _value(found[3]) if found else None
        if found is None or labels is None or value is None or len(taken.samples) >= SAMPLES_MAX:
            taken.refused += 1
        elif isfinite(value):
            told = labels_text({"service": service, **labels})
            taken.samples.append(Sample(received_us, service, found[1], told, value))
    return taken


def _labels(text: str) -> dict[str, str] | None:
    labels, at = {}, 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None or pair.end() == at:
            return {} if not text.strip() else None
        labels[pair[1]] = _ESCAPE.sub(lambda one: "\n" if one[1] == "n" else one[1], pair[2])
        at = pair.end()
    return labels


def _value(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
