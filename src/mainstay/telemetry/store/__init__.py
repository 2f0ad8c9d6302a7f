"""Telemetry kept: appended to the disk before anybody hears that it is, then packed in columns.

    hot/NNN.rows      rows as they came, fsynced batch by batch
    cold/SERVICE/…    the same rows in Parquet, packed behind the hot file's back

One such shelf for logs, one for samples of metrics, one for spans. DuckDB reads both. Deleting by
age, service or size is deleting files. Needs the extra [telemetry]; runs in a process of its own,
so that a flood cannot delay a page.
"""

from __future__ import annotations

from mainstay.telemetry.logs import Blanks, Rule
from mainstay.telemetry.store.kept import Kept, Wanted
from mainstay.telemetry.store.rows import Record, recorded
from mainstay.telemetry.store.samples import KeptSamples, Sample, labels_text
from mainstay.telemetry.store.shelf import Keeping, Span
from mainstay.telemetry.store.spans import KeptSpan, KeptSpans

__all__ = [
    "Blanks", "Keeping", "Kept", "KeptSamples", "KeptSpan", "KeptSpans", "Record", "Rule", "Sample",
    "Span", "Wanted", "labels_text", "recorded",
]  # fmt: skip
