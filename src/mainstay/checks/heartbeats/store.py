"""The rows of heartbeats: every statement on the tables `checks_beat…`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from mainstay.checks.heartbeats.beat import Beat, Ping, Run, Status, Words
from mainstay.checks.heartbeats.keys import Known, Ring
from mainstay.checks.heartbeats.plan import Plan
from mainstay.foundation import record
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Row, Tx
from mainstay.foundation.sealing import Cell, Change, is_sealed

SEED = Cell("checks_beat_seed", "seed", "1")
"""Where the seed lies."""
STAMP = "beats_stamp"
"""The mark that grows whenever it changes which pings are taken."""
_encode = msgspec.json.Encoder().encode
_PLAN: msgspec.json.Decoder[Plan] = msgspec.json.Decoder(Plan)
_WORDS: msgspec.json.Decoder[Words] = msgspec.json.Decoder(Words)
_RUNS: msgspec.json.Decoder[tuple[Run, ...]] = msgspec.json.Decoder(tuple[Run, ...])
_STANDS = (
    "status", "status_at", "pings_n", "last_at", "ok_at", "runs", "ran_us", "due_at",
    "spared_until", "look_at", "why",
)  # fmt: skip
"""How it stands: what a ping or the passing of time changes."""
_DECLARED = ("service", "severity", "plan", "words", "origin")


def _update(columns: tuple[str, ...]) -> str:
    pairs = ", ".join(f"{name} = :{name}" for name in columns)
    return f"UPDATE checks_beat SET {pairs} WHERE id = :id"  # noqa: S608 (columns of this file)


_SET_STANDING = _update(_STANDS)
_SET_ALL = _update((*_DECLARED, *_STANDS))


# -- heartbeats ------------------------------------------------------------------------------------


def insert(tx: Tx, beat: Beat, *, digest: str) -> None:
    """A new one. `digest`: of its UUID."""
    row = _columns(beat)
    tx.insert("INSERT INTO checks_beat", [row | {"digest": digest}])
    _stamp(tx)


def change(tx: Tx, beat: Beat) -> None:
    """Keep what is declared of it, and how it stands."""
    row = _columns(beat)
    tx.run(_SET_ALL, id=beat.id, **{name: row[name] for name in (*_DECLARED, *_STANDS)})
    _stamp(tx)


def stand(tx: Tx, beats: Iterable[Beat]) -> None:
    """Keep how these stand."""
    rows = [_columns(beat) for beat in beats]
    tx.many(_SET_STANDING, [{name: row[name] for name in ("id", *_STANDS)} for row in rows])


def remove(tx: Tx, beat_id: str, *, now: datetime) -> None:
    """No longer there: its pings go, its row stays for the record."""
    tx.run(
        "UPDATE checks_beat SET removed_at = :now, look_at = NULL WHERE id = :id",
        now=to_us(now), id=beat_id,
    )  # fmt: skip
    tx.run("DELETE FROM checks_beat_ping WHERE beat = :id", id=beat_id)
    tx.run("DELETE FROM checks_beat_flip WHERE beat = :id", id=beat_id)
    tx.run("DELETE FROM checks_beat_adopted WHERE beat = :id", id=beat_id)
    _stamp(tx)


def adopt(tx: Tx, beat_id: str, *, digest: str, now: datetime) -> bool:
    """Whether the UUID of this digest was free, and now pings this heartbeat too."""
    taken = tx.value("SELECT 1 FROM checks_beat WHERE digest = :digest", digest=digest)
    done = not taken and tx.run(
        "INSERT INTO checks_beat_adopted (digest, beat, at) VALUES (:digest, :beat, :at)"
        " ON CONFLICT (digest) DO NOTHING",
        digest=digest, beat=beat_id, at=to_us(now),
    )  # fmt: skip
    _stamp(tx)
    return bool(done)


def find(tx: Tx, beat_id: str) -> Beat | None:
    """By id."""
    row = tx.one("SELECT * FROM checks_beat WHERE id = :id AND removed_at IS NULL", id=beat_id)
    return None if row is None else _beat(row)


def named(tx: Tx, name: str) -> Beat | None:
    """By name."""
    row = tx.one("SELECT * FROM checks_beat WHERE name = :n AND removed_at IS NULL", n=name)
    return None if row is None else _beat(row)


def by_digest(tx: Tx, digest: str) -> Beat | None:
    """By the digest of a UUID, its own or an adopted one."""
    row = tx.one(
        "SELECT * FROM checks_beat WHERE removed_at IS NULL AND (digest = :digest"
        " OR id = (SELECT beat FROM checks_beat_adopted WHERE digest = :digest))",
        digest=digest,
    )
    return None if row is None else _beat(row)


def every(tx: Tx) -> list[Beat]:
    """All, by name."""
    return [_beat(row) for row in tx.all(f"{_ALL} ORDER BY name")]


def overdue(tx: Tx, now: datetime, limit: int) -> list[Beat]:
    """Those that somebody must look at by now, the longest overdue first."""
    rows = tx.all(
        "SELECT * FROM checks_beat WHERE look_at <= :now ORDER BY look_at, id LIMIT :limit",
        now=to_us(now), limit=limit,
    )  # fmt: skip
    return [_beat(row) for row in rows]


def next_look(tx: Tx) -> datetime | None:
    """When the next one must be looked at."""
    at = tx.value("SELECT min(look_at) FROM checks_beat WHERE look_at IS NOT NULL")
    return None if at is None else from_us(at)


_ALL = "SELECT * FROM checks_beat WHERE removed_at IS NULL"


def _columns(beat: Beat) -> dict[str, Any]:
    return {
        "id": beat.id, "name": beat.name, "origin": beat.origin, "service": beat.service,
        "severity": beat.severity, "plan": _encode(beat.plan).decode(),
        "words": _encode(beat.words).decode(), "created_at": to_us(beat.created_at),
        "status": str(beat.status), "status_at": to_us(beat.status_at), "pings_n": beat.pings_n,
        "last_at": _us(beat.last_at), "ok_at": _us(beat.ok_at),
        "runs": _encode(beat.runs).decode() if beat.runs else "[]", "ran_us": beat.ran_us,
        "due_at": _us(beat.due_at), "spared_until": _us(beat.spared_until),
        "look_at": _us(beat.look_at), "why": beat.why,
    }  # fmt: skip


def _beat(row: Row) -> Beat:
    return Beat(
        id=row["id"], name=row["name"], origin=row["origin"], service=row["service"],
        severity=row["severity"], plan=_PLAN.decode(row["plan"]),
        words=_WORDS.decode(row["words"]), created_at=from_us(row["created_at"]),
        status=Status(row["status"]), status_at=from_us(row["status_at"]),
        pings_n=row["pings_n"], last_at=_at(row["last_at"]), ok_at=_at(row["ok_at"]),
        runs=() if row["runs"] == "[]" else _RUNS.decode(row["runs"]), ran_us=row["ran_us"],
        due_at=_at(row["due_at"]), spared_until=_at(row["spared_until"]),
        look_at=_at(row["look_at"]), why=row["why"],
    )  # fmt: skip


def _us(at: datetime | None) -> int | None:
    return None if at is None else to_us(at)


def _at(us: int | None) -> datetime | None:
    return None if us is None else from_us(us)


# -- who may ping ----------------------------------------------------------------------------------


def seed(tx: Tx) -> str | None:
    """What the UUIDs of this install are made from, sealed; None before the first."""
    found: str | None = tx.value("SELECT seed FROM checks_beat_seed WHERE number = 1")
    return found


def keep_seed(tx: Tx, sealed: str, *, now: datetime) -> str:
    """The seed from now on, sealed: another node's, if that was first."""
    tx.run(
        "INSERT INTO checks_beat_seed (number, seed, made_at) VALUES (1, :seed, :at)"
        " ON CONFLICT (number) DO NOTHING",
        seed=sealed, at=to_us(now),
    )  # fmt: skip
    return seed(tx) or sealed


