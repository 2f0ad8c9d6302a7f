"""The tables of checklists: runs, what was answered and attached, signatures, waivers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Row, Tx

RunState = Literal["open", "half signed", "signed", "missed"]


@dataclass(frozen=True, slots=True)
class Run:
    """A checklist on one business day."""

    id: str
    checklist: str
    day: date
    team: str
    estate_version: int
    opened_at: datetime
    due_at: datetime
    state: RunState
    due_state: str | None
    """How it stood when it was due; `signed` when it was signed by then."""
    due_because: str | None
    alarmed: bool
    evidence: str | None
    evidence_hash: str | None
    ended_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it can still be signed."""
        return self.state in ("open", "half signed")


@dataclass(frozen=True, slots=True)
class Answered:
    """What is kept of one item: what a person said, and how it stood when the checklist was due."""

    item: str
    state: Literal["ok", "failing"] | None
    because: str | None
    answers: dict[str, Any]
    author: str | None
    at: datetime | None
    due_state: str | None


@dataclass(frozen=True, slots=True)
class File:
    """Something attached, without its content."""

    id: str
    run: str
    item: str
    field: str
    name: str
    media: str
    size: int
    sha256: str
    author: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, and what they said."""

    number: int
    person: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Waiver:
    """An item counts as done until `ends_at`; `owner` sees to it that it is mended by then."""

    id: str
    checklist: str
    item: str
    owner: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    author: str


# -- runs ------------------------------------------------------------------------------------------


def insert_run(tx: Tx, run: Run) -> None:
    """Keep a new run; one for each checklist and day."""
    tx.insert(
        "INSERT INTO handover_run",
        [
            {
                "id": run.id, "checklist": run.checklist, "day": run.day.isoformat(),
                "team": run.team, "estate_version": run.estate_version,
                "opened_at": to_us(run.opened_at), "due_at": to_us(run.due_at), "state": run.state,
            }
        ],
    )  # fmt: skip


def run_by_id(tx: Tx, run_id: str) -> Run | None:
    """One run."""
    row = tx.one("SELECT * FROM handover_run WHERE id = :id", id=run_id)
    return None if row is None else _run(row)


def run_of(tx: Tx, checklist: str, day: date) -> Run | None:
    """The run of a business day."""
    row = tx.one(
        "SELECT * FROM handover_run WHERE checklist = :checklist AND day = :day",
        checklist=checklist, day=day.isoformat(),
    )  # fmt: skip
    return None if row is None else _run(row)


def open_runs(tx: Tx, checklist: str) -> list[Run]:
    """Those that can still be signed, the oldest first."""
    rows = tx.all(
        "SELECT * FROM handover_run WHERE checklist = :checklist AND ended_at IS NULL"
        " ORDER BY due_at",
        checklist=checklist,
    )
    return [_run(row) for row in rows]


def runs(tx: Tx, *, checklist: str | None, before: datetime | None, limit: int) -> list[Run]:
    """The newest runs, newest first; `before`: due earlier than that."""
    rows = tx.all(
        "SELECT * FROM handover_run WHERE due_at < :before"
        " AND (:every = 1 OR checklist = :checklist) ORDER BY due_at DESC, id DESC LIMIT :limit",
        before=1 << 62 if before is None else to_us(before), every=int(checklist is None),
        checklist=checklist or "", limit=limit,
    )  # fmt: skip
    return [_run(row) for row in rows]


def stand_at_due(tx: Tx, run_id: str, *, state: str, because: str) -> None:
    """How a run stood when it was due."""
    tx.run(
        "UPDATE handover_run SET due_state = :state, due_because = :because WHERE id = :id",
        id=run_id, state=state, because=because,
    )  # fmt: skip


def set_alarmed(tx: Tx, run_id: str, *, alarmed: bool) -> None:
    """Whether somebody is being paged for it."""
    tx.run(
        "UPDATE handover_run SET alarmed = :alarmed WHERE id = :id",
        id=run_id, alarmed=int(alarmed),
    )  # fmt: skip


def freeze(tx: Tx, run_id: str, *, evidence: str | None, digest: str | None) -> None:
    """What is signed from here on; None: nothing is."""
    state = "open" if evidence is None else "half signed"
    tx.run(
        "UPDATE handover_run SET evidence = :evidence, evidence_hash = :digest, state = :state"
        " WHERE id = :id",
        id=run_id, evidence=evidence, digest=digest, state=state,
    )  # fmt: skip


def end_run(tx: Tx, run_id: str, *, state: RunState, at: datetime) -> None:
    """Signed, or missed: nothing changes in it any more."""
    tx.run(
        "UPDATE handover_run SET state = :state, ended_at = :at WHERE id = :id",
        id=run_id, state=state, at=to_us(at),
    )  # fmt: skip


# -- items -----------------------------------------------------------------------------------------


def answered(tx: Tx, run_id: str) -> dict[str, Answered]:
    """What is kept of a run's items, by item."""
    rows = tx.all("SELECT * FROM handover_item WHERE run = :run", run=run_id)
    return {row["item"]: _answered(row) for row in rows}


