"""How things look: clean texts, times in the person's zone, ages, tables that are plain when piped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mainstay.foundation.errors import Invalid
from mainstay.foundation.spans import duration

PIPED_WIDTH = 100_000
"""Columns when nobody looks: a program reads whole lines."""
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What would let the text of an alert move the cursor or turn the line around; tab and \\n stay."""

STYLES = {
    "P1": "bold red", "P2": "yellow", "critical": "bold red", "error": "red",
    "warning": "yellow", "ok": "green", "warn": "yellow", "fail": "bold red",
    "not seen": "magenta", "firing": "red", "open": "red", "new": "bold red",
    "investigating": "yellow", "mitigating": "yellow", "monitoring": "cyan", "on hold": "magenta",
    "resolved": "green", "closed": "dim", "sent": "green", "delivered": "green",
    "acknowledged": "green", "failed": "red", "waiting": "yellow", "planned": "yellow",
    "shadow": "dim", "nobody": "bold red", "quarantined": "red", "revoked": "dim",
    "up": "green", "lost": "bold red", "ended": "dim",
}  # fmt: skip
"""The colour of a state; the word always stands beside it."""


@dataclass(frozen=True, slots=True)
class Look:
    """How times are told: in which zone (None: this machine's), and what now is."""

    now: datetime
    zone: tzinfo | None = None

    def local(self, at: str | datetime) -> datetime:
        """The instant in the zone; `at` as RFC 3339, or aware."""
        return (at if isinstance(at, datetime) else instant(at)).astimezone(self.zone)

    def when(self, at: str | None) -> str:
        """`05:40:08` today, else `Sun 22 Nov 05:40`, with the year when it is another one."""
        if not at:
            return "–"
        local, now = self.local(at), self.now.astimezone(self.zone)
        if local.date() == now.date():
            return local.strftime("%H:%M:%S")
        year = "" if local.year == now.year else f" {local.year}"
        return f"{local:%a} {local.day} {local:%b}{year} {local:%H:%M}"

    def age(self, at: str | None) -> str:
        """How long ago, or `in 5 m` for what is to come."""
        if not at:
            return "–"
        gone = self.now - instant(at)
        return span(gone) if gone >= timedelta(0) else f"in {span(-gone)}"


def instant(text: str) -> datetime:
    """RFC 3339 as an aware instant; what says no zone is UTC."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def span(length: timedelta) -> str:
    """`40 s`, `12 m`, `2 h 5 m`, `3 d 4 h`: at most two units."""
    seconds = int(length.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if hours < 1:
        return f"{minutes} m"
    if days < 1:
        return f"{hours} h {minutes % 60} m" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def countdown(length: timedelta) -> str:
    """`2:41`, `1:02:41`; `now` when it is due."""
    seconds = int(length.total_seconds())
    if seconds <= 0:
        return "now"
    minutes, hours = seconds // 60, seconds // 3600
    if hours:
        return f"{hours}:{minutes % 60:02d}:{seconds % 60:02d}"
    return f"{minutes}:{seconds % 60:02d}"


def when_given(text: str, *, now: datetime, zone: tzinfo | None) -> datetime:
    """What a person types for a time, as an instant in UTC.

    `now`, `+2h`, `14:00` (today), `2026-11-22`, `2026-11-22 14:00`, RFC 3339; without a zone it is
    the person's. Invalid says what fits.
    """
    words = text.strip()
    try:
        if words == "now":
            return now
        if words.startswith("+"):
            return now + duration(words[1:])
        if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", words):
            today: date = now.astimezone(zone).date()
            words = f"{today} {words.zfill(len(words.split(':', 1)[1]) + 3)}"
        at = datetime.fromisoformat(words)
    except (ValueError, OverflowError):
        raise Invalid(
            f"{text!r} is not a time; write 14:00, 2026-11-22 14:00, +2h or now."
        ) from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=zone) if zone else at.astimezone()
    return at.astimezone(UTC)


def clean(value: object) -> str:
    """One line of text that cannot steer a terminal, whoever wrote it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(clean(one) for one in value) or "–"
    if isinstance(value, dict):
        return " ".join(f"{clean(key)}={clean(one)}" for key, one in value.items()) or "–"
    return _UNSAFE.sub("�", str(value).replace("\n", " ").replace("\t", " "))


def state(word: object) -> Text:
    """A state's word in its colour."""
    text = clean(word)
    return Text(text, STYLES.get(text.lower(), STYLES.get(text, "")))


def paragraphs(value: object) -> str:
    """Text of several lines, as safe as `clean`."""
    return _UNSAFE.sub("�", str(value))


def as_json(value: object) -> str:
    """For programs: indented, and safe to look at too."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


# -- the terminal ----------------------------------------------------------------------------------


class Pipe(Console):
    """A console that leaves it to the program what a closed pipe means; rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(file: TextIO, environment: Mapping[str, str]) -> Console:
    """Colours on a terminal; plain when piped, with NO_COLOR, or on a dumb one."""
    terminal = file.isatty()
    plain = not terminal or bool(environment.get("NO_COLOR")) or environment.get("TERM") == "dumb"
    return Pipe(
        file=file,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=not terminal,
        force_terminal=terminal,
        _environ=environment,
        color_system=None if plain else "auto",
        width=None if terminal else PIPED_WIDTH,
    )


Cell = Text | str


def table(out: Console, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Rows under heads. On a terminal long cells wrap; piped, each row is one line."""
    lines = [list(row) for row in rows]
    if not out.is_terminal:
        _plain(out, heads, lines)
        return
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for index, head in enumerate(heads):
        last = index == len(heads) - 1
        grid.add_column(head, no_wrap=not last, overflow="fold" if last else "ellipsis")
    for row in lines:
        grid.add_row(*row)
    out.print(grid)


def _plain(out: Console, heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    texts = [list(heads), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[n]) for row in texts) for n in range(len(heads))]
    for row in texts:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        out.print("  ".join(cells).rstrip())


def pairs(out: Console, rows: Iterable[tuple[str, Cell]]) -> None:
    """Names and values, one a line."""
    lines = list(rows)
    width = max((len(name) for name, _ in lines), default=0)
    for name, value in lines:
        text = Text.assemble((name.ljust(width), "dim"), "  ", value)
        out.print(text)


def named(items: Mapping[str, Any], *names: str) -> list[tuple[str, Cell]]:
    """Those of `names` that an item has, for `pairs`; underscores become blanks."""
    return [(name.replace("_", " "), clean(items[name])) for name in names if name in items]
