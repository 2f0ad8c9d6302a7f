"""A stretch of time with what happened in it: incidents as bars, pages and answers as ticks.

Places are percentages of the width, so that the picture is as wide as it may be and its words stay
unstretched; heights are pixels, so that its rows stand beside rows of text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup

ROW = 24
TOP = 18
ROWS_MAX = 8
EVERY_H = 4
"""Hours between two lines of the grid."""
NEAR_NOW = 5.0
"""Percent around now in which no hour is written: the flag stands there."""


@dataclass(frozen=True, slots=True)
class Tick:
    """An instant on a bar: `page` (somebody was paged) or `ack` (somebody took it)."""

    at: datetime
    kind: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One incident; `end` None: still open. `state` is a colour class."""

    start: datetime
    end: datetime | None
    state: str
    ticks: tuple[Tick, ...] = ()


@dataclass(frozen=True, slots=True)
class _Scale:
    """From an instant to a percentage of the width."""

    start: datetime
    now: datetime

    @property
    def end(self) -> datetime:
        return self.now + (self.now - self.start) / 16

    def x(self, at: datetime) -> float:
        share = (at - self.start) / (self.end - self.start)
        return round(max(0.0, min(1.0, share)) * 100, 2)


def day(
    bars: Sequence[Bar], *, start: datetime, now: datetime, zone: ZoneInfo, label: str
) -> Markup:
    """Bars, one a row, from `start` to a little after `now`; hours of `zone` at the top.

    What is still open is drawn hatched from now on: it goes on, nobody knows for how long.
    """
    scale = _Scale(start, now)
    height = TOP + max(1, len(bars)) * ROW
    drawn = [_hours(scale, zone, height)]
    drawn += [_bar(bar, TOP + index * ROW, scale) for index, bar in enumerate(bars)]
    drawn.append(_now(scale.x(now), height, f"{now.astimezone(zone):%H:%M}"))
    return Markup(
        '<svg class="day" width="100%" height="{}" role="img" aria-label="{}">'
        '<defs><pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path class="hatch" d="M0 0V4"/></pattern></defs>{}</svg>'
    ).format(height, label, Markup("".join(drawn)))


def _hours(scale: _Scale, zone: ZoneInfo, height: int) -> str:
    at = scale.start.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    lines, here_now = [], scale.x(scale.now)
    at = at.astimezone(UTC)
    while (at := at + timedelta(hours=1)) < scale.end:
        if at.astimezone(zone).hour % EVERY_H:
            continue
        x = scale.x(at)
        lines.append(f'<line class="hour" x1="{x}%" x2="{x}%" y1="{TOP}" y2="{height}"/>')
        if abs(x - here_now) > NEAR_NOW and 3 < x < 97:
            said = f"{at.astimezone(zone):%H:%M}"
            lines.append(f'<text x="{x}%" y="11" text-anchor="middle">{said}</text>')
    return "".join(lines)


def _bar(bar: Bar, y: int, scale: _Scale) -> str:
    left, right = scale.x(bar.start), scale.x(bar.end or scale.now)
    width = max(0.4, round(right - left, 2))
    parts = [
        f'<rect class="bar {bar.state}" x="{left}%" y="{y + 7}" width="{width}%" height="9" rx="1"/>'
    ]
    if bar.end is None:
        parts.append(
            f'<rect class="ahead" x="{right}%" y="{y + 7.5}" width="{100 - right:.2f}%" height="8" '
            'fill="url(#hatch)"/>'
        )
    for tick in bar.ticks:
        x = scale.x(tick.at)
        if tick.kind == "ack":
            parts.append(f'<line class="ack" x1="{x}%" x2="{x}%" y1="{y + 4}" y2="{y + 19}"/>')
        else:
            parts.append(f'<circle class="paged" cx="{x}%" cy="{y + 20.5}" r="1.6"/>')
    return "".join(parts)


def _now(x: float, height: int, said: str) -> str:
    return (
        f'<line class="now" x1="{x}%" x2="{x}%" y1="{TOP - 2}" y2="{height}"/>'
        f'<svg x="{x}%" width="38" height="15" overflow="visible">'
        '<rect class="flag" x="-19" y="0" width="38" height="15" rx="3"/>'
        f'<text class="flag" x="0" y="11" text-anchor="middle">{said}</text></svg>'
    )
