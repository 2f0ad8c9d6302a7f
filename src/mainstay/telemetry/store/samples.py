"""Kept metrics: samples in, series out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from mainstay.telemetry.store.shelf import Keeping, Shape, Shelf, Span

SHAPE = Shape(
    {"at_us": "BIGINT", "service": "VARCHAR", "name": "VARCHAR", "labels": "VARCHAR",
     "value": "DOUBLE"},
    order="name, labels, at_us", memory="256MB",
)  # fmt: skip
SERIES_MAX = 500
POINTS_MAX = 1_000_000
"""Values of one answer, all series together."""
NAME_MAX, LABELS_MAX = 200, 4_096
_UNFIT = re.compile("[\x00-\x1f]")


class Sample(NamedTuple):
    """One value. `labels` as sorted JSON: what `labels_text` makes."""

    at_us: int
    service: str
    name: str
    labels: str
    value: float


def labels_text(labels: Mapping[str, str]) -> str:
    """Labels in one text that is the same for the same labels; `{}` if they are too long."""
    text = msgspec.json.encode(dict(sorted(labels.items()))).decode()
    return text if len(text) <= LABELS_MAX else "{}"


class KeptSamples:
    """Metrics in a folder, as `Kept` keeps logs."""

    def __init__(
        self, folder: Path, keeping: Keeping | None = None, *, only_ask: bool = False
    ) -> None:
        self._shelf = Shelf(folder, SHAPE, keeping or Keeping(), only_ask=only_ask)

    def append(self, samples: Iterable[Sample], *, now_us: int) -> int:
        """Keep samples; on the disk when this returns. OverLimit: come again later."""
        return self._shelf.append("".join(map(_row, samples)).encode(), now_us=now_us)

    def pack(self, *, now_us: int, everything: bool = False) -> int:
        """Pack what is full or old, and forget what is too old or too much; files packed."""
        return self._shelf.pack(now_us=now_us, everything=everything)

    def size_bytes(self) -> int:
        """What all of it takes on the disk."""
        return self._shelf.size_bytes()

    def close(self) -> None:
        """Let go of everything."""
        self._shelf.close()

    def series(
        self, name: str, *, span: Span, labels: Mapping[str, str] | None = None
    ) -> dict[str, list[tuple[int, float]]]:
        """Labels (JSON) → (at_us, value) by time, of the metric; `labels`: only with all of these.

        SERIES_MAX series at most, and POINTS_MAX values.
        """
        rows = self._shelf.ask(
            span, "SELECT labels, at_us, value", f"ORDER BY labels, at_us LIMIT {POINTS_MAX}",
            more=[("name = ?", name)],
        )  # fmt: skip
        wanted, found = (labels or {}).items(), dict[str, list[tuple[int, float]]]()
        for text, at_us, value in rows:
            points = found.get(text)
            if points is None:
                if len(found) >= SERIES_MAX or not wanted <= msgspec.json.decode(text).items():
                    continue
                points = found[text] = []
            if not points or points[-1][0] != at_us:  # sent again after a lost answer
                points.append((at_us, value))
        return found

    def names(self, span: Span) -> dict[str, int]:
        """Metric → how many values there are."""
        rows = self._shelf.ask(span, "SELECT name, count(*)", "GROUP BY 1 ORDER BY 1")
        return dict(rows)


def _row(one: Sample) -> str:
    service, name = (_UNFIT.sub("\ufffd", text[:NAME_MAX]) for text in (one.service, one.name))
    return f"{one.at_us}\x1f{service}\x1f{name}\x1f{one.labels}\x1f{one.value!r}\n"
