"""Which key a database is under; and some words in it by which a key proves that it is the one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mainstay.foundation.db import Row, Tx, schema_of, tables
from mainstay.foundation.errors import Corrupt
from mainstay.foundation.sealing.ring import CANARY, IN_FORCE, WORDS, Ring

TABLE = "foundation_sealing"
"""Older schemas have none, and no sealed secret."""


def row_in_force(tx: Tx) -> Row | None:
    """What `check` wants to see; None: nothing is sealed yet."""
    return tx.one(IN_FORCE) if TABLE in tables(schema_of(tx)) else None


def in_force(tx: Tx) -> str | None:
    """The id of the key that a database is under; None: nothing is sealed yet."""
    row = row_in_force(tx)
    return None if row is None else str(row["key"])


def check(row: Row | Mapping[str, Any] | None, ring: Ring) -> str | None:
    """The id of the key in force, which is here and opens the canary; None: nothing is sealed yet.

    `row`: of `foundation_sealing`, from a database or a backup. Refused when the key is not here;
    Corrupt when it is, and does not open.
    """
    if row is None:
        return None
    key = ring.key(row["key"])
    if ring.open(row["canary"], CANARY) != WORDS:
        raise Corrupt(f"{CANARY} holds other words than ours.")
    return key.id
