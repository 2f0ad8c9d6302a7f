"""One frame of the live view, as lines of text that fit the terminal exactly. Pure: no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from mainstay.cli import show
from mainstay.cli.incidents import said, story, who_has_it
from mainstay.cli.shift.screen import Mode, Screen

WIDE = 300
"""Columns from which on nothing is set to the right: nobody's terminal, but a pipe."""
ONCALL_MAX = 6
PAGES_MAX = 6
KEYS = {
    Mode.LOOK: "↑↓ choose   a acknowledge   r resolve   n note   t trace   q quit",
    Mode.TRACE: "↑↓ scroll   Esc back   q quit",
}
Item = Mapping[str, Any]


def frame(screen: Screen, *, look: show.Look, width: int, height: int, keys: bool) -> list[Text]:
    """At most `height` lines of at most `width` columns. `keys`: end with what keys do."""
    top = [_head(screen, look, width), *_verdict(screen, look), Text()]
    bottom = _bottom(screen) if keys else []
    room = max(0, height - len(top) - len(bottom))
    if screen.mode is Mode.TRACE:
        middle = _traced(screen, look, room, width)
    elif screen.found is None:
        middle = []
    else:
        middle = _middle(screen, screen.found, look, room)
    middle = middle[:room]
    if keys:
        middle += [Text()] * (room - len(middle))
    lines = (top + middle + bottom)[:height]
    for line in lines:
        line.no_wrap = True
        line.truncate(width, overflow="ellipsis")
    return lines


def _head(screen: Screen, look: show.Look, width: int) -> Text:
    now = look.local(look.now)
    left = Text.assemble((" Mainstay", "bold"), (f"  {screen.url}", "dim"))
    right = f"{now:%a} {now.day} {now:%b %H:%M:%S %Z} "
    gap = width - left.cell_len - cell_len(right) if width < WIDE else 2
    return Text.assemble(left, " " * max(gap, 2), (right, "dim"))


def _verdict(screen: Screen, look: show.Look) -> list[Text]:
    lines = []
    if screen.away_since is not None:
        gone = show.span(look.now - screen.away_since)
        words = f" ! Not reachable since {gone}, trying again."
        if screen.answered_at is not None:
            words += f" What you see is of {look.local(screen.answered_at):%H:%M:%S}."
        trouble = f" {show.clean(screen.trouble)}"
        lines.append(Text.assemble((words, "bold yellow"), (trouble, "dim")))
    if screen.found is not None:
        verdict = show.clean(screen.found["verdict"])
        lines.append(Text.assemble((" ● ", _colour(screen.found)), verdict))
    elif not lines:
        lines.append(Text(" Asking …", "dim"))
    return lines


def _colour(found: Item) -> str:
    """Red while an incident has nobody, yellow while one is open, else green."""
    incidents = found["incidents"]
    if any(not (one.get("acknowledged_by") or one.get("assignee")) for one in incidents):
        return "bold red"
    return "yellow" if incidents else "green"


def _middle(screen: Screen, found: Item, look: show.Look, room: int) -> list[Text]:
    """Incidents get what they need, up to half; the record what is left."""
    oncall = _oncall(found, look)
    pages = _pages(found, look)
    for_incidents = max(3, room - len(oncall) - len(pages) - 5)
    lines = _incidents(screen, found, look, for_incidents)
    lines += oncall + pages
    if room - len(lines) >= 3:
        lines += _record(found, look, room - len(lines) - 1)
    return lines


