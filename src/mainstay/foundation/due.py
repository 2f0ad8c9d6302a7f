"""What must happen at an instant: rows claimed by lease, the only lease code there is.

A row is `(kind, key)`. Whoever claims it moves `due_at` to the end of the lease: if it dies, the
row comes due again by itself. `token` grows with every plan and claim, so a worker that was paused
past its lease can no longer finish or move what somebody else has taken over.

A lease by name (`hold`, `fence`) is for what only one node may do at a time. It is checked in the
transaction that does the work, and its row stays locked until that commits: there is no instant
between the check and the commit in which another node could take it over.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Row, Tx
from mainstay.foundation.errors import Conflict


@dataclass(frozen=True, slots=True)
class Due:
    """A claimed row. `tries` counts claims, this one included."""

    kind: str
    key: str
    planned_at: datetime
    facts: dict[str, Any]
    tries: int
    token: int


_PLAN = """
INSERT INTO foundation_due (kind, key, due_at, planned_at, facts, token)
VALUES (:kind, :key, :at, :at, :facts, :token)
ON CONFLICT (kind, key) DO UPDATE SET
  due_at = excluded.due_at, planned_at = excluded.planned_at, facts = excluded.facts,
  tries = 0, owner = NULL, token = foundation_due.token + 1
"""
_PLAN_ONCE = """
INSERT INTO foundation_due (kind, key, due_at, planned_at, facts, token)
VALUES (:kind, :key, :at, :at, :facts, :token)
ON CONFLICT (kind, key) DO NOTHING
"""
_CLAIM = """
WITH chosen AS MATERIALIZED (
  SELECT key FROM foundation_due WHERE kind = :kind AND due_at <= :now ORDER BY due_at LIMIT :limit
  {skip_locked})
UPDATE foundation_due SET
  due_at = :until, owner = :owner, tries = tries + 1, token = token + 1
WHERE kind = :kind AND due_at <= :now AND key IN (SELECT key FROM chosen)
RETURNING kind, key, planned_at, facts, tries, token
"""
"""Chosen once and for all: PostgreSQL would otherwise ask again for every row, past the limit."""


def plan(
    tx: Tx, kind: str, key: str, *, at: datetime, facts: Mapping[str, Any] | None = None
) -> None:
    """Set when `(kind, key)` is due; an older plan or lease of the same key is void."""
    tx.run(_PLAN, kind=kind, key=key, at=to_us(at), facts=_json(facts), token=_token())


def plan_once(
    tx: Tx, kind: str, key: str, *, at: datetime, facts: Mapping[str, Any] | None = None
) -> bool:
    """Plan `(kind, key)` unless it is planned already; says whether it was planned now."""
    return bool(
        tx.run(_PLAN_ONCE, kind=kind, key=key, at=to_us(at), facts=_json(facts), token=_token())
    )


def sooner(tx: Tx, kind: str, key: str, *, at: datetime) -> bool:
    """Bring a free row of the plan forward to `at`; False when none waits or it is sooner."""
    return bool(
        tx.run(
            "UPDATE foundation_due SET due_at = :at, planned_at = :at, token = token + 1"
            " WHERE kind = :kind AND key = :key AND owner IS NULL AND due_at > :at",
            kind=kind,
            key=key,
            at=to_us(at),
        )
    )


def cancel(tx: Tx, kind: str, key: str) -> bool:
    """Take `(kind, key)` off the plan; says whether it was on it."""
    return bool(
        tx.run("DELETE FROM foundation_due WHERE kind = :kind AND key = :key", kind=kind, key=key)
    )


def claim(tx: Tx, kind: str, *, now: datetime, owner: str, limit: int, lease_s: float) -> list[Due]:
    """Take what is due, oldest plan first, for `lease_s` seconds."""
    rows = tx.all(
        _CLAIM.format(skip_locked=tx.skip_locked), kind=kind, now=to_us(now), owner=owner, limit=limit,
        until=to_us(now + timedelta(seconds=lease_s)),
    )  # fmt: skip
    return sorted((_due(row) for row in rows), key=lambda due: (due.planned_at, due.key))


def finish(tx: Tx, due: Due) -> bool:
    """Done: take the row off the plan. False when somebody else has taken it over."""
    return bool(
        tx.run(
            "DELETE FROM foundation_due WHERE kind = :kind AND key = :key AND token = :token",
            kind=due.kind, key=due.key, token=due.token,
        )
    )  # fmt: skip


def again(tx: Tx, due: Due, *, at: datetime) -> bool:
    """Not done: due again `at`. False when somebody else has taken it over."""
    return bool(
        tx.run(
            "UPDATE foundation_due SET due_at = :at, owner = NULL"
            " WHERE kind = :kind AND key = :key AND token = :token",
            at=to_us(at), kind=due.kind, key=due.key, token=due.token,
        )
    )  # fmt: skip


def next_turns(tx: Tx, turns: Iterable[tuple[Due, datetime]]) -> None:
    """Done, and planned for the next time each; one that somebody else has taken over is left."""
    tx.many(
        "UPDATE foundation_due SET due_at = :at, planned_at = :at, facts = '{}', owner = NULL,"
        " tries = 0 WHERE kind = :kind AND key = :key AND token = :token",
        [
            {"at": to_us(at), "kind": one.kind, "key": one.key, "token": one.token}
            for one, at in turns
        ],
    )


def is_held(tx: Tx, due: Due) -> bool:
    """Whether the row is still this claim's: nobody has taken it over, planned it anew, or ended it."""
    held = tx.value(
        "SELECT token FROM foundation_due WHERE kind = :kind AND key = :key",
        kind=due.kind, key=due.key,
    )  # fmt: skip
    return bool(held == due.token)


