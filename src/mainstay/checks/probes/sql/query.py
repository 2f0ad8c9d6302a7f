"""What an engine is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult

ROWS_MAX = 1_000
QUERY_S_MAX = 15.0
"""What a server is told to end a query after; a look may be shorter."""


@dataclass(frozen=True, slots=True)
class Query:
    """What an engine is to ask. `password` None: it needs none, or has its own way."""

    url: SplitResult
    text: str
    params: Mapping[str, object]
    password: str | None
    timeout_s: float
    rows_max: int = ROWS_MAX


Rows = tuple[Sequence[str], list[Sequence[Any]]]
"""Names of the columns, and the rows."""
