"""Intake keys: who may send. Shown once, kept as SHA-256, looked up without a query."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import NotFound, Unknown
from mainstay.foundation.ids import Ids
from mainstay.signals import store
from mainstay.signals.store import Key

KEY_BYTES = 20
"""160 bits, which base 32 writes as exactly the 32 characters of a PagerDuty routing key."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Every key in force, as a value: a door asks it and not the database.

    Load it again after `create_key`, `revoke` or an apply; until then it stays as it was.
    """

    sources: Mapping[str, str]
    """Digest of the key → source."""

    def source_of(self, key: str | None) -> str:
        """The source that `key` belongs to. Unknown if it is none of ours, or missing."""
        found = None if key is None else self.sources.get(digest(key))
        if found is None:
            raise Unknown(
                "No intake key, or none that is in force; make one with "
                "`mainstay key create SOURCE`."
            )
        return found


def key_ring(tx: Tx) -> KeyRing:
    """All keys that are not revoked."""
    return KeyRing(MappingProxyType(store.digests(tx)))


def create_key(tx: Tx, source: str, *, ids: Ids, actor: str, now: datetime) -> str:
    """A new key for `source`. Only its digest is stored: this is the one time it can be seen."""
    key = base64.b32encode(secrets.token_bytes(KEY_BYTES)).decode().lower()
    made = Key(ids.new("key", now), source, to_us(now), actor, None)
    store.insert_key(tx, made, digest=digest(key))
    return key


def source_of(tx: Tx, key: str) -> str | None:
    """The source of a key that is in force, by the database; None if there is none."""
    return store.source_by_digest(tx, digest(key))


def revoke(tx: Tx, id: str, *, now: datetime) -> Key:
    """End a key by its id; a revoked one stays as it was. NotFound if there is none."""
    store.revoke_key(tx, id, to_us(now))
    found = next((key for key in store.keys(tx) if key.id == id), None)
    if found is None:
        raise NotFound(f"There is no intake key {id}.")
    return found


def list_keys(tx: Tx, source: str | None = None) -> list[Key]:
    """Every key, newest first, revoked ones too; never the key itself."""
    return [key for key in store.keys(tx) if source is None or key.source == source]


def digest(key: str) -> str:
    """Hex SHA-256. A plain hash will do: 160 random bits cannot be guessed from it."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()
