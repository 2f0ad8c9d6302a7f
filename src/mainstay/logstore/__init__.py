"""The process that keeps telemetry: listeners, one store of it, its packing behind their back.

Started by `mainstay logs keep`, or by `serve`; whoever pages does not share a process with it.
"""

from mainstay.logstore.told import Told, told_by, write_told

__all__ = ["Told", "told_by", "write_told"]
