"""Asking somebody who may to do what one may not: a line in their *Yours*, for a day.

Bounded: the same thing once in a quarter of an hour, five things an hour. Who asks is named; what
they ask for is the permission that they were refused, and the screen that they were at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never

from mainstay import people
from mainstay.acts.commands import AnswerAsk, AskFor
from mainstay.acts.done import Act, Done
from mainstay.foundation import record
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid, NotFound, OverLimit

OnAsking = AskFor | AnswerAsk
ASKED, ANSWERED = "help.asked", "help.answered"
OPEN_FOR = timedelta(hours=24)
"""Then nobody is shown it any more."""
AGAIN_AFTER = timedelta(minutes=15)
AN_HOUR_MAX = 5
NOTE_CHARS_MAX = 300
ABOUT_CHARS_MAX = 300
LOOKED_AT = 200
"""Rows; more were asked within a day by nobody who is held to the limits above."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that somebody is asked to do. `seq`: its row of the record."""

    seq: int
    at: datetime
    person: str
    permission: str
    team: str | None
    about: str
    note: str


def asked(tx: Tx, actor: people.Actor, *, now: datetime) -> tuple[Asked, ...]:
    """What others ask of whoever may do it, and nobody has answered; newest first."""
    mine = [one for one in people.PERMISSIONS if actor.has(one)]
    return tuple(
        one for one in _open(tx, mine, now=now)
        if one.person != actor.id and actor.has(one.permission, team=one.team)
    )  # fmt: skip


def who_could(tx: Tx, permission: str, *, team: str | None) -> tuple[str, ...]:
    """Who holds a role that may do this (for the team, if it is one team's), in order of their ids."""
    return tuple(sorted({
        one.person for one in people.held(tx)
        if people.Actor("person", one.person, (one.what,)).has(permission, team=team)
    }))  # fmt: skip


def perform(act: Act, command: OnAsking) -> Done:
    """Ask, or say that it is done."""
    match command:
        case AskFor():
            return _ask(act, command)
        case AnswerAsk():
            return _answer(act, command)
    assert_never(command)


def _ask(act: Act, command: AskFor) -> Done:
    permission, team, about = command.permission, command.team, command.about
    if permission not in people.PERMISSIONS:
        raise Invalid(f"There is no permission {permission[:40]!r}.", pointer="/permission")
    if not about.startswith("/") or about.startswith("//") or len(about) > ABOUT_CHARS_MAX:
        raise Invalid("Say which screen it is about: a path of this console.", pointer="/about")
    if len(command.note) > NOTE_CHARS_MAX:
        raise Invalid(f"Say it in {NOTE_CHARS_MAX} characters.", pointer="/note")
    if team is not None and team not in act.view.estate.teams:
        raise NotFound(f"The estate has no team {team[:40]!r}.")
    _check_limits(act, permission, about)
    could = [one for one in who_could(act.tx, permission, team=team) if one != act.actor.id]
    if not could:
        raise NotFound(f"Nobody holds a role that may do this ({permission}).")
    words = f"{act.actor.id} asks {_some(could)} for {permission} at {about}"
    words += f": {command.note}" if command.note else ""
    facts = {"permission": permission, "team": team, "about": about, "note": command.note}
    fact = act.fact("help.asked", _subject(permission), words, facts=facts)
    return Done(f"Asked: {_some(could)} will see it under Yours", permission, could, (fact,))


def _answer(act: Act, command: AnswerAsk) -> Done:
    mine = {one.seq: one for one in asked(act.tx, act.actor, now=act.now)}
    found = mine.get(command.seq)
    if found is None:
        raise NotFound("Nobody asks you for this any more.")
    words = f"{act.actor.id} has seen to what {found.person} asked for at {found.about}"
    fact = act.fact("help.answered", _subject(found.permission), words, facts={"asked": found.seq})
    return Done(words, str(found.seq), found, (fact,))


def _check_limits(act: Act, permission: str, about: str) -> None:
    hour_ago = act.now - timedelta(hours=1)
    mine = [
        one for one in _rows(act.tx, people.PERMISSIONS)
        if one["kind"] == ASKED and one["actor"] == act.who and one["at"] > to_us(hour_ago)
    ]  # fmt: skip
    for one in mine:
        same = record.facts_of(one)["about"] == about and one["subject"] == _subject(permission)
        left = from_us(one["at"]) + AGAIN_AFTER - act.now
        if same and left > timedelta(0):
            raise OverLimit(
                "You have asked for this already; they see it.", limit=1, unit="times in 15 min",
                retry_after_s=left.total_seconds(),
            )  # fmt: skip
    if len(mine) >= AN_HOUR_MAX:
        words = f"You have asked {AN_HOUR_MAX} times within an hour; call them instead."
        raise OverLimit(words, limit=AN_HOUR_MAX, unit="an hour", retry_after_s=900)


def _open(tx: Tx, permissions: list[str], *, now: datetime) -> list[Asked]:
    rows = _rows(tx, permissions)
    answered = {record.facts_of(one)["asked"] for one in rows if one["kind"] == ANSWERED}
    return [
        _asked(one) for one in rows
        if one["kind"] == ASKED and one["seq"] not in answered and one["at"] > to_us(now - OPEN_FOR)
    ]  # fmt: skip


def _rows(tx: Tx, permissions: Any) -> list[Any]:
    return record.newest_about(tx, [_subject(one) for one in permissions], limit=LOOKED_AT)


def _asked(row: Any) -> Asked:
    facts = record.facts_of(row)
    return Asked(
        row["seq"], from_us(row["at"]), row["actor"].removeprefix("person:"), facts["permission"],
        facts["team"], facts["about"], facts["note"],
    )  # fmt: skip


def _subject(permission: str) -> str:
    return f"ask:{permission}"


def _some(names: list[str]) -> str:
    """At most three by name."""
    shown = names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
