"""The record: everything that was done and decided, why, by whom; and whether its chain holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mainstay import incidents, people
from mainstay.console import words
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Part, Showing
from mainstay.foundation import record
from mainstay.foundation.clock import from_us
from mainstay.foundation.db import Row, Tx

AT_ONCE = 60
KINDS = (
    "alert",
    "incident",
    "paging",
    "page",
    "silence",
    "override",
    "estate",
    "signal",
    "token",
    "key",
    "act",
)


def everything(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The screen."""
    _for_every_team(reader)
    n = record.last_seq(tx)
    waiting = record.unsealed_n(tx)
    sealed = (
        "every one is sealed" if not waiting else f"{words.counted(waiting, 'row')} not sealed yet"
    )
    asked = {name: reader.query.get(name, "") for name in ("kind", "actor", "q")}
    return {
        "title": "Record", "where": "Record", "kinds": KINDS, "asked": asked,
        "sentence": f"{words.counted(n, 'row')}; {sealed}.",
    }  # fmt: skip


def rows(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The rows that were asked for, newest first."""
    _for_every_team(reader)
    text = reader.query.get("before", "")
    before = int(text) if text.isdecimal() and len(text) < 19 else None
    kind = reader.query.get("kind", "")
    found = record.find(
        tx, kind=f"{kind}." if kind else "", actor=reader.query.get("actor", ""),
        text=reader.query.get("q", ""), before=before, limit=AT_ONCE,
    )  # fmt: skip
    numbers = {name: one.number for name in {row["incident"] for row in found if row["incident"]}
               if (one := incidents.get(tx, name)) is not None}  # fmt: skip
    asked = {name: reader.query[name] for name in ("kind", "actor", "q") if reader.query.get(name)}
    more = str(found[-1]["seq"]) if len(found) == AT_ONCE else ""
    return {"rows": [_row(one, numbers) for one in found], "more": more, "asked": asked}


def _for_every_team(reader: Reader) -> None:
    """Forbidden for who may for some teams alone: the whole record cannot be told apart by team."""
    if reader.actor.teams("record.read") is not None:
        people.require(reader.actor, "record.read", team=people.EVERY_TEAM)


def _row(row: Row, numbers: Mapping[str, int]) -> dict[str, Any]:
    subject: str = row["subject"]
    link = None
    if row["incident"] in numbers:
        link = (
            f"/incidents/{numbers[row['incident']]}#e{row['seq']}",
            f"INC-{numbers[row['incident']]}",
        )
    elif subject.startswith("alt_"):
        link = (f"/alerts/{subject}", "alert")
    elif subject.startswith("estate:"):
        link = (f"/estate?version={subject.removeprefix('estate:')}", subject)
    return {
        "seq": row["seq"], "at": from_us(row["at"]), "kind": row["kind"], "because": row["because"],
        "actor": row["actor"].removeprefix("person:"), "link": link,
    }  # fmt: skip


def verified(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """What recomputing the whole chain found."""
    found = record.verify(tx)
    if found.broken:
        sentence = f"The chain does not hold: {found.broken}."
    else:
        sentence = f"The chain holds: {words.counted(found.rows, 'row')} under {words.counted(found.seals, 'seal')}."
    return {"title": "Record verified", "where": "Record", "found": found, "sentence": sentence}


PARTS = (
    Part("books/record", "record.read", (), rows, "The record", ("kind", "actor", "q", "before")),
)
SHOWINGS = (
    Showing("/record", "record.read", everything, "record.html", here="record"),
    Showing("/record/verify", "record.verify", verified, "record_verify.html", here="record"),
)
