"""What people do to a handover: the leaver edits and offers it, the taker accepts it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from mainstay.estate import View
from mainstay.foundation.clock import to_text
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Forbidden, Invalid
from mainstay.handover import shifts
from mainstay.handover.passing import store
from mainstay.handover.passing.draft import draft, sentence
from mainstay.handover.passing.store import Handover

SAID_MAX = 10_000
"""Characters that the leaver may add."""
_STABLE = msgspec.json.Encoder(order="sorted").encode


def edit(tx: Tx, one: Handover, *, said: str) -> Handover:
    """What the leaver adds, in their words; it replaces what was there."""
    _check_open(one)
    if len(said) > SAID_MAX or "\0" in said:
        raise Invalid(f"At most {SAID_MAX:,} characters of plain text.", pointer="/said")
    after = replace(one, said=said.strip())
    store.write(tx, after)
    return after


def offer(tx: Tx, one: Handover, *, person: str, now: datetime) -> Handover:
    """The leaver has read it and hands over; from here on it waits for the taker."""
    _check_open(one)
    if one.state == "offered":
        raise Conflict(f"{one.offered_by} has offered it already.")
    after = replace(one, state="offered", offered_by=person, offered_at=now)
    store.write(tx, after)
    return after


def accept(
    tx: Tx, view: View, one: Handover, *, person: str, is_lead: bool, note: str, now: datetime
) -> Handover:
    """The taker has read it: what it said is frozen. A draft can be accepted when its leaver is gone.

    Forbidden for whoever offered it, and for who is neither of the team nor its lead.
    """
    _check_open(one)
    if (why := why_not(tx, view, one, person=person, is_lead=is_lead)) is not None:
        raise Forbidden(why)
    if len(note) > SAID_MAX:
        raise Invalid(f"At most {SAID_MAX:,} characters.", pointer="/note")
    taken = replace(one, state="accepted", accepted_by=person, accepted_at=now, note=note.strip())
    text = _STABLE(_whole(tx, view, taken, now=now)).decode()
    after = replace(taken, content=text, content_hash=sha256(text.encode()).hexdigest())
    store.write(tx, after)
    return after


def why_not(
    tx: Tx, view: View, one: Handover, *, person: str, is_lead: bool
) -> str | None:  # fmt: skip
    """Why this person may not accept a handover; None when they may."""
    if person == one.offered_by:
        return f"{person} hands over; somebody else accepts it."
    if is_lead:
        return None
    team = view.estate.teams.get(one.team)
    if team is None or person not in team.members:
        return f"A member of {one.team} accepts it, or whoever holds the role lead for it."
    taking = shifts.following(view, one.stretch)
    if one.shift not in team.shifts or taking is None:
        return None
    leaves = person in shifts.staffing(tx, view, one.stretch).people
    if leaves and person not in shifts.staffing(tx, view, taking).people:
        return f"{person} works the shift that ends; somebody of {taking.shift} accepts it."
    return None


def content(tx: Tx, view: View, one: Handover, *, now: datetime) -> dict[str, Any]:
    """What it says: as it was accepted, or as it stands now."""
    if one.content is not None:
        frozen: dict[str, Any] = msgspec.json.decode(one.content)
        return frozen
    return _whole(tx, view, one, now=now)


def _whole(tx: Tx, view: View, one: Handover, *, now: datetime) -> dict[str, Any]:
    found = draft(tx, view, one, now=now)
    return found | {
        "sentence": sentence(found), "said": one.said, "offered_by": one.offered_by,
        "accepted_by": one.accepted_by, "note": one.note, "seen_at": to_text(now),
    }  # fmt: skip


def _check_open(one: Handover) -> None:
    if not one.is_open:
        by = f" by {one.accepted_by}" if one.accepted_by else ""
        raise Conflict(f"This handover is {one.state}{by}; nothing changes in it any more.")
