"""Kept traces: spans in, and those of a trace or of a service's time out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from mainstay.telemetry.store.shelf import Keeping, Shape, Shelf, Span

SHAPE = Shape(
    {"at_us": "BIGINT", "service": "VARCHAR", "trace": "VARCHAR", "span": "VARCHAR",
     "parent": "VARCHAR", "name": "VARCHAR", "duration_us": "BIGINT", "failed": "TINYINT"},
    memory="256MB",
)  # fmt: skip
LIMIT_MAX = 50_000
NAME_MAX = 200
_UNFIT = re.compile("[\x00-\x1f]")


class KeptSpan(NamedTuple):
    """One span; ids in hexadecimal, `parent` "" at the root, `failed` 0 or 1."""

    at_us: int
    service: str
    trace: str
    span: str
    parent: str
    name: str
    duration_us: int
    failed: int


class KeptSpans:
    """Spans in a folder, as `Kept` keeps logs."""

    def __init__(
        self, folder: Path, keeping: Keeping | None = None, *, only_ask: bool = False
    ) -> None:
        self._shelf = Shelf(folder, SHAPE, keeping or Keeping(), only_ask=only_ask)

    def append(self, spans: Iterable[KeptSpan], *, now_us: int) -> int:
        """Keep spans; on the disk when this returns. OverLimit: come again later."""
        return self._shelf.append("".join(map(_row, spans)).encode(), now_us=now_us)

    def pack(self, *, now_us: int, everything: bool = False) -> int:
        """Pack what is full or old, and forget what is too old or too much; files packed."""
        return self._shelf.pack(now_us=now_us, everything=everything)

    def size_bytes(self) -> int:
        """What all of it takes on the disk."""
        return self._shelf.size_bytes()

    def close(self) -> None:
        """Let go of everything."""
        self._shelf.close()

    def search(self, span: Span, *, trace: str = "", limit: int = 1_000) -> list[KeptSpan]:
        """The newest `limit` spans, oldest first; of one trace, if it is named."""
        rows = self._shelf.ask(
            span, f"SELECT {', '.join(SHAPE.columns)}",
            f"ORDER BY at_us DESC LIMIT {min(limit, LIMIT_MAX)}",
            more=[("trace = ?", trace)] if trace else [],
        )  # fmt: skip
        return [KeptSpan(*row) for row in rows][::-1]


def _row(one: KeptSpan) -> str:
    texts = [_UNFIT.sub("\ufffd", text[:NAME_MAX]) for text in one[1:6]]
    return "\x1f".join((str(one.at_us), *texts, str(one.duration_us), str(one.failed))) + "\n"