def lost(tx: Tx, claims: Sequence[Due]) -> set[str]:
    """The keys of those claims, of one kind, that are no longer held, in one question."""
    if not claims:
        return set()
    tokens = {one.key: one.token for one in claims}
    names = {f"k{i}": key for i, key in enumerate(tokens)}
    rows = tx.all(
        # Only the names of our own parameters are spliced in.
        "SELECT key, token FROM foundation_due WHERE kind = :kind AND key IN"  # noqa: S608
        f" ({', '.join(f':{name}' for name in names)})",
        kind=claims[0].kind, **names,
    )  # fmt: skip
    held = {row["key"] for row in rows if row["token"] == tokens[row["key"]]}
    return set(tokens) - held


def release(tx: Tx, owner: str, *, now: datetime) -> int:
    """Give back all that `owner` held, rows and leases, at once; for when it is known to have ended.

    Returns how many rows; each is due now.
    """
    tx.run(
        "UPDATE foundation_lease SET until = :now WHERE owner = :owner AND until > :now",
        now=to_us(now), owner=owner,
    )  # fmt: skip
    return tx.run(
        "UPDATE foundation_due SET due_at = :now, owner = NULL, token = token + 1"
        " WHERE owner = :owner",
        now=to_us(now), owner=owner,
    )  # fmt: skip


def release_all(tx: Tx, *, now: datetime) -> int:
    """Give back what anybody held, due at once: for a database that has moved to another host.

    The fencing tokens go on growing, so that who held a lease before holds none now.
    """
    tx.run("UPDATE foundation_lease SET owner = '', until = :now", now=to_us(now))
    return tx.run(
        "UPDATE foundation_due SET due_at = :now, owner = NULL, token = token + 1"
        " WHERE owner IS NOT NULL",
        now=to_us(now),
    )


def move(tx: Tx, by: timedelta, *, but: str) -> None:
    """Every plan and lease keeps its distance from a clock that was set; not those of kind `but`."""
    tx.run(
        "UPDATE foundation_due SET due_at = due_at + :by, planned_at = planned_at + :by"
        " WHERE kind <> :but",
        by=by // timedelta(microseconds=1), but=but,
    )  # fmt: skip
    _move_named_leases(tx, by)


def move_leases(tx: Tx, by: timedelta) -> None:
    """What somebody holds is theirs for as long as before."""
    tx.run(
        "UPDATE foundation_due SET due_at = due_at + :by WHERE owner IS NOT NULL",
        by=by // timedelta(microseconds=1),
    )
    _move_named_leases(tx, by)


def _move_named_leases(tx: Tx, by: timedelta) -> None:
    tx.run(
        "UPDATE foundation_lease SET since = since + :by, until = until + :by",
        by=by // timedelta(microseconds=1),
    )


def next_at(tx: Tx, kind: str) -> datetime | None:
    """When the next row of `kind` is due, or None."""
    at = tx.value("SELECT min(due_at) FROM foundation_due WHERE kind = :kind", kind=kind)
    return None if at is None else from_us(at)


def pending(tx: Tx, kind: str, key: str) -> datetime | None:
    """When `(kind, key)` is due, or None."""
    at = tx.value(
        "SELECT due_at FROM foundation_due WHERE kind = :kind AND key = :key", kind=kind, key=key
    )
    return None if at is None else from_us(at)


