"""On call: who, when, where nobody is; overrides and swaps by form; who would be at any instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from mainstay import acts, oncall
from mainstay.acts import commands
from mainstay.console import draw, words
from mainstay.console.desk import asking
from mainstay.console.desk.now.standing import duties
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Form, Part, Showing, Went
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid, MainstayError

DAYS = 14


@dataclass(frozen=True, slots=True)
class Row:
    """One schedule as a strip, with its gaps in words."""

    name: str
    team: str | None
    picture: Markup
    now: str | None
    until: datetime | None
    gaps: list[oncall.Gap]
    gaps_meant: bool


def everything(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The screen."""
    found = duties(reader, tx)
    gaps = [one for one in found if one.person is None and not one.gap_meant]
    if gaps:
        sentence = f"Nobody is on call for {words.listed([one.schedule for one in gaps])}."
    elif found:
        sentence = "Every schedule that needs somebody now has somebody."
    else:
        sentence = "No schedule is declared."
    estate = reader.view.estate
    return {
        "title": "On call", "where": "On call", "sentence": sentence,
        "schedules": list(estate.schedules), "everybody": _everybody(reader),
        "at": reader.query.get("at", ""), "asked": _asked(reader, tx),
        "typed": {name: reader.text(name) for name in ("schedule", "person", "instead_of", "from", "to", "reason")},
        "local": _local(reader.now, reader.site),
        "offer": None if reader.may("oncall.override")
        else asking.offer(reader, tx, "oncall.override", about="/oncall"),
    }  # fmt: skip


def _everybody(reader: Reader) -> dict[str, str]:
    return {name: one.name for name, one in reader.view.estate.people.items()}


def _asked(reader: Reader, tx: Tx) -> Any:
    """Who would be on call at the instant that was asked for."""
    text = reader.query.get("at", "")
    if not text:
        return None
    try:
        at = _instant(text, reader.site)
        return at, duties(reader, tx, at), ""
    except MainstayError as error:
        return None, (), error.sentence


def strips(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """A strip for each schedule, fourteen days from this morning."""
    zone = reader.zone
    today = reader.now.astimezone(zone).date()
    start = datetime(today.year, today.month, today.day, tzinfo=zone)
    days = [start.date() + timedelta(days=number) for number in range(DAYS)]
    last = days[-1] + timedelta(days=1)
    end = datetime(last.year, last.month, last.day, tzinfo=zone)
    tones = {name: number for number, name in enumerate(reader.view.estate.people)}
    rows = [_row(reader, tx, name, start, end, tones) for name in reader.view.estate.schedules]
    return {"rows": rows, "days": days, "today": today, "names": words.DAYS}


def _row(
    reader: Reader, tx: Tx, name: str, start: datetime, end: datetime, tones: Mapping[str, int]
) -> Row:
    view = reader.view
    found = oncall.shifts(
        tx, view.estate, schedule=name, start=start, end=end, is_business_day=view.is_business_day
    )
    schedule = view.estate.schedules[name]
    meant = schedule.gaps == "allow"
    stretches = [_stretch(reader, one, start, end, tones) for one in found]
    gaps = [one for one in found if isinstance(one, oncall.Gap) and (one.until or end) > reader.now]
    here = next(
        (one for one in found if (one.since or start) <= reader.now < (one.until or end)), None
    )
    people = list(dict.fromkeys(one.who for one in stretches if one.who))
    label = f"{name}: {words.listed(people) if people else 'nobody'} in {DAYS} days"
    if gaps and not meant:
        label += f", {words.counted(len(gaps), 'gap')}"
    picture = draw.strip(
        stretches, start=start, end=end, now=reader.now, zone=reader.zone, label=label,
        gaps_allowed=meant,
    )  # fmt: skip
    person = here.person if isinstance(here, oncall.Duty) else None
    return Row(
        name,
        schedule.team,
        picture,
        person,
        here.until if here else None,
        [] if meant else gaps,
        meant,
    )


def _stretch(
    reader: Reader, one: oncall.Answer, start: datetime, end: datetime, tones: Mapping[str, int]
) -> draw.Stretch:
    since, until = one.since or start, one.until or end
    when = f"{reader.times.short(since)} to {reader.times.short(until)}"
    if isinstance(one, oncall.Gap):
        return draw.Stretch(since, until, None, f"Nobody, {when}")
    name = reader.name(one.person)
    title = f"{name}, {when}" + (", by an override" if one.override else "")
    return draw.Stretch(
        since, until, name, title, tones.get(one.person, 0), one.override is not None
    )


def coming(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """Overrides in force or to come."""
    return {"overrides": oncall.overrides.coming(tx, now=reader.now)}


# -- acting ----------------------------------------------------------------------------------------


def override(reader: Reader) -> Went:
    """Somebody takes somebody's shifts. With `swap_*`, two at once: a swap."""
    zone = reader.site
    wanted = [
        oncall.Wanted(
            reader.text("schedule"), reader.text("person"), _instant(reader.text("from"), zone),
            _instant(reader.text("to"), zone), reader.text("reason"), reader.text("instead_of") or None,
        )
    ]  # fmt: skip
    if reader.text("swap_from") or reader.text("swap_to"):
        if not reader.text("instead_of"):
            raise Invalid("A swap needs both: say instead of whom.", pointer="/instead_of")
        wanted.append(
            oncall.Wanted(
                reader.text("schedule"), reader.text("instead_of"), _instant(reader.text("swap_from"), zone),
                _instant(reader.text("swap_to"), zone), reader.text("reason"), reader.text("person"),
            )
        )  # fmt: skip
    done = reader.act(commands.AddOverrides(tuple(wanted)))
    return Went("/oncall", done.sentence)


def remove(reader: Reader) -> Went:
    """Back to the schedule."""
    return Went("/oncall", reader.act(commands.RemoveOverride(reader.query["id"])).sentence)


def _instant(text: str, zone: ZoneInfo) -> datetime:
    """What a date-time field holds, in site time; with an offset, as it says."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("Give day and time, such as 2026-11-24T09:00.", pointer="/from") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


PARTS = (
    Part("oncall/strips", "oncall.read", ("oncall", "estate"), strips, "The strips"),
    Part("oncall/overrides", "oncall.read", ("oncall",), coming, "Overrides"),
)
_SCREEN = Showing("/oncall", "oncall.read", everything, "oncall.html", here="oncall")
SHOWINGS = (_SCREEN,)
FORMS = (
    Form("/oncall/override", acts.PERMISSION[commands.AddOverrides], override, back=_SCREEN),
    Form("/overrides/{id}/remove", acts.PERMISSION[commands.RemoveOverride], remove, back=_SCREEN),
)