def is_in_clear(tx: Tx) -> bool:
    """Whether an early version has left the seed unsealed."""
    found = seed(tx)
    return found is not None and not is_sealed(found)


def reseal(tx: Tx, change: Change) -> int:
    """The seed written anew as `change` gives it, or taken away; how many there were."""
    found = seed(tx)
    if found is None:
        return 0
    changed = change(found, SEED)
    if changed is None:
        tx.run("DELETE FROM checks_beat_seed")
    else:
        tx.run("UPDATE checks_beat_seed SET seed = :seed", seed=changed)
    return 1


def renew(tx: Tx, beat_id: str, *, digest: str, now: datetime) -> None:
    """The UUID of this digest is its own from now on; the one that it had is adopted."""
    tx.run(
        "INSERT INTO checks_beat_adopted (digest, beat, at)"
        " SELECT digest, id, :at FROM checks_beat WHERE id = :id",
        at=to_us(now), id=beat_id,
    )  # fmt: skip
    tx.run("UPDATE checks_beat SET digest = :digest WHERE id = :id", digest=digest, id=beat_id)
    _stamp(tx)


def ring(tx: Tx, before: Ring) -> Ring:
    """Every heartbeat that can be pinged; `before` itself while nothing has changed since."""
    stamp = record.marked(tx, STAMP) or 0
    if stamp == before.stamp:
        return before
    rows = tx.all("SELECT id, name, digest, words FROM checks_beat WHERE removed_at IS NULL")
    known = {row["id"]: Known(row["id"], _WORDS.decode(row["words"]).post_only) for row in rows}
    digests = {row["digest"]: known[row["id"]] for row in rows}
    for row in tx.all("SELECT digest, beat FROM checks_beat_adopted"):
        if row["beat"] in known:
            digests[row["digest"]] = known[row["beat"]]
    return Ring(stamp, digests, {row["name"]: known[row["id"]] for row in rows})


