"""How logs look on a terminal: lines in the colour of their level, bars, marks. Plain when piped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from rich.console import Console
from rich.style import Style
from rich.text import Text

from mainstay.cli import show
from mainstay.telemetry.logs import Level

STYLES: dict[Level, str] = {
    "critical": "bold red", "error": "red", "warning": "yellow", "info": "", "debug": "dim", "": "",
}  # fmt: skip
KIND_STYLES = {
    "new": "bold red", "gone": "yellow", "more": "red", "fewer": "yellow", "slower": "magenta",
    "changed": "cyan",
}  # fmt: skip
BAR = 50
"""Columns of the longest bar."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def line(out: Console, text: str, level: Level = "") -> str:
    """A line of a log, harmless, in its level's colour if the terminal has any."""
    words = show.paragraphs(text)
    style = STYLES[level]
    if not style or out.color_system is None:
        return words
    return Style.parse(style).render(words, color_system=out._color_system)


def bar(counts: Mapping[Level, int], longest: int) -> Text:
    """A bar as long as all events together: the bad ones first, each in its colour."""
    drawn, sum_so_far, columns = Text(), 0, 0
    for level in ("critical", "error", "warning"):
        sum_so_far += counts.get(level, 0)
        end = round(sum_so_far * BAR / max(longest, 1))
        drawn.append("█" * (end - columns), STYLES[level])
        columns = end
    width = sum(counts.values()) * BAR / max(longest, 1)
    part = _EIGHTHS[int((width - int(width)) * 8)].strip()
    drawn.append("█" * (int(width) - columns) + part, "blue")
    return drawn


def second(at_s: int, zone: tzinfo) -> str:
    """An instant in a zone, to the second."""
    return f"{datetime.fromtimestamp(at_s, UTC).astimezone(zone):%Y-%m-%d %H:%M:%S}"


def by_level(counts: Counter[Level]) -> str:
    """`3 error, 12 warning, 80 info`: the worst first, none left out."""
    order: tuple[Level, ...] = ("critical", "error", "warning", "info", "debug", "")
    told = [f"{counts[one]:,} {one or 'without a level'}" for one in order if counts[one]]
    return ", ".join(told) or "nothing"
