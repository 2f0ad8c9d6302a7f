"""What stands around every screen: the rail, the tabs of the phone, the banners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mainstay.console.desk.duty import checklists, watching
from mainstay.console.desk.now.standing import Standing, stand
from mainstay.console.desk.now.verdict import verdict
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Part, Showing
from mainstay.foundation.db import Tx


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the rail. `n`: what it counts, or a word; `needs`: who sees it."""

    here: str
    words: str
    href: str
    needs: str
    n: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Failing:
    """A channel that is down, as the banner says it."""

    kind: str
    kind_words: str
    pages: int
    since: Any


def rail(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """Three groups: now, work, people and record; only what the reader may read."""
    groups = [[one for one in group if reader.may(one.needs)] for group in _groups(reader, tx)]
    return {"groups": [group for group in groups if group], "here": reader.query.get("here", "")}


def tabs(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The five of the phone."""
    now, work, _ = _groups(reader, tx)
    chosen = [*now[:3], work[0], Entry("more", "More", "/more", "incidents.read", "all screens")]
    here = reader.query.get("here", "")
    known = {one.here for one in chosen}
    shown = [one for one in chosen if reader.may(one.needs)]
    return {"entries": shown, "here": here if here in known else "more"}


def banners(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """A channel that fails outranks every other thing that a screen could say."""
    down = stand(reader, tx).down
    return {"down": [Failing(one.kind, _kind(one.kind), one.pages, one.since) for one in down]}


def everything(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """Every screen, for the phone."""
    groups = [[one for one in group if reader.may(one.needs)] for group in _groups(reader, tx)]
    return {"title": "All screens", "where": "All screens", "groups": groups}


def _groups(reader: Reader, tx: Tx) -> tuple[list[Entry], list[Entry], list[Entry]]:
    return reader.once("groups", lambda: _read(reader, tx))


def _read(reader: Reader, tx: Tx) -> tuple[list[Entry], list[Entry], list[Entry]]:
    standing = stand(reader, tx)
    found = verdict(standing, reader)
    tone = found.state if found.state in ("crit", "warn") else ""
    now = [
        Entry("today", "Today", "/", "incidents.read", found.short, tone),
        _incidents(standing),
        Entry("alerts", "Alerts", "/alerts", "alerts.read", _n(standing.alerts_n)),
        Entry(
            "services", "Services", "/services", "alerts.read", _n(len(reader.view.estate.services))
        ),
    ]
    now.append(_checks(reader, tx))
    now.append(Entry("find", "Find", "/find", "diagnosis.find"))
    gaps = sum(one.person is None and not one.gap_meant for one in standing.duties)
    work = [
        Entry(
            "oncall",
            "On call",
            "/oncall",
            "oncall.read",
            f"{gaps} gap" if gaps else _mine(standing, reader),
            "crit" if gaps else "",
        ),
        Entry("silences", "Silences", "/silences", "alerts.read", _n(standing.silences_n)),
        _checklists(reader, tx),
        Entry("shift", "Shift", "/shift", "handover.read"),
    ]
    books = [
        Entry("estate", "Estate", "/estate", "estate.read", f"v{reader.view.version}"),
        Entry("people", "People", "/people", "people.read", ""),
        Entry("record", "Record", "/record", "record.read"),
        Entry(
            "system",
            "Mainstay",
            "/system",
            "system.read",
            f"{standing.backlog:,} wait" if standing.backlog else "",
        ),
    ]
    return now, work, books


def _checks(reader: Reader, tx: Tx) -> Entry:
    looks = [watching.look_of(one) for one in watching.standings(reader, tx)]
    bad = looks.count("crit")
    tone, n = ("crit", bad) if bad else ("", len(looks))
    return Entry("checks", "Checks", "/checks", watching.READ, _n(n), tone)


def _checklists(reader: Reader, tx: Tx) -> Entry:
    left = [one for one in checklists.signs(reader, tx) if one.run.is_open]
    late = any(one.late for one in left)
    fact = "late" if late else "to sign" if left else ""
    return Entry(
        "checklists", "Checklists", "/checklists", "handover.read", fact, "crit" if late else ""
    )


def _incidents(standing: Standing) -> Entry:
    alone = sum(not one.is_held for one in standing.open)
    tone = "crit" if alone else ""
    return Entry(
        "incidents", "Incidents", "/incidents", "incidents.read", _n(len(standing.open)), tone
    )


def _mine(standing: Standing, reader: Reader) -> str:
    return "you" if any(one.person == reader.actor.id for one in standing.duties) else ""


def _n(number: int) -> str:
    return f"{number:,}" if number else ""


def _kind(kind: str) -> str:
    return kind.upper() if kind == "sms" else kind.capitalize()


PARTS = (
    Part(
        "frame/rail",
        "incidents.read",
        ("incidents", "alerts", "silences", "oncall", "estate", "shift", "checks"),
        rail,
        "The rail",
        ("here",),
    ),
    Part(
        "frame/tabs",
        "incidents.read",
        ("incidents", "alerts", "oncall"),
        tabs,
        "The tabs",
        ("here",),
    ),
    Part("frame/banners", "incidents.read", ("pages",), banners, "The banners"),
)
SHOWINGS = (Showing("/more", "incidents.read", everything, "more.html", here="more"),)
