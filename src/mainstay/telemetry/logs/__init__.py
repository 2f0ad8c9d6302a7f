"""Log analysis, pure: lines → events → templates → what differs between a good and a bad window.

    events(lines)           the lines of one file or stream as events, traces joined to their line
    templates(events)       what kinds of messages there are, how often, since when
    diff(good, bad)         which kinds are new, gone, more, fewer, slower or have other values

Nothing here opens a file but `files`, which yields bounded blocks of bytes, plain or gzip.
"""

from __future__ import annotations

from mainstay.telemetry.logs.compare import Difference, Kind, diff
from mainstay.telemetry.logs.events import Event, Level, events
from mainstay.telemetry.logs.masks import MASK, mask
from mainstay.telemetry.logs.miner import mine
from mainstay.telemetry.logs.tally import Template, Templates, templates

__all__ = [
    "MASK",
    "Difference",
    "Event",
    "Kind",
    "Level",
    "Template",
    "Templates",
    "diff",
    "events",
    "mask",
    "mine",
    "templates",
]