def _stamp(tx: Tx) -> None:
    record.mark(tx, STAMP, (record.marked(tx, STAMP) or 0) + 1)


# -- pings -----------------------------------------------------------------------------------------


def keep(tx: Tx, pings: Sequence[Ping]) -> None:
    """New pings, as they came; nobody has looked at them yet."""
    tx.insert("INSERT INTO checks_beat_ping", [_ping_columns(one) for one in pings])


def _ping_columns(ping: Ping) -> dict[str, Any]:
    return {
        "beat": ping.beat, "at": ping.at_us, "kind": ping.kind, "exit": ping.exit,
        "rid": ping.rid, "method": ping.method, "remote": ping.remote, "agent": ping.agent,
        "body_n": ping.body_n, "body": ping.body,
    }  # fmt: skip


def waiting(tx: Tx, limit: int) -> list[Ping]:
    """Pings that nobody has looked at, in the order in which they came."""
    rows = tx.all(
        "SELECT * FROM checks_beat_ping WHERE n IS NULL ORDER BY seq LIMIT :limit", limit=limit
    )
    return sorted((_ping(row) for row in rows), key=lambda one: (one.at_us, one.seq))


def is_waiting(tx: Tx) -> bool:
    """Whether some ping waits."""
    return tx.value("SELECT 1 FROM checks_beat_ping WHERE n IS NULL LIMIT 1") is not None


def number(tx: Tx, pings: Iterable[Ping]) -> None:
    """These have been looked at: their numbers, and how long their runs took."""
    tx.many(
        "UPDATE checks_beat_ping SET n = :n, took_us = :took WHERE seq = :seq",
        [{"n": one.n, "took": one.took_us, "seq": one.seq} for one in pings],
    )


def forget(tx: Tx, beat_id: str, *, upto: int) -> None:
    """Drop the pings of a heartbeat with this number or a lower one."""
    tx.run("DELETE FROM checks_beat_ping WHERE beat = :b AND n <= :n", b=beat_id, n=upto)


def forget_outputs(tx: Tx, beat_id: str, *, upto: int) -> None:
    """Drop the output of the pings of a heartbeat with this number or a lower one."""
    tx.run(
        "UPDATE checks_beat_ping SET body = :nothing WHERE beat = :b AND n <= :n AND body <> :nothing",
        b=beat_id, n=upto, nothing=b"",
    )  # fmt: skip


def purge(tx: Tx, before: datetime) -> int:
    """Drop when heartbeats went down and came up before an instant; how many rows."""
    return tx.run("DELETE FROM checks_beat_flip WHERE at < :before", before=to_us(before))


def pings(tx: Tx, beat_id: str, *, limit: int, before: int | None = None) -> list[Ping]:
    """The newest pings that have been looked at, newest first."""
    rows = tx.all(
        "SELECT * FROM checks_beat_ping WHERE beat = :b AND n < :before ORDER BY n DESC LIMIT :limit",
        b=beat_id, before=before if before is not None else 2**62, limit=limit,
    )  # fmt: skip
    return [_ping(row) for row in rows]


def _ping(row: Row) -> Ping:
    return Ping(
        beat=row["beat"], at_us=row["at"], kind=row["kind"], exit=row["exit"], rid=row["rid"],
        method=row["method"], remote=row["remote"], agent=row["agent"], body=bytes(row["body"]),
        body_n=row["body_n"], seq=row["seq"], n=row["n"], took_us=row["took_us"],
    )  # fmt: skip


def keep_flips(tx: Tx, flips: Iterable[tuple[str, datetime, bool]]) -> None:
    """Heartbeats that went down, or came up again, at an instant."""
    tx.insert(
        "INSERT INTO checks_beat_flip",
        [{"beat": beat, "at": to_us(at), "up": int(up)} for beat, at, up in flips],
    )


def flips(tx: Tx, beat_id: str, *, since: datetime, until: datetime) -> list[tuple[datetime, bool]]:
    """When it went down and came up again, newest first."""
    rows = tx.all(
        "SELECT at, up FROM checks_beat_flip WHERE beat = :b AND at >= :since AND at <= :until"
        " ORDER BY at DESC LIMIT 1000",
        b=beat_id, since=to_us(since), until=to_us(until),
    )  # fmt: skip
    return [(from_us(row["at"]), bool(row["up"])) for row in rows]
