"""Who is on call when: one strip for a schedule, true to scale, gaps drawn as failing.

Places are percentages of the width, so that names are never stretched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from mainstay.console.words import initials

HEIGHT = 34
TONES = 6
_LETTER = 0.82
"""Percent of the width that a letter takes on a desk: a name that does not fit is left out; the
shift's title still says it."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A shift, or a gap where `who` is None. `tone` tells neighbours apart; `title` says it all."""

    start: datetime
    end: datetime
    who: str | None
    title: str
    tone: int = 0
    override: bool = False


def strip(
    stretches: Sequence[Stretch], *, start: datetime, end: datetime, now: datetime, zone: ZoneInfo,
    label: str, gaps_allowed: bool = False,
) -> Markup:  # fmt: skip
    """One strip. Days of 23 and 25 hours are as wide as they are long."""

    first, last = start.astimezone(UTC), end.astimezone(UTC)  # within one zone, Python counts hands

    def x(at: datetime) -> float:
        share = (at.astimezone(UTC) - first) / (last - first)
        return round(max(0.0, min(1.0, share)) * 100, 2)

    parts = [
        _stretch(one, x(one.start), x(one.end), gaps_allowed=gaps_allowed) for one in stretches
    ]
    parts += [_line("midnight", x(at)) for at in midnights(start, end, zone)]
    parts += [_name(one, x(one.start), x(one.end), gaps_allowed=gaps_allowed) for one in stretches]
    if start <= now <= end:
        parts.append(_line("now", x(now)))
    return Markup(
        '<svg class="strip" width="100%" height="{}" role="img" aria-label="{}">{}</svg>'
    ).format(HEIGHT, label, Markup("".join(parts)))


def midnights(start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """The midnights of `zone` inside of start..end."""
    day = start.astimezone(zone).date()
    found: list[datetime] = []
    while True:
        day += timedelta(days=1)
        at = datetime(day.year, day.month, day.day, tzinfo=zone)
        if at >= end:
            return found
        found.append(at)


def _line(name: str, x: float) -> str:
    return f'<line class="{name}" x1="{x}%" x2="{x}%" y1="0" y2="{HEIGHT}"/>'


def _stretch(one: Stretch, left: float, right: float, *, gaps_allowed: bool) -> str:
    if one.who is None:
        shade = "free" if gaps_allowed else "gap"
    else:
        shade = f"t{one.tone % TONES}" + (" override" if one.override else "")
    width = round(max(0.1, right - left - 0.08), 2)
    return (
        f'<g class="{shade}"><title>{escape(one.title)}</title>'
        f'<rect x="{left}%" y="6" width="{width}%" height="22"/></g>'
    )


def _name(one: Stretch, left: float, right: float, *, gaps_allowed: bool) -> str:
    """The name where it fits, else the initials, else nothing."""
    word = one.who or ("" if gaps_allowed else "gap")
    for said in (word, initials(word)):
        if said and right - left > len(said) * _LETTER + 1:
            shade = "" if one.who else ' class="gap"'
            return f'<text{shade} x="{left + 0.5:.2f}%" y="21">{escape(said)}</text>'
    return ""