def answered_in(tx: Tx, run_ids: list[str]) -> dict[str, dict[str, Answered]]:
    """The same of several runs, by run."""
    return {run_id: answered(tx, run_id) for run_id in run_ids}


def answer(
    tx: Tx, run_id: str, item: str, *, state: str | None, because: str, answers: dict[str, Any],
    author: str, at: datetime,
) -> None:  # fmt: skip
    """What a person says of an item; it replaces what was said before."""
    tx.run(
        "INSERT INTO handover_item (run, item, state, because, answers, author, at)"
        " VALUES (:run, :item, :state, :because, :answers, :author, :at)"
        " ON CONFLICT (run, item) DO UPDATE SET state = excluded.state, because = excluded.because,"
        " answers = excluded.answers, author = excluded.author, at = excluded.at",
        run=run_id, item=item, state=state, because=because,
        answers=msgspec.json.encode(answers).decode(), author=author, at=to_us(at),
    )  # fmt: skip


def item_at_due(tx: Tx, run_id: str, item: str, state: str) -> None:
    """How an item stood when the checklist was due."""
    tx.run(
        "INSERT INTO handover_item (run, item, due_state) VALUES (:run, :item, :state)"
        " ON CONFLICT (run, item) DO UPDATE SET due_state = excluded.due_state",
        run=run_id, item=item, state=state,
    )  # fmt: skip


# -- files -----------------------------------------------------------------------------------------


def insert_file(tx: Tx, file: File, content: bytes) -> None:
    """Keep something attached."""
    row = {name: getattr(file, name) for name in File.__slots__}
    tx.insert("INSERT INTO handover_file", [row | {"at": to_us(file.at), "content": content}])


def files(tx: Tx, run_id: str) -> list[File]:
    """What is attached to a run, in the order in which it came."""
    rows = tx.all(
        "SELECT id, run, item, field, name, media, size, sha256, author, at FROM handover_file"
        " WHERE run = :run ORDER BY id",
        run=run_id,
    )
    return [_file(row) for row in rows]


def content_of(tx: Tx, file_id: str) -> tuple[File, bytes] | None:
    """One file, whole."""
    row = tx.one("SELECT * FROM handover_file WHERE id = :id", id=file_id)
    return None if row is None else (_file(row), bytes(row["content"]))


# -- signatures ------------------------------------------------------------------------------------


def sign(tx: Tx, run_id: str, signature: Signature) -> None:
    """Keep a signature."""
    tx.run(
        "INSERT INTO handover_signature (run, number, person, at, note)"
        " VALUES (:run, :number, :person, :at, :note)",
        run=run_id, number=signature.number, person=signature.person, at=to_us(signature.at),
        note=signature.note,
    )  # fmt: skip


