"""Logs kept: appended to the disk before anybody hears that they are, then packed in columns.

    hot/NNN.rows      rows as they came, fsynced batch by batch
    cold/SERVICE/…    the same rows by time in Parquet, packed behind the hot file's back

DuckDB reads both. Deleting by age, service or size is deleting files. Needs the extra [telemetry];
runs in a process of its own, so that a flood of logs cannot delay a page.
"""

from __future__ import annotations

from mainstay.telemetry.logs import Blanks, Rule
from mainstay.telemetry.store.kept import Keeping, Kept, Wanted
from mainstay.telemetry.store.rows import Record, recorded

__all__ = ["Blanks", "Keeping", "Kept", "Record", "Rule", "Wanted", "recorded"]
