"""How the console says times, ages and numbers. Pure: the instant and the zone are given.

A number and its unit never part (no-break space). Today's times stand bare, other days of the
week with their name, older ones with their date; in the hour that a clock lives twice, the offset
is said too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

NBSP = "\u00a0"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_TIED = re.compile(r"(?<=\d) (?=(?:%|(?:ms|s|min|h|d|kB|MB)\b))")
_WEEK = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Times:
    """Every time on one screen: said in `zone`, as seen at `now`."""

    zone: ZoneInfo
    now: datetime

    def short(self, at: datetime) -> str:
        """`07:04` today, `Thu 16:20` within six days, `12 Nov, 16:20`, with the year if another."""
        here, today = at.astimezone(self.zone), self.now.astimezone(self.zone)
        clock = self.clock(at)
        if here.date() == today.date():
            return clock
        if abs(here.date() - today.date()) <= _WEEK:
            return f"{DAYS[here.weekday()]}{NBSP}{clock}"
        year = "" if here.year == today.year else f"{NBSP}{here.year}"
        return f"{here.day}{NBSP}{MONTHS[here.month - 1]}{year}, {clock}"

    def clock(self, at: datetime) -> str:
        """`07:04`; `02:30+02:00` where the same wall-clock time comes twice."""
        here = at.astimezone(self.zone)
        text = f"{here:%H:%M}"
        return text + _offset(here) if _comes_twice(here) else text

    def day(self, at: datetime) -> str:
        """`Tue 24 Nov`."""
        here = at.astimezone(self.zone)
        return f"{DAYS[here.weekday()]}{NBSP}{here.day}{NBSP}{MONTHS[here.month - 1]}"

    def iso(self, at: datetime) -> str:
        """ISO 8601 with the zone's offset, to the second: what is copied."""
        return at.astimezone(self.zone).isoformat(timespec="seconds")

    def full(self, at: datetime) -> str:
        """With seconds, offset and UTC: what a pointer that rests on it shows."""
        here, utc = at.astimezone(self.zone), at.astimezone(UTC)
        return (
            f"{DAYS[here.weekday()]} {here.day} {MONTHS[here.month - 1]} {here.year}, "
            f"{here:%H:%M:%S} {self.zone.key} ({_offset(here)}), {utc:%H:%M:%S} UTC"
        )

    def html(self, at: datetime | None, *, clock_only: bool = False) -> Markup:
        """A `<time>` that can be copied as ISO 8601; a dash for None."""
        if at is None:
            return Markup('<span class="dim">—</span>')
        said = self.clock(at) if clock_only else self.short(at)
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            self.iso(at), self.full(at), said
        )

    def ago(self, at: datetime) -> str:
        """How long ago: `2 h 54 min ago`, `just now`."""
        span = self.now - at
        return "just now" if span < timedelta(seconds=1) else f"{age(span)} ago"


def place_of(zone: ZoneInfo) -> str:
    """`Europe/Zurich` as people say it: Zurich."""
    return zone.key.rsplit("/", 1)[-1].replace("_", " ")


def age(span: timedelta) -> str:
    """A span in two units at most: `2 h 54 min`, `3 d 4 h`, `40 s`; `now` below a second."""
    left = abs(int(span.total_seconds()))
    parts: list[str] = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{NBSP}{unit}")
        elif parts:
            break
        if len(parts) == 2 or (parts and unit == "min"):
            break
    return " ".join(parts) or "now"


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 alert`, `5 alerts`, `10,000 alerts`."""
    return f"{number:,}{NBSP}{one if number == 1 else many or one + 's'}"


def tied(text: str) -> str:
    """The same text, no number parted from its unit."""
    return _TIED.sub(NBSP, text)


def listed(words: list[str], *, most: int = 3) -> str:
    """`a, b and c`; beyond `most`: `a, b and 4 more`."""
    if len(words) > most:
        words = [*words[: most - 1], f"{len(words) - most + 1} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def initials(name: str) -> str:
    """`Ana Keller` → AK."""
    parts = [part for part in re.split(r"[\s-]+", name) if part]
    return (parts[0][0] + parts[-1][0] if len(parts) > 1 else name[:2]).upper()


def breakable(text: str) -> Markup:
    """Text with chances to break at slashes, dots and dashes, for long names on a phone."""
    return Markup(re.sub(r"([/._-])", r"\1<wbr>", str(escape(tied(text)))))


def _comes_twice(here: datetime) -> bool:
    return here.replace(fold=0).utcoffset() != here.replace(fold=1).utcoffset()


def _offset(here: datetime) -> str:
    return here.isoformat(timespec="minutes")[-6:]
