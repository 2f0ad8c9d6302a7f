"""The schema: numbered SQL texts that ship with the program."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from mainstay.foundation.db.tx import Tx
from mainstay.foundation.errors import Outdated, Refused

_MIGRATION = re.compile(r"(\d{4})_\w+\.sql")
_COUNTED = re.compile(r"\bCREATE TABLE (\w+) \(\s*(\w+)\s+\{identity\}")
_TABLE = re.compile(r"\b(CREATE|DROP) TABLE (?:IF (?:NOT )?EXISTS )?(\w+)")


def migrations() -> list[tuple[int, str]]:
    """The numbered SQL texts that ship with this program, in order."""
    folder = resources.files("mainstay.foundation") / "schema"
    found = [
        (int(match[1]), entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if (match := _MIGRATION.fullmatch(entry.name))
    ]
    return sorted(found)


@cache
def schema_number() -> int:
    """The schema that this program brings a database to."""
    return migrations()[-1][0]


def tables(schema: int) -> list[str]:
    """The tables of a schema, each after those that it refers to: in the order of their making."""
    found: dict[str, None] = {}
    for verb, name in _TABLE.findall(_text_of(schema)):
        if verb == "CREATE":
            found[name] = None
        else:
            found.pop(name, None)
    return list(found)


def counted(schema: int) -> list[tuple[str, str]]:
    """(table, column) of what numbers its rows by itself."""
    return [(table, column) for table, column in _COUNTED.findall(_text_of(schema))]


def _text_of(schema: int) -> str:
    texts = [text for number, text in migrations() if number <= schema]
    return re.sub(r"--[^\n]*", "", "\n".join(texts))


def schema_of(tx: Tx) -> int:
    """The schema that a database has now; 0 when it has none."""
    if tx.engine == "sqlite":
        return int(tx.value("PRAGMA user_version"))
    if tx.value("SELECT to_regclass('foundation_schema')") is None:
        return 0
    return int(tx.value("SELECT max(number) FROM foundation_schema") or 0)


def missing(have: int, *, upto: int | None = None) -> list[tuple[int, str]]:
    """The migrations above schema `have`. Refused when a newer program has been here.

    An old program must not mis-work on a new schema.
    """
    known = migrations()
    if have > known[-1][0]:
        raise Refused(
            f"This database has schema {have}, newer than this program's {known[-1][0]}. "
            "Start the newer Mainstay, or restore a backup made before the upgrade."
        )
    return [(number, text) for number, text in known if have < number <= (upto or number)]


def check(have: int, *, known: int) -> None:
    """Outdated when a newer program has migrated the database while this one ran.

    Asked in every transaction, under a lock that a migration takes too: an old program never works
    on a schema that it does not know, not even with the transaction that was under way.
    """
    if have > known:
        raise Outdated(
            f"A newer Mainstay has brought this database to schema {have}; this program knows "
            f"{known}, and stops. Start the newer one here too."
        )
