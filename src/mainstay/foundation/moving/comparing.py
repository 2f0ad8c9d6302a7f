"""What arrived is what was sent: counts, a digest of every row, and the chain of the record."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial

import msgspec

from mainstay.foundation import record
from mainstay.foundation.db import Database, Tx, schema_number, storable, tables
from mainstay.foundation.errors import Corrupt
from mainstay.foundation.moving.copying import Tell, columns_of, values_of

_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Moved:
    """What is in the new database now."""

    tables: int
    rows: int
    seals: int
    head: str
    """The digest of the record's chain."""
    nuls: int
    """Texts that held NUL, which PostgreSQL cannot hold: ␀ stands there now."""


def compare_all(tx: Tx, there: Database, tell: Tell) -> Moved:
    """Corrupt unless every row arrived as it was, and the record's chain holds."""
    rows_n = nuls_n = 0
    names = tables(schema_number())
    for table in names:
        columns = ", ".join(columns_of(tx, table))
        sent = _digest(tx, table, columns)
        came = there.read(partial(_digest, table=table, columns=columns))
        nuls_n += sent[2]
        if sent[:2] != came[:2]:
            raise Corrupt(
                f"{table} has {came[0]:,} rows in the new database and {sent[0]:,} in the file, or "
                "not the same: the file has changed since the move began. Empty the new database "
                "and move again."
            )
        rows_n += sent[0]
    tell(f"{rows_n:,} rows in {len(names)} tables arrived as they were")
    chain = there.read(record.verify)
    if chain.broken is not None:
        raise Corrupt(f"The record does not hold, in the file as in the copy: {chain.broken}.")
    return Moved(len(names), rows_n, chain.seals, chain.head, nuls_n)


def _digest(tx: Tx, table: str, columns: str) -> tuple[int, int, int]:
    """How many rows, the sum of their hashes (the same in whatever order they come), and how many
    texts are not as they were."""
    rows_n = total = changed = 0
    for row in tx.each(f"SELECT {columns} FROM {table}"):  # noqa: S608
        rows_n += 1
        values = values_of(row)
        stored = [storable(value) for value in values]
        changed += sum(one is not other for one, other in zip(values, stored, strict=True))
        total += int.from_bytes(hashlib.sha256(_encode(stored)).digest(), "big")
    return rows_n, total % (1 << 256), changed
