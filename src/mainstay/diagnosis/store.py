"""The rows of diagnoses: their runs, the verdicts of people, and the traits of incidents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from mainstay.diagnosis.cause import Hypothesis
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Row, Tx

RESULT_BYTES_MAX = 256 * 1024
RUNS_KEPT = 5
"""Of one incident; older ones go when a new one is asked for."""
ASKED_KEPT = timedelta(days=30)
"""How long what was asked about a service is kept."""
TRAITS_MAX = 40
_ENCODE = msgspec.json.Encoder(enc_hook=str).encode
_DECODE = msgspec.json.Decoder().decode


class RunState(StrEnum):
    """How far a run is."""

    WAITING = "waiting"
    READING = "reading"
    MADE = "made"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """One making of a diagnosis; times in microseconds. `progress`: see `gather.Progress`."""

    id: str
    incident: str | None
    service: str
    since: int
    until: int | None
    because: str
    asked_at: int
    state: RunState
    step: int
    progress: list[dict[str, Any]]
    made_at: int | None
    result: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Judged:
    """What somebody said of a cause."""

    incident: str
    cause: str
    verdict: str
    place: str
    kind: str
    cause_class: str
    sentence: str
    person: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Alike:
    """Another incident, and which traits it shares: (kind, value)."""

    incident: str
    shared: tuple[tuple[str, str], ...]


# -- runs ------------------------------------------------------------------------------------------


def add_run(
    tx: Tx, id: str, *, incident: str | None, service: str, since: datetime,
    until: datetime | None, because: str, now: datetime,
) -> None:  # fmt: skip
    """A run that waits; of the incident's older ones the newest few are kept."""
    tx.run(
        "INSERT INTO diagnosis_run (id, incident, service, since, until, because, asked_at, state)"
        " VALUES (:id, :incident, :service, :since, :until, :because, :at, :state)",
        id=id, incident=incident, service=service, since=to_us(since),
        until=None if until is None else to_us(until), because=because, at=to_us(now),
        state=str(RunState.WAITING),
    )  # fmt: skip
    if incident is not None:
        tx.run(
            "DELETE FROM diagnosis_run WHERE incident = :incident AND id NOT IN (SELECT id FROM"
            " diagnosis_run WHERE incident = :incident ORDER BY asked_at DESC, id DESC LIMIT :kept)",
            incident=incident, kept=RUNS_KEPT,
        )  # fmt: skip
    else:
        tx.run(
            "DELETE FROM diagnosis_run WHERE incident IS NULL AND asked_at < :before",
            before=to_us(now - ASKED_KEPT),
        )


def progress(tx: Tx, id: str, state: RunState, told: Sequence[dict[str, Any]]) -> None:
    """How far each collector is."""
    tx.run(
        "UPDATE diagnosis_run SET state = :state, progress = :told, step = step + 1 WHERE id = :id",
        id=id, state=str(state), told=_ENCODE(list(told)).decode(),
    )  # fmt: skip


def made(tx: Tx, id: str, result: dict[str, Any], *, now: datetime) -> None:
    """It is made; what is too much of it is left out, the last hypotheses first."""
    tx.run(
        "UPDATE diagnosis_run SET state = :state, result = :result, made_at = :at, step = step + 1"
        " WHERE id = :id",
        id=id, state=str(RunState.MADE), result=_bounded(result), at=to_us(now),
    )  # fmt: skip


def failed(tx: Tx, id: str, *, now: datetime) -> None:
    """It could not be made."""
    tx.run(
        "UPDATE diagnosis_run SET state = :state, made_at = :at, step = step + 1 WHERE id = :id",
        id=id, state=str(RunState.FAILED), at=to_us(now),
    )  # fmt: skip


def run(tx: Tx, id: str) -> Run | None:
    """By id."""
    row = tx.one("SELECT * FROM diagnosis_run WHERE id = :id", id=id)
    return None if row is None else _run(row)


def newest(tx: Tx, incident: str) -> Run | None:
    """The run of an incident that was asked for last."""
    row = tx.one(
        "SELECT * FROM diagnosis_run WHERE incident = :incident"
        " ORDER BY asked_at DESC, id DESC LIMIT 1",
        incident=incident,
    )  # fmt: skip
    return None if row is None else _run(row)


def newest_made(tx: Tx, incident: str) -> Run | None:
    """The last run of an incident that came to a result."""
    row = tx.one(
        "SELECT * FROM diagnosis_run WHERE incident = :incident AND result IS NOT NULL"
        " ORDER BY asked_at DESC, id DESC LIMIT 1",
        incident=incident,
    )  # fmt: skip
    return None if row is None else _run(row)