def unsign(tx: Tx, run_id: str) -> None:
    """Take back the signatures of a run that is not signed yet."""
    tx.run("DELETE FROM handover_signature WHERE run = :run", run=run_id)


def signatures(tx: Tx, run_id: str) -> list[Signature]:
    """Who signed, in order."""
    rows = tx.all("SELECT * FROM handover_signature WHERE run = :run ORDER BY number", run=run_id)
    return [
        Signature(row["number"], row["person"], from_us(row["at"]), row["note"]) for row in rows
    ]


def last_signed(tx: Tx, checklist: str, before: date) -> Run | None:
    """The newest signed run of an earlier day."""
    row = tx.one(
        "SELECT * FROM handover_run WHERE checklist = :checklist AND day < :day"
        " AND state = 'signed' ORDER BY day DESC LIMIT 1",
        checklist=checklist, day=before.isoformat(),
    )  # fmt: skip
    return None if row is None else _run(row)


# -- waivers ---------------------------------------------------------------------------------------


def insert_waiver(tx: Tx, waiver: Waiver) -> None:
    """Keep a waiver."""
    row = {name: getattr(waiver, name) for name in Waiver.__slots__}
    times = {"starts_at": to_us(waiver.starts_at), "ends_at": to_us(waiver.ends_at)}
    tx.insert("INSERT INTO handover_waiver", [row | times])


def waivers(tx: Tx, *, checklist: str | None, at: datetime) -> list[Waiver]:
    """Those in force, of one checklist or (None) of all; the one that ends first is first."""
    rows = tx.all(
        "SELECT * FROM handover_waiver WHERE (:every = 1 OR checklist = :checklist)"
        " AND starts_at <= :at AND ends_at > :at ORDER BY ends_at, id",
        every=int(checklist is None), checklist=checklist or "", at=to_us(at),
    )  # fmt: skip
    return [_waiver(row) for row in rows]


def waiver_by_id(tx: Tx, waiver_id: str) -> Waiver | None:
    """One waiver, in force or over."""
    row = tx.one("SELECT * FROM handover_waiver WHERE id = :id", id=waiver_id)
    return None if row is None else _waiver(row)


def end_waiver(tx: Tx, waiver_id: str, *, at: datetime) -> None:
    """It holds no longer."""
    tx.run(
        "UPDATE handover_waiver SET ends_at = :at WHERE id = :id", id=waiver_id, at=to_us(at)
    )  # fmt: skip


# -- rows ------------------------------------------------------------------------------------------


def _run(row: Row) -> Run:
    ended = row["ended_at"]
    return Run(
        id=row["id"], checklist=row["checklist"], day=date.fromisoformat(row["day"]),
        team=row["team"], estate_version=row["estate_version"],
        opened_at=from_us(row["opened_at"]), due_at=from_us(row["due_at"]), state=row["state"],
        due_state=row["due_state"], due_because=row["due_because"], alarmed=bool(row["alarmed"]),
        evidence=row["evidence"], evidence_hash=row["evidence_hash"],
        ended_at=None if ended is None else from_us(ended),
    )  # fmt: skip


def _answered(row: Row) -> Answered:
    at = row["at"]
    return Answered(
        item=row["item"], state=row["state"], because=row["because"],
        answers=msgspec.json.decode(row["answers"]), author=row["author"],
        at=None if at is None else from_us(at), due_state=row["due_state"],
    )  # fmt: skip


def _file(row: Row) -> File:
    values = {name: row[name] for name in File.__slots__}
    return File(**values | {"at": from_us(row["at"])})


def _waiver(row: Row) -> Waiver:
    values = {name: row[name] for name in Waiver.__slots__}
    return Waiver(
        **values | {"starts_at": from_us(row["starts_at"]), "ends_at": from_us(row["ends_at"])}
    )
