"""Rows go over in batches; each commits together with how far its table has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from mainstay.foundation.db import Database, Row, Tx, counted, schema_number, tables

BATCH = 1_000
BATCH_BYTES = 8 << 20
"""What one transaction carries: rows, and of long ones (a raw signal has up to a megabyte) bytes."""
Tell = Callable[[str], None]


def copy_all(tx: Tx, there: Database, tell: Tell) -> dict[tuple[str, str], int]:
    """Every table, each after those that it refers to; the last number that each has given out."""
    for table in tables(schema_number()):
        _copy(tx, there, table, tell)
    given = {row["name"]: row["seq"] for row in tx.all("SELECT name, seq FROM sqlite_sequence")}
    return {one: given.get(one[0], 0) for one in counted(schema_number())}


def _copy(tx: Tx, there: Database, table: str, tell: Tell) -> None:
    columns = columns_of(tx, table)
    far = there.read(
        lambda tx: tx.one("SELECT rows_n, last_id FROM foundation_move WHERE name = :t", t=table)
    )
    assert far is not None
    total, done = tx.value(f"SELECT count(*) FROM {table}"), far["rows_n"]  # noqa: S608
    for rows in _batches(tx, table, far["last_id"]):
        done += len(rows)
        values = [{name: row[name] for name in columns} for row in rows]
        there.run(partial(_write, table, values, done, rows[-1]["moving_id"]))
        tell(f"{table}: {done:,} of {total:,}")


def _batches(tx: Tx, table: str, last_id: int) -> Iterator[list[Row]]:
    """The rows beyond `last_id`, in the order of their making, in pieces that fit."""
    text = f"SELECT rowid AS moving_id, * FROM {table} WHERE rowid > :last ORDER BY rowid"  # noqa: S608
    rows: list[Row] = []
    size = 0
    for row in tx.each(text, last=last_id):
        rows.append(row)
        size += sum(len(value) for value in values_of(row) if isinstance(value, str | bytes))
        if len(rows) == BATCH or size > BATCH_BYTES:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _write(table: str, rows: list[dict[str, Any]], done: int, last_id: int, tx: Tx) -> None:
    tx.insert(f"INSERT INTO {table}", rows)
    tx.run(
        "UPDATE foundation_move SET rows_n = :done, last_id = :last WHERE name = :name",
        done=done, last=last_id, name=table,
    )  # fmt: skip


def columns_of(tx: Tx, table: str) -> list[str]:
    """Their names, in order."""
    return [row["name"] for row in tx.all(f"PRAGMA table_info({table})")]


def values_of(row: Row) -> tuple[Any, ...]:
    """In the order of the columns."""
    return tuple(row)  # type: ignore[arg-type]
