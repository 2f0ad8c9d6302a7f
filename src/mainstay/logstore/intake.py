"""What every listener hands to be kept: blanked, kept, counted; and the packing behind it."""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from time import time_ns

from mainstay.foundation.clock import SystemClock
from mainstay.foundation.errors import MainstayError
from mainstay.telemetry import State, write_state
from mainstay.telemetry.formats import Measured, Taken, Traced
from mainstay.telemetry.logs import Layouts
from mainstay.telemetry.store import (
    Blanks,
    Keeping,
    Kept,
    KeptSamples,
    KeptSpans,
    Record,
    Sample,
)

log = logging.getLogger("mainstay.logstore")

PACK_EVERY_S = 1.0
LABELS_KNOWN_MAX = 100_000
"""Blanked label sets that are remembered: a series says the same ones with every sample."""


@dataclass(frozen=True, slots=True)
class Stores:
    """One shelf for each kind, in one folder."""

    folder: Path
    logs: Kept
    samples: KeptSamples
    spans: KeptSpans

    @staticmethod
    def in_folder(folder: Path, logs: Keeping, metrics: Keeping, traces: Keeping) -> Stores:
        """Opened to be filled. Conflict if another process has them open."""
        return Stores(
            folder, Kept(folder, logs), KeptSamples(folder / "metrics", metrics),
            KeptSpans(folder / "traces", traces),
        )  # fmt: skip

    @property
    def every(self) -> dict[str, Kept | KeptSamples | KeptSpans]:
        """By what people call them."""
        return {"logs": self.logs, "metrics": self.samples, "traces": self.spans}


@dataclass(slots=True)
class Intake:
    """The stores, filled from many sides. `counts`: what was kept and refused, by the door."""

    stores: Stores
    blanks: Blanks
    zone: tzinfo = UTC
    counts: Counter[str] = field(default_factory=Counter)
    _labels: dict[str, str] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    def now_us(self) -> int:
        """The time of arrival."""
        return time_ns() // 1_000

    def reader(self) -> Layouts:
        """What reads the lines of one request or connection."""
        return Layouts(now=SystemClock().now(), zone=self.zone)

    def blank_by(self, blanks: Blanks) -> None:
        """From now on these rules count."""
        self.blanks, self._labels = blanks, {}

    def keep(self, door: str, taken: Taken) -> None:
        """Keep log records; on the disk when this returns. OverLimit: nothing of it was kept."""
        self.stores.logs.append(self._blanked(taken.records), now_us=self.now_us())
        self._count(door, len(taken.records), taken.refused)

    def keep_samples(self, door: str, taken: Measured) -> None:
        """The same for samples of metrics; their labels are blanked."""
        samples = [one._replace(labels=self._label(one)) for one in taken.samples]
        self.stores.samples.append(samples, now_us=self.now_us())
        self._count(door, len(samples), taken.refused)

    def keep_spans(self, door: str, taken: Traced) -> None:
        """The same for spans; their names are blanked."""
        blank = self.blanks.blank
        spans = [one._replace(name=blank(one.name)) for one in taken.spans]
        self.stores.spans.append(spans, now_us=self.now_us())
        self._count(door, len(spans), taken.refused)

    def _count(self, door: str, kept: int, refused: int) -> None:
        self.counts[f"{door} kept"] += kept
        self.counts[f"{door} refused"] += refused

    def _blanked(self, records: Sequence[Record]) -> list[Record]:
        blank = self.blanks.blank
        return [one._replace(body=blank(one.body)) for one in records]

    def _label(self, one: Sample) -> str:
        known, text = self._labels, one.labels
        blanked = known.get(text)
        if blanked is None:
            if len(known) >= LABELS_KNOWN_MAX:
                known.clear()
            blanked = known[text] = self.blanks.blank(text)
        return blanked

    def pack_on(self) -> None:
        """Pack and forget, again and again, until `end`; trouble is told of and tried again."""
        while not self._over.wait(PACK_EVERY_S):
            for kind, store in self.stores.every.items():
                try:
                    store.pack(now_us=self.now_us())
                except (MainstayError, OSError) as error:
                    log.error("kept %s cannot be packed: %s", kind, error)
            self.tell()

    def tell(self) -> None:
        """Write down that this process lives, and what it has."""
        sizes = {kind: store.size_bytes() for kind, store in self.stores.every.items()}
        try:
            write_state(self.stores.folder, State(self.now_us(), os.getpid(), self.counts, sizes))
        except OSError as error:
            log.error("the state cannot be written: %s", error.strerror)

    def end(self) -> None:
        """No more packing."""
        self._over.set()
