"""Log files on disk: read in blocks, searched, surveyed, followed."""

from __future__ import annotations

from mainstay.telemetry.files.blocks import STDIN, Reading, blocks, found_in, lines, size_of
from mainstay.telemetry.files.follow import Follow
from mainstay.telemetry.files.search import Query, candidates, count, hits
from mainstay.telemetry.files.survey import Survey

__all__ = [
    "STDIN",
    "Follow",
    "Query",
    "Reading",
    "Survey",
    "blocks",
    "candidates",
    "count",
    "found_in",
    "hits",
    "lines",
    "size_of",
]
