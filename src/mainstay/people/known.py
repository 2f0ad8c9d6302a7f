"""Whether a name is one of the estate's."""

from __future__ import annotations

from collections.abc import Collection

from mainstay.foundation.errors import NotFound
from mainstay.foundation.nearest import hint


def check_known(name: str, known: Collection[str], *, what: str) -> None:
    """NotFound, with the nearest name, unless the estate declares `name`."""
    if name not in known:
        raise NotFound(f"The estate has no {what} {name!r}{hint(name, known)}.", name=name)
