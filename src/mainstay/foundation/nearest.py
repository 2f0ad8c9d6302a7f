"""The nearest known name, for sentences that end in "did you mean …?"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None when none is near enough to be a slip."""
    found = difflib.get_close_matches(name[:80], list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def hint(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` with its leading space, or nothing."""
    near = nearest(name, known)
    return f" (did you mean {near!r}?)" if near else ""
