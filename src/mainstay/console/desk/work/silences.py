"""Silences: in force, to come, over; a new one with what it would mute now; the end of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mainstay import acts, alerts
from mainstay.acts import commands
from mainstay.alerts import Matcher, Silence
from mainstay.console import words
from mainstay.console.desk.now.today import alert_row
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Form, Part, Showing, Went
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid, MainstayError

SHOWN_OVER = timedelta(days=7)
LOOKED_AT = 2_000
"""Open alerts that a preview compares; it says so when there are more."""
PREVIEW = 8
LASTS = {
    "30": "30 minutes",
    "60": "1 hour",
    "240": "4 hours",
    "480": "8 hours",
    "1440": "1 day",
    "4320": "3 days",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A silence with where it stands and how many alerts it mutes now."""

    silence: Silence
    state: str
    word: str
    starts_at: datetime
    ends_at: datetime
    mutes: int


def everything(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The screen."""
    found = [row for row in _rows(reader, tx) if row.word == "in force"]
    muted = sum(row.mutes for row in found)
    if found:
        head = f"{words.counted(len(found), 'silence')} in force"
        first = min(found, key=lambda row: row.ends_at)
        sentence = f"{head}, muting {words.counted(muted, 'open alert')}; the next ends {reader.times.short(first.ends_at)}."
    else:
        sentence = "Nothing is silenced."
    return {"title": "Silences", "where": "Silences", "sentence": sentence}


def rows(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """In force, to come, and over within a week."""
    return {"rows": _rows(reader, tx)}


def _rows(reader: Reader, tx: Tx) -> list[Row]:
    now_us = to_us(reader.now)
    found = alerts.silences(tx, ended_since_us=to_us(reader.now - SHOWN_OVER))
    muted = {one.id: alerts.count_muted(tx, one.id) for one in found}
    made = []
    for one in found:
        over = one.ended_at is not None or one.ends_at <= now_us
        word = "over" if over else "to come" if one.starts_at > now_us else "in force"
        state = {"over": "ok", "to come": "wait", "in force": "mute"}[word]
        ends = from_us(one.ended_at if one.ended_at is not None else one.ends_at)
        made.append(Row(one, state, word, from_us(one.starts_at), ends, muted[one.id]))
    order = ("in force", "to come", "over")
    return sorted(
        made,
        key=lambda row: (
            order.index(row.word),
            row.ends_at if row.word != "over" else reader.now - (row.ends_at - reader.now),
        ),
    )


def form(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The form of a new silence; with matchers in the address it shows what they mute now."""
    asked = reader.text("matchers") or reader.query.get("matchers", "")
    return {
        "title": "New silence", "where": "New silence", "matchers": asked, "lasts": LASTS,
        "chosen": reader.text("lasts") or "60", "reason": reader.text("reason"),
        **preview(reader, tx),
    }  # fmt: skip


def preview(reader: Reader, tx: Tx) -> dict[str, Any]:
    """What the matchers would mute now: the first alerts, and how many."""
    asked = reader.text("matchers") or reader.query.get("matchers", "")
    nothing = {"hits": [], "n": 0, "looked_at": 0, "wrong": ""}
    if not asked.strip():
        return nothing
    try:
        matchers = _matchers(asked)
    except MainstayError as error:
        return nothing | {"wrong": error.sentence}
    opened = alerts.page_open(tx, service=None, before=None, limit=LOOKED_AT, hidden=reader.hidden)
    hits = [one for one in opened if alerts.fits_all(matchers, alerts.matched_labels(one))]
    shown = [alert_row(reader, tx, one) for one in hits[:PREVIEW]]
    return nothing | {"hits": shown, "n": len(hits), "looked_at": len(opened)}


def _matchers(text: str) -> tuple[Matcher, ...]:
    """One a line, or parted by commas outside of quotes: as a person writes them."""
    lines = [line.strip().rstrip(",") for line in text.splitlines() if line.strip()]
    return tuple(alerts.parse(line) for line in lines)


def add(reader: Reader) -> Went:
    """A new silence, at once."""
    minutes = reader.text("lasts")
    if minutes not in LASTS:
        raise Invalid("Say for how long.", pointer="/lasts")
    matchers = _matchers(reader.text("matchers"))
    ends_at = reader.now + timedelta(minutes=int(minutes))
    done = reader.act(commands.AddSilence(matchers, reader.now, ends_at, reader.text("reason")))
    return Went("/silences", done.sentence)


def end(reader: Reader) -> Went:
    """Let it speak again."""
    return Went("/silences", reader.act(commands.EndSilence(reader.query["id"])).sentence)


PARTS = (
    Part("silences/rows", "alerts.read", ("silences", "alerts"), rows, "Silences"),
    Part(
        "silences/preview", "alerts.read", ("alerts",), preview, "What it mutes now", ("matchers",)
    ),
)
_SCREEN = Showing("/silences", "alerts.read", everything, "silences.html", here="silences")
_NEW = Showing("/silences/new", "alerts.silence", form, "silence_new.html", here="silences")
SHOWINGS = (_SCREEN, _NEW)
FORMS = (
    Form("/silences/new", acts.PERMISSION[commands.AddSilence], add, back=_NEW),
    Form("/silences/{id}/end", acts.PERMISSION[commands.EndSilence], end, back=_SCREEN),
)
