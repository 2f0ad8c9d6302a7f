"""Shadow mode's daily comparison: what would have been sent, to hold beside what the other sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.paging import store


@dataclass(frozen=True, slots=True)
class Comparison:
    """The pages of a span that shadow mode kept back, counted."""

    pages: int
    incidents: int
    by_person: dict[str, int]
    by_channel: dict[str, int]
    live: int
    """Pages of the same span that were not in shadow."""

    @property
    def sentence(self) -> str:
        """For a person."""
        if not self.pages:
            return "shadow mode kept nothing back"
        people = ", ".join(f"{who} {n}" for who, n in sorted(self.by_person.items()))
        return f"shadow mode would have sent {self.pages} pages for {self.incidents} incidents: {people}"


def compare(tx: Tx, *, start: datetime, end: datetime) -> Comparison:
    """Count the pages planned from `start` to `end`; at most 10,000 are looked at."""
    planned = store.sends_between(tx, to_us(start), to_us(end))
    kept = [send for send in planned if send.state is store.SendState.SHADOW]
    return Comparison(
        pages=len(kept),
        incidents=len({send.incident for send in kept}),
        by_person=dict(Counter(send.person for send in kept)),
        by_channel=dict(Counter(send.channel for send in kept)),
        live=len(planned) - len(kept),
    )
