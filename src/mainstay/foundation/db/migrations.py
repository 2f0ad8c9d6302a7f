"""The schema: numbered SQL texts that ship with the program."""

from __future__ import annotations

import re
from importlib import resources

from mainstay.foundation.db.tx import Tx

_MIGRATION = re.compile(r"(\d{4})_\w+\.sql")
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


def schema_number() -> int:
    """The schema that this program brings a database to."""
    return migrations()[-1][0]


def tables(schema: int) -> list[str]:
    """The tables of a schema, each after those that it refers to: in the order of their making."""
    found: dict[str, None] = {}
    for number, text in migrations():
        if number > schema:
            break
        for verb, name in _TABLE.findall(re.sub(r"--[^\n]*", "", text)):
            if verb == "CREATE":
                found[name] = None
            else:
                found.pop(name, None)
    return list(found)


def schema_of(tx: Tx) -> int:
    """The schema that a database has now."""
    return int(tx.value("PRAGMA user_version"))


def statements(text: str) -> list[str]:
    """The statements of a migration, in SQLite's words (`{identity}`, `{bytes}`)."""
    text = re.sub(r"--[^\n]*", "", text)
    text = text.replace("{identity}", "INTEGER PRIMARY KEY AUTOINCREMENT").replace(
        "{bytes}", "BLOB"
    )
    return [statement.strip() for statement in text.split(";") if statement.strip()]