def _incidents(screen: Screen, found: Item, look: show.Look, room: int) -> list[Text]:
    incidents: Sequence[Item] = found["incidents"]
    count = found.get("alerts_open", 0)
    tail = f"{count} alert{'s' * (count != 1)} open"
    if found.get("backlog"):
        tail += f", {found['backlog']} signals wait to be settled"
    head = Text.assemble((" Incidents", "bold"), (f"   {tail}", "dim"))
    if not incidents:
        return [head, Text("   None is open.", "green"), Text()]
    names = screen.names
    place = names.index(screen.chosen) if screen.chosen in names else 0
    fits = max(1, room - 2 - (len(incidents) > room - 2))
    first = max(0, min(place - fits // 2, len(incidents) - fits))
    shown = incidents[first : first + fits]
    cells = [_incident(one, look) for one in shown]
    lines = _aligned(cells, [one["name"] == screen.chosen for one in shown])
    hidden = len(incidents) - len(shown)
    more = [Text(f"   and {hidden} more", "dim")] if hidden else []
    return [head, *lines, *more, Text()]


def _incident(one: Item, look: show.Look) -> list[Text]:
    rank = show.clean(one["priority"])
    return [
        Text(show.clean(one["name"]), "bold"),
        Text(show.clean(one.get("label") or rank), show.STYLES.get(rank, "")),
        Text(show.clean(one["service"])),
        Text(look.age(one["opened_at"])),
        show.state(said(one["state"])),
        who_has_it(one),
        Text(next_page(one, look), "dim"),
        Text(show.clean(one["title"])),
    ]


def next_page(one: Item, look: show.Look) -> str:
    """`page in 2:41`, `paging now`, or that none is to come."""
    at = one.get("next_page_at")
    if not at:
        return "no page due"
    left = show.instant(at) - look.now
    return f"page in {show.countdown(left)}" if left > timedelta(0) else "paging now"


def _aligned(rows: Sequence[Sequence[Text]], chosen: Sequence[bool]) -> list[Text]:
    """Rows in columns as wide as they need; the chosen one has its mark."""
    widths = [max(row[n].cell_len for row in rows) for n in range(len(rows[0]))]
    lines = []
    for row, is_chosen in zip(rows, chosen, strict=True):
        line = Text(" ▸ " if is_chosen else "   ")
        for cell, width in zip(row[:-1], widths, strict=False):
            line = Text.assemble(line, cell, " " * (width - cell.cell_len + 2))
        line = Text.assemble(line, row[-1])
        if is_chosen:
            line.stylize("bold")
        lines.append(line)
    return lines


def _oncall(found: Item, look: show.Look) -> list[Text]:
    rows: Sequence[Item] = found.get("oncall", [])
    if not rows:
        return []
    cells = []
    for one in rows[:ONCALL_MAX]:
        who = Text(show.clean(one["person"])) if one.get("person") else show.state("nobody")
        until = f"until {look.when(one['until'])}" if one.get("until") else ""
        cells.append([Text(show.clean(one["schedule"]), "dim"), who, Text(until, "dim")])
    hidden = len(rows) - len(cells)
    more = [Text(f"   and {hidden} more", "dim")] if hidden else []
    return [Text(" On call", "bold"), *_aligned(cells, [False] * len(cells)), *more, Text()]


def _pages(found: Item, look: show.Look) -> list[Text]:
    pages: Sequence[Item] = found.get("pages", [])
    if not pages:
        return []
    newest = sorted(pages, key=_last_touched, reverse=True)[:PAGES_MAX]
    names = {one["id"]: one["name"] for one in found["incidents"] if "id" in one}
    cells = []
    for one in newest:
        incident = show.clean(names.get(one["incident"], one["incident"]))
        cells.append([
            Text(look.when(_last_touched(one)), "dim"),
            Text(show.clean(one["person"])),
            Text(show.clean(one["channel"])),
            show.state(one["state"]),
            Text(incident),
            Text(show.clean(one.get("answer") or one.get("reason")), "dim"),
        ])  # fmt: skip
    return [Text(" Pages", "bold"), *_aligned(cells, [False] * len(cells)), Text()]


def _last_touched(page: Item) -> str:
    return str(page.get("sent_at") or page.get("attempted_at") or page["due_at"])


def _record(found: Item, look: show.Look, room: int) -> list[Text]:
    facts: Sequence[Item] = sorted(found.get("record", []), key=lambda one: one["seq"])
    if not facts:
        return []
    lines = [
        Text.assemble((f"   {look.when(one['at'])}  ", "dim"), show.clean(one["because"]))
        for one in facts[-min(room, 30) :]
    ]
    return [Text(" What happened", "bold"), *lines]


def _traced(screen: Screen, look: show.Look, room: int, width: int) -> list[Text]:
    head = Text(f" Trace of {show.clean(screen.chosen)}", "bold")
    if screen.trace is None:
        return [head, Text("   Asking …", "dim")]
    lines = [Text.assemble("   ", line) for line in story(screen.trace, look, width=width - 3)]
    scroll = min(screen.scroll, max(0, len(lines) - room + 1))
    return [head, *lines[scroll:]]


def _bottom(screen: Screen) -> list[Text]:
    """What was done last, and what keys do now."""
    message = Text(f" {show.clean(screen.message)}" if screen.message else "", _tone(screen))
    match screen.mode:
        case Mode.SURE:
            asked = f" Resolve {screen.chosen}?  y yes   any other key: no"
            return [message, Text(asked, "bold yellow")]
        case Mode.NOTE:
            keys = Text(" ▏  Enter writes it, Esc does not", "dim")
            return [message, Text.assemble(f" Note for {screen.chosen}: {screen.typed}", keys)]
        case _:
            return [message, Text(f" {KEYS[screen.mode]}", "dim")]


def _tone(screen: Screen) -> str:
    return "" if screen.well else "red"
