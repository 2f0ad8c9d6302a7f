"""Seals and opens one value at a time."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Corrupt, Refused
from mainstay.foundation.sealing.keys import Key, Keys

PREFIX = "sealed:1:"
"""Then the key's id, a colon, and nonce and ciphertext in base64url."""
NONCE_BYTES = 12
WORDS = "whoever reads this has the key"
IN_FORCE = "SELECT key, canary FROM foundation_sealing WHERE number = 1"


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a value lies; there alone it opens."""

    table: str
    column: str
    row: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column} of {self.row}"


CANARY = Cell("foundation_sealing", "canary", "1")


Change = Callable[[str, Cell], str | None]
"""What becomes of a sealed value when all are written anew; None: it is taken away."""


def is_sealed(text: str) -> bool:
    """Whether it is a sealed value, rather than one in clear."""
    return text.startswith(PREFIX)


def key_of(text: str) -> str:
    """The id of the key that a sealed value is under."""
    return text.removeprefix(PREFIX).partition(":")[0]


def seal_under(key: Key, text: str, cell: Cell) -> str:
    """The value, so that only this key opens it, and only in this cell."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(key.raw).encrypt(nonce, text.encode(), _bound(key.id, cell))
    return f"{PREFIX}{key.id}:{base64.urlsafe_b64encode(nonce + sealed).decode('ascii')}"


class Ring:
    """The keys that we have, by their ids. Read again when one is asked for that we do not know: it
    may have been changed by another process. Without `keys` there is none, and none is made."""

    def __init__(self, keys: Keys | None = None) -> None:
        self._keys = keys
        self._known: dict[str, Key] = {}

    def key(self, key_id: str) -> Key:
        """The key of an id. Refused, with what to do, when it is not here."""
        if key_id not in self._known:
            self._known = {key.id: key for key in self._keys.read()} if self._keys else {}
        if key_id in self._known:
            return self._known[key_id]
        have, where = " and ".join(self._known), self._keys.where if self._keys else "this command"
        there = f"{where} holds {have}, which is another" if have else f"there is none in {where}"
        raise Refused(
            f"Secrets are sealed under key {key_id}, which is not here: {there}. Put that key "
            "there, or say in secrets.key where it is; every node of a database needs the same. "
            "Only if it is lost for good, mainstay secrets reset gives up what it has sealed."
        )

    def seal(self, tx: Tx, text: str, cell: Cell) -> str:
        """The value under the key that is in force in this database, in this transaction.

        The first value puts a key in force, and makes one when there is none.
        """
        row = tx.one(IN_FORCE)
        if row is not None:
            return seal_under(self.key(row["key"]), text, cell)
        if self._keys is None:
            raise Refused("No key for secrets is in force here yet; mainstay serve makes one.")
        key = self._keys.first()
        put_in_force(tx, key)
        return seal_under(key, text, cell)

    def open(self, text: str, cell: Cell) -> str:
        """The value in clear. Corrupt when it was changed, or belongs to another cell."""
        if not is_sealed(text):
            raise Corrupt(f"{cell} is not sealed; nothing of ours has written it.")
        key = self.key(key_of(text))
        try:
            raw = base64.b64decode(text.rpartition(":")[2], altchars=b"-_", validate=True)
            plain = AESGCM(key.raw).decrypt(
                raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound(key.id, cell)
            )
        except (InvalidTag, binascii.Error, ValueError):
            raise Corrupt(f"{cell} does not open: it was changed, or moved there.") from None
        return plain.decode()


def put_in_force(tx: Tx, key: Key) -> None:
    """What is sealed from now on is sealed under this key; some words prove which it is."""
    tx.run(
        "INSERT INTO foundation_sealing (number, key, canary) VALUES (1, :key, :canary)"
        " ON CONFLICT (number) DO UPDATE SET key = excluded.key, canary = excluded.canary",
        key=key.id, canary=seal_under(key, WORDS, CANARY),
    )  # fmt: skip


def _bound(key_id: str, cell: Cell) -> bytes:
    return msgspec.json.encode([PREFIX, key_id, cell.table, cell.column, cell.row])
