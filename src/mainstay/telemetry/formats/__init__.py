"""What senders of logs speak, each read into records: OTLP, Loki's push, `_bulk`, syslog.

Pure functions of bytes; whoever listens blanks and keeps what they return. A body that is not of
its protocol is Invalid as a whole; single items that cannot be read are left out and counted.
"""

from __future__ import annotations

from mainstay.telemetry.formats.bulk import read as read_bulk
from mainstay.telemetry.formats.bulk import reply as bulk_reply
from mainstay.telemetry.formats.loki import read as read_loki
from mainstay.telemetry.formats.otlp import read as read_otlp
from mainstay.telemetry.formats.record import Taken
from mainstay.telemetry.formats.syslog import Frames
from mainstay.telemetry.formats.syslog import read as read_syslog

__all__ = ["Frames", "Taken", "bulk_reply", "read_bulk", "read_loki", "read_otlp", "read_syslog"]
