"""The secrets that lie sealed in a database, whatever room they belong to: all at once.

A room that seals something offers `reseal`, and has its line in `_reseal`. Here they are sealed at the
upgrade to the version that began with it, sealed anew under another key, or given up with a lost one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from mainstay import paging, people, signin
from mainstay.checks import heartbeats
from mainstay.foundation import record, sealing
from mainstay.foundation.db import Database, Tx
from mainstay.foundation.errors import Invalid
from mainstay.foundation.record import Fact
from mainstay.foundation.sealing import Cell, Change, Key, Keys, Ring, seal_under


@dataclass(frozen=True, slots=True)
class Rotated:
    """Which key is in force now, which was before, and how many secrets are under it."""

    old: str | None
    new: str
    secrets: int
    heartbeats: int = 0
    """How many have another UUID now, made from a new seed."""


def unlocked(db: Database, keys: Keys, *, now: datetime) -> Ring:
    """What opens the secrets of this database. What an older version left in clear is sealed first.

    Refused when its key is not here; Corrupt when the key that is here opens nothing.
    """
    ring = Ring(keys)
    db.read(lambda tx: sealing.check(sealing.row_in_force(tx), ring))
    if db.read(_in_clear):
        db.run(partial(_seal_what_is_left, ring=ring, now=now))
        db.scrub()
    return ring


def rotate(db: Database, keys: Keys, *, to: Keys | None, actor: str, now: datetime) -> Rotated:
    """Every secret sealed anew under a fresh key, or under the one that `to` points to.

    In one transaction: killed before its end, the old key is in force and still there; after it, the
    new one. The old one then opens nothing any more but older backups.
    """
    if to is None and keys.reference is not None:
        raise Invalid(
            f"secrets.key says {keys.reference}, which is yours to write. Put a new key somewhere "
            "else, and say where: mainstay secrets rotate --to file:/path"
        )

    def work(tx: Tx) -> Rotated:
        ring, old = Ring(keys), sealing.check(sealing.row_in_force(tx), Ring(keys))
        new = _next(keys, to, old)
        n = _put_under(
            tx, new, lambda text, cell: seal_under(new, ring.open(text, cell), cell), now
        )
        words = f"{n} secrets were sealed anew, under key {new.id}"
        words += f" instead of {old}" if old else ""
        _note(tx, Fact("secrets.rotated", new.id, words, actor=actor), now)
        return Rotated(old, new.id, n)

    done = db.run(work)
    if to is None:
        db.run(partial(_leave_one, keys=keys))
    return done


def reset(db: Database, keys: Keys, *, actor: str, now: datetime) -> Rotated:
    """The key is lost: what was sealed under it is given up, and another key is in force."""

    def work(tx: Tx) -> Rotated:
        old, new = sealing.in_force(tx), keys.first()
        n = _put_under(tx, new, lambda text, cell: None, now)
        beats = heartbeats.renew(tx, ring=Ring(keys), now=now)
        words = f"the key {old} is lost: {n} secrets under it were given up; {new.id} is in force"
        words += f"; heartbeats with a new UUID: {beats}, the old ones still ping" if beats else ""
        _note(tx, Fact("secrets.reset", new.id, words, actor=actor), now)
        return Rotated(old, new.id, n, beats)

    return db.run(work)


def _seal_what_is_left(tx: Tx, *, ring: Ring, now: datetime) -> None:
    """All of them while no key is in force; under one, the seed of heartbeats alone."""
    if not _in_clear(tx):
        return  # another node was first

    def change(text: str, cell: Cell) -> str:
        return ring.seal(tx, text, cell)

    everything = sealing.in_force(tx) is None
    n = _reseal(tx, change, now) if everything else heartbeats.reseal(tx, change)
    words = f"{n} secrets that lay in clear are sealed now, under key {sealing.in_force(tx)}"
    _note(tx, Fact("secrets.sealed", str(sealing.in_force(tx)), words), now)


def _in_clear(tx: Tx) -> bool:
    """Whether an older version has left secrets, which no key was in force for; or an early one of
    this, which sealed all but the seed of heartbeats.

    Under a key nothing else in clear counts. A seed that somebody has planted opens nothing that they
    could not open without it: whoever writes rows can have a heartbeat adopt a UUID.
    """
    seed = heartbeats.is_in_clear(tx)
    if sealing.in_force(tx) is not None:
        return seed
    return bool(signin.secrets_n(tx) or people.devices_n(tx) or paging.push_key(tx) or seed)


def _put_under(tx: Tx, key: Key, change: Change, now: datetime) -> int:
    n = _reseal(tx, change, now)
    sealing.put_in_force(tx, key)
    return n


def _reseal(tx: Tx, change: Change, now: datetime) -> int:
    return (
        signin.reseal(tx, change)
        + people.reseal(tx, change, now=now)
        + paging.reseal(tx, change)
        + heartbeats.reseal(tx, change)
    )


def _next(keys: Keys, to: Keys | None, old: str | None) -> Key:
    """The key to seal under: in our own file before anything is sealed under it, beside the old."""
    if to is None:
        new = sealing.new_key()
        keys.keep([new, *keys.read()])
        return new
    others = [key for key in to.read() if key.id != old]
    if not others:
        raise Invalid(f"{to.where} holds no other key than {old}, which is in force.")
    return others[0]


def _leave_one(tx: Tx, *, keys: Keys) -> None:
    """Within a transaction, so that of two who rotate at once neither takes the other's key away."""
    keys.keep([key for key in keys.read() if key.id == sealing.in_force(tx)])


def _note(tx: Tx, fact: Fact, now: datetime) -> None:
    record.write(tx, [fact], now=now, estate_version=record.latest_version(tx))