@dataclass(frozen=True, slots=True)
class Plan:
    """A row as it stands, claimed or not; times in microseconds."""

    key: str
    due_at: int
    planned_at: int
    owner: str | None
    tries: int


def plans(tx: Tx, kind: str) -> dict[str, Plan]:
    """Everything of `kind` that is planned, by key."""
    rows = tx.all(
        "SELECT key, due_at, planned_at, owner, tries FROM foundation_due WHERE kind = :kind",
        kind=kind,
    )
    return {row["key"]: Plan(**{name: row[name] for name in Plan.__slots__}) for row in rows}


def late(tx: Tx, kind: str, *, before: datetime) -> Plan | None:
    """The most overdue of `kind` that nobody has come for since `before`."""
    row = tx.one(
        "SELECT key, due_at, planned_at, owner, tries FROM foundation_due"
        " WHERE kind = :kind AND due_at < :before ORDER BY due_at LIMIT 1",
        kind=kind, before=to_us(before),
    )  # fmt: skip
    return None if row is None else Plan(**{name: row[name] for name in Plan.__slots__})


def planned_n(tx: Tx, kind: str) -> int:
    """How many of `kind` are planned."""
    return int(tx.value("SELECT count(*) FROM foundation_due WHERE kind = :kind", kind=kind))


# -- one owner at a time ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lease:
    """What one node alone may do until it ends. `token` grows each time that it changes hands."""

    name: str
    owner: str
    token: int
    since: datetime
    until: datetime


class TakenOver(Conflict):
    """The lease has changed hands: what was read under it is too old to be written."""


_HOLD = """
INSERT INTO foundation_lease (name, owner, since, until, token)
VALUES (:name, :owner, :at, :until, 1)
ON CONFLICT (name) DO UPDATE SET
  until = excluded.until, owner = excluded.owner,
  since = CASE WHEN foundation_lease.owner = excluded.owner
               THEN foundation_lease.since ELSE excluded.since END,
  token = foundation_lease.token
        + CASE WHEN foundation_lease.owner = excluded.owner THEN 0 ELSE 1 END
WHERE foundation_lease.owner = excluded.owner OR foundation_lease.until <= :at
RETURNING name, owner, token, since, until
"""
_FENCE = """
UPDATE foundation_lease SET until = CASE WHEN until > :until THEN until ELSE :until END
WHERE name = :name AND owner = :owner AND token = :token
"""


def hold(tx: Tx, name: str, *, owner: str, now: datetime, lease_s: float) -> Lease | None:
    """Take or renew the lease `name`; None while another owner holds it.

    Call it in the transaction that does the work. `owner` is one start of one program, never a
    name that a later start could have too.
    """
    until = to_us(now + timedelta(seconds=lease_s))
    row = tx.one(_HOLD, name=name, owner=owner, at=to_us(now), until=until)
    return None if row is None else _lease(row)


def let_go(tx: Tx, name: str, *, owner: str) -> None:
    """Give the lease `name` back for good, if it is `owner`'s; its tokens begin anew."""
    tx.run(
        "DELETE FROM foundation_lease WHERE name = :name AND owner = :owner", name=name, owner=owner
    )


def fence(tx: Tx, lease: Lease, *, now: datetime, lease_s: float) -> None:
    """Renew `lease`, for a later commit on what was read under it.

    TakenOver when it has changed hands since, even if it came back.
    """
    until = to_us(now + timedelta(seconds=lease_s))
    if not tx.run(_FENCE, name=lease.name, owner=lease.owner, token=lease.token, until=until):
        raise TakenOver(
            f"Another node has taken over {lease.name!r}; what was begun under token "
            f"{lease.token} is left to it.",
            token=lease.token,
        )


def leases(tx: Tx) -> list[Lease]:
    """Every lease by name, those too that have ended."""
    return [_lease(row) for row in tx.all("SELECT * FROM foundation_lease ORDER BY name")]


def _token() -> int:
    """A random start: a worker from before the row's last deletion cannot match its successor."""
    return secrets.randbits(48)


def _due(row: Row) -> Due:
    return Due(
        kind=row["kind"],
        key=row["key"],
        planned_at=from_us(row["planned_at"]),
        facts=msgspec.json.decode(row["facts"]),
        tries=row["tries"],
        token=row["token"],
    )


def _lease(row: Row) -> Lease:
    since, until = from_us(row["since"]), from_us(row["until"])
    return Lease(row["name"], row["owner"], row["token"], since, until)


def _json(facts: Mapping[str, Any] | None) -> str:
    return msgspec.json.encode(facts or {}).decode()
