"""What senders of telemetry speak, each read into records, samples or spans.

Pure functions of bytes; whoever listens blanks and keeps what they return. A body that is not of
its protocol is Invalid as a whole; single items that cannot be read are left out and counted.
"""

from __future__ import annotations

from mainstay.telemetry.formats.bulk import read as read_bulk
from mainstay.telemetry.formats.bulk import reply as bulk_reply
from mainstay.telemetry.formats.exposition import read as read_exposition
from mainstay.telemetry.formats.loki import read as read_loki
from mainstay.telemetry.formats.otlp import read_logs as read_otlp
from mainstay.telemetry.formats.otlp import read_metrics as read_otlp_metrics
from mainstay.telemetry.formats.otlp import read_traces as read_otlp_traces
from mainstay.telemetry.formats.record import Measured, Taken, Traced
from mainstay.telemetry.formats.remote_write import read as read_remote_write
from mainstay.telemetry.formats.syslog import Frames
from mainstay.telemetry.formats.syslog import read as read_syslog

__all__ = [
    "Frames", "Measured", "Taken", "Traced", "bulk_reply", "read_bulk", "read_exposition",
    "read_loki", "read_otlp", "read_otlp_metrics", "read_otlp_traces", "read_remote_write",
    "read_syslog",
]  # fmt: skip
