"""The rows of checks: how each stands, and what was measured before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from mainstay.checks.result import FACTS_BYTES_MAX, Result, Standing, State, Value
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Row, Tx

_UPSERT = """
INSERT INTO checks_state
  (name, check_id, host, service, state, since, verdict, failures, at, duration_us, sentence, facts,
   recent, flapping, told, muted)
VALUES
  (:name, :check_id, :host, :service, :state, :since, :verdict, :failures, :at, :duration_us,
   :sentence, :facts, :recent, :flapping, :told, :muted)
ON CONFLICT (name) DO UPDATE SET
  check_id = excluded.check_id, host = excluded.host, service = excluded.service,
  state = excluded.state, since = excluded.since, verdict = excluded.verdict,
  failures = excluded.failures, at = excluded.at, duration_us = excluded.duration_us,
  sentence = excluded.sentence, facts = excluded.facts, recent = excluded.recent,
  flapping = excluded.flapping, told = excluded.told, muted = excluded.muted
"""
NAMES_MAX = 400
"""Names in one question: SQLite takes some thousands of parameters, PostgreSQL 65,535."""
_ENCODE = msgspec.json.Encoder(enc_hook=str).encode
_DECODE = msgspec.json.Decoder().decode


def write(tx: Tx, standings: Iterable[Standing]) -> None:
    """How they stand now."""
    tx.many(_UPSERT, [_values(one) for one in standings])


def add(tx: Tx, results: Sequence[Result]) -> None:
    """Keep results in the history."""
    rows = [
        {
            "name": one.name, "at": to_us(one.at), "duration_us": one.duration_us,
            "verdict": one.verdict, "sentence": one.sentence, "facts": _facts(one.values),
            "evidence": one.evidence or None,
        }
        for one in results
    ]  # fmt: skip
    tx.insert("INSERT INTO checks_result", rows)


def of_names(tx: Tx, names: Sequence[str]) -> dict[str, Standing]:
    """How these stand; those that never stood are left out."""
    found: dict[str, Standing] = {}
    for start in range(0, len(names), NAMES_MAX):
        some = {f"n{i}": name for i, name in enumerate(names[start : start + NAMES_MAX])}
        rows = tx.all(
            # Only the names of our own parameters are spliced in.
            "SELECT * FROM checks_state WHERE name IN"  # noqa: S608
            f" ({', '.join(f':{key}' for key in some)})",
            **some,
        )
        found |= {row["name"]: _standing(row) for row in rows}
    return found


def every(tx: Tx) -> dict[str, Standing]:
    """How all stand."""
    return {row["name"]: _standing(row) for row in tx.all("SELECT * FROM checks_state")}


def forget(tx: Tx, name: str) -> None:
    """It is no more; its history stays until it is purged."""
    tx.run("DELETE FROM checks_state WHERE name = :name", name=name)


def results(tx: Tx, name: str, *, since: datetime, before: datetime, limit: int) -> list[Result]:
    """Its kept results, newest first."""
    rows = tx.all(
        "SELECT * FROM checks_result WHERE name = :name AND at >= :since AND at < :before"
        " ORDER BY at DESC, id DESC LIMIT :limit",
        name=name, since=to_us(since), before=to_us(before), limit=limit,
    )  # fmt: skip
    return [_result(row) for row in rows]


def measured(
    tx: Tx, name: str, *, since_us: int, before_us: int, limit: int
) -> list[tuple[int, dict[str, Value]]]:
    """(microseconds, values) of its kept results, newest first."""
    rows = tx.all(
        "SELECT at, facts FROM checks_result WHERE name = :name AND at >= :since AND at < :before"
        " ORDER BY at DESC LIMIT :limit",
        name=name, since=since_us, before=before_us, limit=limit,
    )  # fmt: skip
    return [(int(row["at"]), _DECODE(row["facts"])) for row in rows]


def purge(tx: Tx, before: datetime, *, limit: int) -> int:
    """Delete the oldest results before `before`; returns how many."""
    return tx.run(
        "DELETE FROM checks_result WHERE id IN"
        " (SELECT id FROM checks_result WHERE at < :before ORDER BY at LIMIT :limit)",
        before=to_us(before), limit=limit,
    )  # fmt: skip


def _values(one: Standing) -> dict[str, object]:
    return {
        "name": one.name, "check_id": one.check, "host": one.host, "service": one.service,
        "state": str(one.state), "since": to_us(one.since), "verdict": one.verdict,
        "failures": one.failures, "at": None if one.at is None else to_us(one.at),
        "duration_us": one.duration_us, "sentence": one.sentence, "facts": _facts(one.values),
        "recent": one.recent, "flapping": int(one.flapping),
        "told": None if one.told is None else str(one.told), "muted": one.muted,
    }  # fmt: skip


def _facts(values: object) -> str:
    """As JSON; what is too much is left out, the largest value first."""
    encoded = _ENCODE(values)
    if len(encoded) > FACTS_BYTES_MAX and isinstance(values, dict):
        kept = dict(values)
        while kept and len(encoded) > FACTS_BYTES_MAX:
            del kept[max(kept, key=lambda name: len(_ENCODE(kept[name])))]
            encoded = _ENCODE(kept)
    return encoded.decode().replace("\\u0000", "\\ufffd")


def _standing(row: Row) -> Standing:
    return Standing(
        name=row["name"], check=row["check_id"], host=row["host"], service=row["service"],
        state=State(row["state"]), since=from_us(row["since"]), sentence=row["sentence"],
        at=None if row["at"] is None else from_us(row["at"]), duration_us=row["duration_us"],
        verdict=row["verdict"], failures=row["failures"], values=_DECODE(row["facts"]),
        recent=row["recent"], flapping=bool(row["flapping"]),
        told=None if row["told"] is None else State(row["told"]), muted=row["muted"],
    )  # fmt: skip


def _result(row: Row) -> Result:
    return Result(
        row["name"], from_us(row["at"]), row["duration_us"], row["verdict"], row["sentence"],
        _DECODE(row["facts"]), bytes(row["evidence"] or b""),
    )  # fmt: skip
