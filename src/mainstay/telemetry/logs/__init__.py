"""Log analysis, pure: lines → events → templates → what differs between a good and a bad window.

    events(lines)           the lines of one file or stream as events, traces joined to their line
    templates(events)       what kinds of messages there are, how often, since when
    diff(good, bad)         which kinds are new, gone, more, fewer, slower or have other values

Nothing here opens a file: that is `telemetry.files`.
"""

from __future__ import annotations

from mainstay.telemetry.logs.blanking import Blanks, Rule
from mainstay.telemetry.logs.compare import Difference, Kind, diff
from mainstay.telemetry.logs.events import Event, Level, each_alone, events
from mainstay.telemetry.logs.layouts import Head, Layouts
from mainstay.telemetry.logs.masks import MASK, mask
from mainstay.telemetry.logs.miner import mine
from mainstay.telemetry.logs.tally import RANK, Lines, Template, Templates, skeletons, templates

__all__ = [
    "MASK",
    "RANK",
    "Blanks",
    "Difference",
    "Event",
    "Head",
    "Kind",
    "Layouts",
    "Level",
    "Lines",
    "Rule",
    "Template",
    "Templates",
    "diff",
    "each_alone",
    "events",
    "mask",
    "mine",
    "skeletons",
    "templates",
]
