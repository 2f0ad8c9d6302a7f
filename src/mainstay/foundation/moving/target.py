"""The database that is moved into: empty before, refused by every server until it is full."""

from __future__ import annotations

from mainstay.foundation.db import Place, Tx, peek, schema_number, schema_of, tables
from mainstay.foundation.errors import Refused

_PROGRESS = """
CREATE TABLE IF NOT EXISTS foundation_move (
  name    TEXT PRIMARY KEY,
  rows_n  BIGINT NOT NULL,
  last_id BIGINT NOT NULL
)
"""


def look_at(target: Place) -> None:
    """Refuse a database that holds anything but the beginning of this very move."""
    ours = {*tables(schema_number()), "foundation_schema", "foundation_move"}

    def look(tx: Tx) -> None:
        there = tx.all(
            "SELECT table_name AS name FROM information_schema.tables"
            " WHERE table_schema = current_schema()"
        )
        names = {row["name"] for row in there}
        if "foundation_move" in names:
            return  # ours, cut off
        strange = sorted(names - ours)
        full = sorted(one for one in names & ours if one != "foundation_schema" and _has(tx, one))
        if strange or full:
            what = f"{(strange or full)[0]} and others" if len(strange or full) > 1 else ""
            raise Refused(
                f"{target} is not empty (it has {what or (strange or full)[0]}); move into a new "
                "database: createdb mainstay"
            )
        have = schema_of(tx)
        if have > schema_number():
            raise Refused(f"{target} was made by a newer Mainstay (schema {have}).")

    peek(target, look)


def _has(tx: Tx, table: str) -> bool:
    return bool(tx.value(f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT 1) AS one"))  # noqa: S608


def begin(tx: Tx) -> None:
    """From now on it is being moved into; what an earlier try has noted stays."""
    tx.run(_PROGRESS)
    tx.many(
        "INSERT INTO foundation_move (name, rows_n, last_id) VALUES (:name, 0, 0)"
        " ON CONFLICT (name) DO NOTHING",
        [{"name": name} for name in tables(schema_number())],
    )


def end(tx: Tx, numbers: dict[tuple[str, str], int]) -> None:
    """What numbers its rows goes on above the last; then the database is like any other."""
    for (table, column), last in numbers.items():
        if last:
            tx.value(
                "SELECT setval(pg_get_serial_sequence(:table, :column), :last)",
                table=table, column=column, last=last,
            )  # fmt: skip
    tx.run("DROP TABLE foundation_move")
