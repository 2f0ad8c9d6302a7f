"""Follow-ups: what one shift leaves to the next, until somebody has done it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mainstay.estate import View
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Row, Tx
from mainstay.foundation.errors import Conflict, Invalid, NotFound, OverLimit
from mainstay.foundation.ids import Ids
from mainstay.handover.log import checked_note
from mainstay.handover.passing import store

OPEN_MAX = 200
"""Of one team; more than that nobody follows up."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Something left to do. `owner` None: whoever has the shift."""

    id: str
    team: str
    text: str
    owner: str | None
    author: str
    at: datetime
    done_by: str | None = None
    done_at: datetime | None = None


def add(
    tx: Tx, ids: Ids, view: View, team: str, *, text: str, owner: str | None, author: str,
    now: datetime,
) -> FollowUp:  # fmt: skip
    """One more thing to follow up."""
    if owner is not None and owner not in view.estate.people:
        raise Invalid(f"The estate has no person {owner[:60]!r}.", pointer="/owner")
    if len(store.open_followups(tx, team, limit=OPEN_MAX)) >= OPEN_MAX:
        raise OverLimit(
            f"{team} has {OPEN_MAX} follow-ups open; end some first.",
            limit=OPEN_MAX, unit="follow-ups",
        )  # fmt: skip
    made = FollowUp(ids.new("fup", now), team, checked_note(text), owner, author, now)
    store.insert_followup(
        tx,
        {"id": made.id, "team": team, "text": made.text, "owner": owner, "author": author,
         "at": to_us(now)},
    )  # fmt: skip
    return made


def followup(tx: Tx, followup_id: str) -> FollowUp:
    """One of them. NotFound where there is none."""
    row = store.followup_row(tx, followup_id)
    if row is None:
        raise NotFound(
            f"There is no follow-up {followup_id[:60]!r}; mainstay shift-log lists them."
        )
    return _followup(row)


def done(tx: Tx, one: FollowUp, *, by: str, now: datetime) -> None:
    """It is done. Conflict when it was before."""
    if not store.end_followup(tx, one.id, by=by, at=now):
        raise Conflict(f"{one.done_by or 'Somebody'} has done this already.")


def open_of(tx: Tx, team: str) -> list[FollowUp]:
    """What is left to do for a team, the oldest first."""
    return [_followup(row) for row in store.open_followups(tx, team, limit=OPEN_MAX)]


def _followup(row: Row) -> FollowUp:
    ended = row["done_at"]
    return FollowUp(
        id=row["id"], team=row["team"], text=row["text"], owner=row["owner"],
        author=row["author"], at=from_us(row["at"]), done_by=row["done_by"],
        done_at=None if ended is None else from_us(ended),
    )  # fmt: skip
