"""The tables of handovers and of what is left to follow up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Row, Tx
from mainstay.handover.shifts import Stretch

HandoverState = Literal["draft", "offered", "accepted", "lapsed"]


@dataclass(frozen=True, slots=True)
class Handover:
    """From one shift to the next. `said`: what the leaver adds; `content`: as it was accepted."""

    id: str
    team: str
    shift: str
    starts_at: datetime
    ends_at: datetime
    next_shift: str | None
    next_at: datetime | None
    state: HandoverState
    said: str = ""
    offered_by: str | None = None
    offered_at: datetime | None = None
    accepted_by: str | None = None
    accepted_at: datetime | None = None
    note: str = ""
    content: str | None = None
    content_hash: str | None = None
    alarmed: bool = False

    @property
    def stretch(self) -> Stretch:
        """The shift that ends."""
        return Stretch(self.team, self.shift, self.starts_at, self.ends_at)

    @property
    def is_open(self) -> bool:
        """Whether it still waits to be accepted."""
        return self.state in ("draft", "offered")


def insert(tx: Tx, one: Handover) -> None:
    """Keep a new one; one for each shift."""
    tx.insert(
        "INSERT INTO handover_handover",
        [
            {
                "id": one.id, "team": one.team, "shift": one.shift,
                "starts_at": to_us(one.starts_at), "ends_at": to_us(one.ends_at),
                "next_shift": one.next_shift, "next_at": _us(one.next_at), "state": one.state,
            }
        ],
    )  # fmt: skip


def by_id(tx: Tx, handover_id: str) -> Handover | None:
    """One handover."""
    row = tx.one("SELECT * FROM handover_handover WHERE id = :id", id=handover_id)
    return None if row is None else _handover(row)


def of_shift(tx: Tx, stretch: Stretch) -> Handover | None:
    """The handover of one shift."""
    row = tx.one(
        "SELECT * FROM handover_handover WHERE team = :team AND shift = :shift"
        " AND starts_at = :starts_at",
        team=stretch.team, shift=stretch.shift, starts_at=to_us(stretch.starts_at),
    )  # fmt: skip
    return None if row is None else _handover(row)


def newest(tx: Tx, *, team: str | None, limit: int) -> list[Handover]:
    """The newest, newest first; `team` None: of every team."""
    rows = tx.all(
        "SELECT * FROM handover_handover WHERE (:every = 1 OR team = :team)"
        " ORDER BY ends_at DESC, id DESC LIMIT :limit",
        every=int(team is None), team=team or "", limit=limit,
    )  # fmt: skip
    return [_handover(row) for row in rows]


def waiting(tx: Tx, team: str) -> list[Handover]:
    """Those that nobody has accepted yet, the oldest first."""
    rows = tx.all(
        "SELECT * FROM handover_handover WHERE team = :team AND state IN ('draft', 'offered')"
        " ORDER BY ends_at, id",
        team=team,
    )
    return [_handover(row) for row in rows]


def write(tx: Tx, one: Handover) -> None:
    """The handover as it is now."""
    tx.run(
        "UPDATE handover_handover SET state = :state, said = :said, offered_by = :offered_by,"
        " offered_at = :offered_at, accepted_by = :accepted_by, accepted_at = :accepted_at,"
        " note = :note, content = :content, content_hash = :content_hash WHERE id = :id",
        id=one.id, state=one.state, said=one.said, offered_by=one.offered_by,
        offered_at=_us(one.offered_at), accepted_by=one.accepted_by,
        accepted_at=_us(one.accepted_at), note=one.note, content=one.content,
        content_hash=one.content_hash,
    )  # fmt: skip


def set_alarmed(tx: Tx, handover_id: str, *, alarmed: bool) -> None:
    """Whether somebody is being paged for it."""
    tx.run(
        "UPDATE handover_handover SET alarmed = :alarmed WHERE id = :id",
        id=handover_id, alarmed=int(alarmed),
    )  # fmt: skip


# -- follow-ups ------------------------------------------------------------------------------------


def insert_followup(tx: Tx, row: dict[str, Any]) -> None:
    """Keep something that is left to do."""
    tx.insert("INSERT INTO handover_followup", [row])


def followup_row(tx: Tx, followup_id: str) -> Row | None:
    """One of them, open or done."""
    return tx.one("SELECT * FROM handover_followup WHERE id = :id", id=followup_id)


def open_followups(tx: Tx, team: str, *, limit: int) -> list[Row]:
    """What is left to do for a team, the oldest first."""
    return tx.all(
        "SELECT * FROM handover_followup WHERE team = :team AND done_at IS NULL"
        " ORDER BY at, id LIMIT :limit",
        team=team, limit=limit,
    )  # fmt: skip


def end_followup(tx: Tx, followup_id: str, *, by: str, at: datetime) -> bool:
    """Done; False when it was done before."""
    return bool(
        tx.run(
            "UPDATE handover_followup SET done_by = :by, done_at = :at"
            " WHERE id = :id AND done_at IS NULL",
            id=followup_id, by=by, at=to_us(at),
        )
    )  # fmt: skip


def _us(at: datetime | None) -> int | None:
    return None if at is None else to_us(at)


def _at(us: int | None) -> datetime | None:
    return None if us is None else from_us(us)


def _handover(row: Row) -> Handover:
    values = {name: row[name] for name in Handover.__slots__}
    for name in ("starts_at", "ends_at", "next_at", "offered_at", "accepted_at"):
        values[name] = _at(values[name])
    return Handover(**values | {"alarmed": bool(row["alarmed"])})