def under_way(tx: Tx, limit: int = 100) -> list[tuple[str, str | None, int]]:
    """(run, incident, step) of those that are not made yet: what changes without a row of the record."""
    rows = tx.all(
        "SELECT id, incident, step FROM diagnosis_run WHERE made_at IS NULL"
        " ORDER BY asked_at DESC LIMIT :limit",
        limit=limit,
    )
    return [(row["id"], row["incident"], int(row["step"])) for row in rows]


def _bounded(result: dict[str, Any]) -> str:
    text = _ENCODE(result)
    while len(text) > RESULT_BYTES_MAX and result["hypotheses"]:
        result = {**result, "hypotheses": result["hypotheses"][:-1]}
        text = _ENCODE(result)
    if len(text) > RESULT_BYTES_MAX:
        text = _ENCODE({**result, "notes": [], "seen_before": []})
    return text.decode().replace("\\u0000", "\\ufffd")


def _run(row: Row) -> Run:
    return Run(
        row["id"], row["incident"], row["service"], row["since"], row["until"], row["because"],
        row["asked_at"], RunState(row["state"]), row["step"], _DECODE(row["progress"]),
        row["made_at"], None if row["result"] is None else _DECODE(row["result"]),
    )  # fmt: skip


# -- verdicts --------------------------------------------------------------------------------------


def judge(
    tx: Tx, incident: str, one: Hypothesis, *, verdict: str, person: str, note: str, now: datetime
) -> None:
    """Somebody's word on a cause; it replaces what was said of it before."""
    tx.run(
        "INSERT INTO diagnosis_verdict (incident, cause, verdict, place, kind, cause_class,"
        " sentence, person, at, note) VALUES (:incident, :cause, :verdict, :place, :kind, :class_,"
        " :sentence, :person, :at, :note) ON CONFLICT (incident, cause) DO UPDATE SET"
        " verdict = excluded.verdict, person = excluded.person, at = excluded.at,"
        " note = excluded.note",
        incident=incident, cause=one.id, verdict=verdict, place=one.where, kind=one.kind,
        class_=one.cause_class.value, sentence=one.sentence, person=person, at=to_us(now), note=note,
    )  # fmt: skip


def verdicts(tx: Tx, incident: str) -> list[Judged]:
    """What was said of an incident's causes, the newest first."""
    rows = tx.all(
        "SELECT * FROM diagnosis_verdict WHERE incident = :incident ORDER BY at DESC, cause",
        incident=incident,
    )
    return [_judged(row) for row in rows]


def _judged(row: Row) -> Judged:
    return Judged(
        row["incident"], row["cause"], row["verdict"], row["place"], row["kind"],
        row["cause_class"], row["sentence"], row["person"], from_us(row["at"]), row["note"],
    )  # fmt: skip


# -- traits ----------------------------------------------------------------------------------------


def mark(tx: Tx, incident: str, traits: Iterable[tuple[str, str]], *, at: datetime) -> None:
    """By what it can be found again; those of the last diagnosis count."""
    tx.run("DELETE FROM diagnosis_trait WHERE incident = :incident", incident=incident)
    rows = [
        {"incident": incident, "kind": kind, "value": value[:200], "at": to_us(at)}
        for kind, value in dict.fromkeys((kind, value[:200]) for kind, value in traits)
    ]
    if rows:
        tx.insert("INSERT INTO diagnosis_trait", rows[:TRAITS_MAX])


def alike(tx: Tx, incident: str, *, before: datetime, limit: int = 400) -> list[Alike]:
    """Earlier incidents that share a trait, the newest of each trait first; bounded."""
    own = tx.all(
        "SELECT kind, value FROM diagnosis_trait WHERE incident = :incident ORDER BY kind, value",
        incident=incident,
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for trait in own:
        rows = tx.all(
            "SELECT incident FROM diagnosis_trait WHERE kind = :kind AND value = :value"
            " AND at < :before AND incident <> :own ORDER BY at DESC LIMIT :limit",
            kind=trait["kind"], value=trait["value"], before=to_us(before), own=incident,
            limit=limit // 10,
        )  # fmt: skip
        for row in rows:
            found.setdefault(row["incident"], []).append((trait["kind"], trait["value"]))
    return [Alike(name, tuple(shared)) for name, shared in found.items()]
