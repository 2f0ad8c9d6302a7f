"""What senders of logs speak, each read into records: OTLP, Loki's push, `_bulk`, syslog.

Pure functions of bytes; whoever listens blanks and keeps what they return. A body that is not of
its protocol is Invalid as a whole; single items that cannot be read are left out and counted.
"""

from __future__ import annotations

from mainstay.telemetry.formats import bulk, loki, otlp, syslog
from mainstay.telemetry.formats.record import Taken

__all__ = ["Taken", "bulk", "loki", "otlp", "syslog"]
