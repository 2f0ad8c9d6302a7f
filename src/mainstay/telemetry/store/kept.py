"""The kept logs: records in, and questions about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from mainstay.foundation.errors import Invalid
from mainstay.telemetry.store.rows import BREAK, COLUMNS, LEVELS, Record, row, shown
from mainstay.telemetry.store.shelf import Keeping, Shape, Shelf, Span

LIMIT_MAX = 10_000
"""Lines of one answer."""
SHAPE = Shape(COLUMNS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: text as it is or a pattern (RE2), at least this bad, from when to when."""

    text: str = ""
    pattern: str = ""
    rank: int = 0
    service: str = ""
    since_us: int | None = None
    until_us: int | None = None


class Kept:
    """Logs in a folder. Conflict if another process has it open; to ask only, it may be open."""

    def __init__(
        self, folder: Path, keeping: Keeping | None = None, *, only_ask: bool = False
    ) -> None:
        self._shelf = Shelf(folder, SHAPE, keeping or Keeping(), only_ask=only_ask)

    def append(self, records: Iterable[Record], *, now_us: int) -> int:
        """Keep records; when this returns they are on the disk. OverLimit: come again later."""
        rows = "".join(map(row, records)).encode("utf-8", "replace")
        return self._shelf.append(rows, now_us=now_us)

    def pack(self, *, now_us: int, everything: bool = False) -> int:
        """Pack what is full or old, and forget what is too old or too much; files packed."""
        return self._shelf.pack(now_us=now_us, everything=everything)

    def size_bytes(self) -> int:
        """What all of it takes on the disk."""
        return self._shelf.size_bytes()

    def close(self) -> None:
        """Let go of everything; what is hot is packed at the next start."""
        self._shelf.close()

    def search(self, wanted: Wanted, *, limit: int = 100, newest: bool = True) -> list[Record]:
        """The records that are meant, by time, the newest or the oldest `limit` of them."""
        order = "DESC" if newest else "ASC"
        found = self._ask(
            wanted, f"SELECT {', '.join(COLUMNS)}",
            f"ORDER BY at_us {order}, received_us {order} LIMIT {min(limit, LIMIT_MAX)}",
        )  # fmt: skip
        records = [Record._make((*one[:-1], shown(one[-1]))) for one in found]
        return records[::-1] if newest else records

    def count(self, wanted: Wanted) -> int:
        """How many records are meant."""
        found = self._ask(wanted, "SELECT count(*)", "")
        return int(found[0][0]) if found else 0

    def histogram(self, wanted: Wanted, *, step_us: int) -> dict[int, Counter[str]]:
        """Start of bucket → counts by level."""
        rows = self._ask(
            wanted,
            f"SELECT at_us - at_us % {int(step_us)}, rank, count(*)",
            "GROUP BY 1, 2 ORDER BY 1, 2",
        )
        found: dict[int, Counter[str]] = {}
        for at, rank, count in rows:
            found.setdefault(at, Counter())[LEVELS[rank]] = count
        return found

    def services(self) -> dict[str, tuple[int, int, int]]:
        """Service → (records, first and last instant)."""
        rows = self._ask(
            Wanted(), "SELECT service, count(*), min(at_us), max(at_us)", "GROUP BY 1 ORDER BY 1"
        )
        return {service: (count, first, last) for service, count, first, last in rows}

    def _ask(self, wanted: Wanted, select: str, end: str) -> list[tuple[Any, ...]]:
        more: list[tuple[str, object]] = []
        if wanted.rank:
            more.append(("rank >= ?", wanted.rank))
        if wanted.text:
            more.append(("contains(body, ?)", wanted.text.replace("\n", BREAK)))
        if wanted.pattern:
            more.append(("regexp_matches(body, ?)", wanted.pattern))
        span = Span(wanted.service, wanted.since_us, wanted.until_us)
        try:
            return self._shelf.ask(span, select, end, more=more)
        except duckdb.InvalidInputException as error:
            if wanted.pattern:
                raise Invalid(f"{wanted.pattern!r} is no pattern.") from error
            raise
