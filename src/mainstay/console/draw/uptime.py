"""How a service stood over time: one band, incidents that stopped it solid, muted windows hatched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

HEIGHT = 18
LEAST = 0.4
"""Percent of the width that the shortest incident takes: a minute in a month is still seen."""
Span = tuple[datetime, datetime, str]
"""From, to, and what it was."""


def uptime(
    down: Sequence[Span], muted: Sequence[Span], *, start: datetime, end: datetime, label: str
) -> Markup:
    """The band from `start` to `end`."""
    parts = [Markup('<rect class="well" width="100%" height="{}" y="0"/>').format(HEIGHT)]
    parts += [_part("muted", one, start, end) for one in muted]
    parts += [_part("down", one, start, end) for one in down]
    return Markup(
        '<svg class="uptime" width="100%" height="{}" role="img" aria-label="{}">{}</svg>'
    ).format(HEIGHT, label, Markup("").join(parts))


def _part(look: str, span: Span, start: datetime, end: datetime) -> Markup:
    left = 100 * ((span[0] - start) / (end - start))
    wide = max(LEAST, 100 * ((span[1] - span[0]) / (end - start)))
    return Markup(
        '<rect class="{}" x="{}%" width="{}%" height="{}"><title>{}</title></rect>'
    ).format(look, round(min(left, 100 - wide), 2), round(wide, 2), HEIGHT, span[2])
