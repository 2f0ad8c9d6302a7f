"""What every listener hands its records to: blanked, kept, counted; and the packing behind it."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from time import time_ns

from mainstay.foundation.clock import SystemClock
from mainstay.foundation.errors import MainstayError
from mainstay.telemetry.formats import Taken
from mainstay.telemetry.logs import Layouts
from mainstay.telemetry.store import Blanks, Kept, Record

log = logging.getLogger("mainstay.logstore")

PACK_EVERY_S = 1.0


@dataclass(slots=True)
class Intake:
    """One store, filled from many sides. `counts`: records and refusals by the door."""

    store: Kept
    blanks: Blanks
    zone: tzinfo = UTC
    counts: Counter[str] = field(default_factory=Counter)
    _over: threading.Event = field(default_factory=threading.Event)

    def now_us(self) -> int:
        """The time of arrival."""
        return time_ns() // 1_000

    def reader(self) -> Layouts:
        """What reads the lines of one request or connection."""
        return Layouts(now=SystemClock().now(), zone=self.zone)

    def keep(self, door: str, taken: Taken) -> None:
        """Keep what was read; on the disk when this returns. OverLimit: nothing of it was kept."""
        self.store.append(self._blanked(taken.records), now_us=self.now_us())
        self.counts[f"{door} kept"] += len(taken.records)
        self.counts[f"{door} refused"] += taken.refused

    def _blanked(self, records: Sequence[Record]) -> list[Record]:
        blank = self.blanks.blank
        return [one._replace(body=blank(one.body)) for one in records]

    def pack_on(self) -> None:
        """Pack and forget, again and again, until `end`; trouble is told of and tried again."""
        while not self._over.wait(PACK_EVERY_S):
            try:
                self.store.pack(now_us=self.now_us())
            except (MainstayError, OSError) as error:
                log.error("kept logs cannot be packed: %s", error)

    def end(self) -> None:
        """No more packing."""
        self._over.set()
