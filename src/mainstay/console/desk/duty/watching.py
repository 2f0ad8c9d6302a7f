"""Checks: how each stands, and one of them with what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from mainstay import checks
from mainstay.checks import Standing, State
from mainstay.console import draw, words
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Part, Showing
from mainstay.estate import View
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import NotFound
from mainstay.foundation.nearest import hint

READ = "checks.read"
LOOKS = {
    State.OK: "ok", State.WARN: "warn", State.FAIL: "crit", State.NOT_SEEN: "unknown",
    State.WAITING: "wait",
}  # fmt: skip
WORDS = {
    State.OK: "healthy", State.WARN: "at risk", State.FAIL: "failing", State.NOT_SEEN: "not seen",
    State.WAITING: "not looked at yet",
}  # fmt: skip
WORST = ("crit", "unknown", "warn", "wait", "mute", "ok")
BACK = timedelta(hours=24)
RESULTS = 60
PAST = timedelta(days=30)
SLOTS = 48


def sheet_of(view: View) -> checks.Sheet:
    """The checks of a version, compiled once."""
    return view.once("console.sheet", lambda: checks.Sheet(view))


def look_of(one: Standing) -> str:
    """Glyph and hue of a standing; what tells nothing new is muted."""
    return "mute" if one.muted and one.state is not State.OK else LOOKS[one.state]


def standings(reader: Reader, tx: Tx) -> list[Standing]:
    """Every check that the reader may see, the worst first."""

    def read() -> list[Standing]:
        found = [
            one for one in checks.states(tx, sheet_of(reader.view), now=reader.now)
            if one.service not in reader.hidden
        ]  # fmt: skip
        return sorted(found, key=lambda one: (WORST.index(look_of(one)), one.service, one.name))

    return reader.once("standings", read)


def everything(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The screen."""
    return {"title": "Checks", "where": "Checks", "sentence": _sentence(standings(reader, tx))}


def _sentence(found: list[Standing]) -> str:
    if not found:
        return "The estate declares no check."
    looks = [look_of(one) for one in found]
    bad = [one.name for one in found if look_of(one) == "crit"]
    unseen = looks.count("unknown")
    if bad:
        verb = "is" if len(bad) == 1 else "are"
        return f"{words.listed(bad)} {verb} failing, of {words.counted(len(found), 'check')}."
    if unseen:
        return f"Nothing fails; {unseen} of {words.counted(len(found), 'check')} not seen in time."
    return f"{words.counted(len(found), 'check')}: nothing fails."


def rows(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """Every check in a table."""
    declared = reader.view.estate.checks
    return {
        "rows": [(one, declared.get(one.check), look_of(one)) for one in standings(reader, tx)],
        "called": WORDS,
    }  # fmt: skip


def one(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """One check: on every host, with what was measured in the last day."""
    name = reader.query.get("check", "")
    declared = reader.view.estate.checks.get(name)
    if declared is None or declared.service in reader.hidden:
        known = reader.view.estate.checks
        raise NotFound(f"The estate declares no check {name[:60]!r}{hint(name[:60], known)}.")
    found = [one for one in standings(reader, tx) if one.check == name]
    lists = [
        (key, rules.name or key) for key, rules in reader.view.estate.checklists.items()
        if name in rules.keys
    ]  # fmt: skip
    return {
        "title": name, "where": name, "name": name, "it": declared, "lists": lists, "called": WORDS,
        "state": min((look_of(one) for one in found), key=WORST.index, default="unknown"),
    }  # fmt: skip


def measured(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """How it stands on each host, and its results of the last day."""
    name = reader.query.get("check", "")
    found = []
    for standing in (one for one in standings(reader, tx) if one.check == name):
        results = checks.history(tx, standing.name, since=reader.now - BACK, before=reader.now)
        past = days(reader, tx, [standing.name])
        row = (standing, look_of(standing), _picture(reader, results), past, results[:RESULTS])
        found.append(row)
    return {"hosts": found, "called": WORDS}


def days(reader: Reader, tx: Tx, names: Sequence[str]) -> Any:
    """How these checks stood on each of the last days, the worst of them; None: nothing is kept."""
    found = checks.past.slots(
        tx, names, start=reader.now - PAST, end=reader.now, zone=reader.site, by="day"
    )
    shares = [one.share for one in found if one.share is not None]
    if not shares:
        return None
    seen = sum((one.ok + one.warn + one.fail for one in found), timedelta())
    lost = sum((one.fail for one in found), timedelta())
    said = f"{100 * (1 - lost / seen):.3f}".rstrip("0").rstrip(".")
    label = f"{said} % of what was seen in the last {PAST.days} days was well"
    named = [(f"{one.start.astimezone(reader.site):%d %b}", one.share) for one in found]
    return {"picture": draw.days(named, label=label), "said": label}


def _picture(reader: Reader, results: list[checks.Result]) -> Any:
    """The worst verdict of each half hour of the last day."""
    slot = BACK / SLOTS
    rank = ("fail", "warn", "ok")
    worst: list[str | None] = [None] * SLOTS
    for result in results:
        number = min(SLOTS - 1, int((result.at - (reader.now - BACK)) / slot))
        before = worst[number]
        if before is None or rank.index(result.verdict) < rank.index(before):
            worst[number] = result.verdict
    state = {"ok": "ok", "warn": "at risk", "fail": "failing", None: None}
    begin = reader.now - BACK
    named = [
        (reader.times.clock(begin + n * slot), state[verdict]) for n, verdict in enumerate(worst)
    ]
    bad = sum(one not in ("ok", None) for one in worst)
    return draw.mornings(named, label=f"not well in {bad} of {SLOTS} half hours of the last day")


PARTS = (
    Part("duty/checks", READ, ("checks", "alerts", "estate"), rows, "Checks"),
    Part("duty/check", READ, ("checks", "alerts", "estate"), measured, "The check", ("check",)),
)
SHOWINGS = (
    Showing("/checks", READ, everything, "duty_checks.html", here="checks"),
    Showing("/checks/{check}", READ, one, "duty_check.html", here="checks"),
)
