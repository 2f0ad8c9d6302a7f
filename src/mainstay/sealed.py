"""The secrets that lie sealed in a database, whatever room they belong to: all at once.

A room that seals something offers `reseal`, and has its line in `_reseal`. Here they are sealed at the
upgrade to the version that began with it, sealed anew under another key, or given up with a lost one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from mainstay import paging, people, signin
from mainstay.foundation import record, sealing
from mainstay.foundation.db import Database, Tx
from mainstay.foundation.errors import Invalid
from mainstay.foundation.record import Fact
from mainstay.foundation.sealing import Change, Key, Keys, Ring, seal_under


@dataclass(frozen=True, slots=True)
class Rotated:
    """Which key is in force now, which was before, and how many secrets are under it."""

    old: str | None
    new: str
    secrets: int


def unlocked(db: Database, keys: Keys, *, now: datetime) -> Ring:
    """What opens the secrets of this database. What an older version left in clear is sealed first.

    Refused when its key is not here; Corrupt when the key that is here opens nothing.
    """
    ring = Ring(keys)
    db.read(lambda tx: sealing.check(sealing.row_in_force(tx), ring))
    if db.read(_in_clear):
        db.run(partial(_seal_first, ring=ring, now=now))
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
        words = f"the key {old} is lost: {n} secrets under it were given up; {new.id} is in force"
        _note(tx, Fact("secrets.reset", new.id, words, actor=actor), now)
        return Rotated(old, new.id, n)

    return db.run(work)


def _seal_first(tx: Tx, *, ring: Ring, now: datetime) -> None:
    """No key is in force, so all of them are in clear: an older version has written them."""
    if sealing.in_force(tx) is not None:
        return  # another node was first
    n = _reseal(tx, lambda text, cell: ring.seal(tx, text, cell), now)
    words = f"{n} secrets that lay in clear are sealed now, under key {sealing.in_force(tx)}"
    _note(tx, Fact("secrets.sealed", str(sealing.in_force(tx)), words), now)


def _in_clear(tx: Tx) -> bool:
    """Whether an older version has left secrets, which no key was in force for."""
    if sealing.in_force(tx) is not None:
        return False
    return bool(signin.secrets_n(tx) or people.devices_n(tx) or paging.push_key(tx))


def _put_under(tx: Tx, key: Key, change: Change, now: datetime) -> int:
    n = _reseal(tx, change, now)
    sealing.put_in_force(tx, key)
    return n


def _reseal(tx: Tx, change: Change, now: datetime) -> int:
    return (
        signin.reseal(tx, change) + people.reseal(tx, change, now=now) + paging.reseal(tx, change)
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
