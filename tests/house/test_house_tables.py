"""Does each table have one owner, and does only its owner's store write it?"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatch

import pytest
from house_plan import FLOOR_OF
from house_tree import ROOT, Module, modules, parse_all

SCHEMA = "src/mainstay/foundation/schema"
COPIES = (
    "src/mainstay/foundation/backup/restored.py",
    "src/mainstay/foundation/moving/copying.py",
)
"""What copies whole tables, whatever they are: a table's name is spliced in, from the schema's."""
STORES = ("store.py", "store_*.py", "*_store.py")
WRITE = re.compile(r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|REPLACE\s+INTO)\s+(\w+|\0)")
READ = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)")
SPLICED = "\0"  # where an f-string puts something in


def tables(schema: str) -> list[str]:
    """The names in a migration's CREATE TABLE."""
    return re.findall(r"^\s*CREATE TABLE (?:IF NOT EXISTS )?(\w+)", schema, re.MULTILINE)


def strangers(tree: Sequence[Module], names: Collection[str]) -> list[str]:
    """SQL that touches another room's table, or that writes outside of a store."""
    faults = []
    for module in tree:
        for line, sql in _texts(module.nodes):
            for table in WRITE.findall(sql):
                if table == SPLICED and module.path not in COPIES:
                    faults.append(module.fault(line, "the table's name is spliced in: write it "
                        "out, so that its owner can be checked"))  # fmt: skip
                elif table in names and not _may_write(module, table):
                    faults.append(
                        module.fault(line, f"writes {table}: only {_owner(table)}'s store.py may; "
                        f"call a public verb of {_owner(table)}"))  # fmt: skip
            for table in READ.findall(sql):
                if table in names and _owner(table) != module.room:
                    faults.append(
                        module.fault(line, f"reads {table}: ask {_owner(table)} by a public "
                        f"question, or let it offer a read view"))  # fmt: skip
    return sorted(set(faults))


def homeless(names: Collection[str], rooms: Collection[str]) -> list[str]:
    """Tables whose name starts with no room's name."""
    return [
        f"{SCHEMA}: table {name} belongs to no room: begin its name with its room's"
        for name in names
        if _owner(name) not in rooms
    ]


def _owner(table: str) -> str:
    return table.split("_", 1)[0]


def _may_write(module: Module, table: str) -> bool:
    if module.room != _owner(table):
        return False
    file = module.path.rsplit("/", 1)[-1]
    return module.room == "foundation" or any(fnmatch(file, store) for store in STORES)


def _texts(nodes: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    """Every text with its line; docstrings left out, f-strings as one with \\0 for the splices."""
    prose = {id(n.value) for n in nodes if isinstance(n, ast.Expr)}
    parts = {id(v) for n in nodes if isinstance(n, ast.JoinedStr) for v in n.values}
    for node in nodes:
        if id(node) in prose or id(node) in parts:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(
                    str(v.value) if isinstance(v, ast.Constant) else SPLICED for v in node.values
                ),
            )


def _all_tables() -> list[str]:
    files = sorted((ROOT / SCHEMA).glob("*.sql"))
    return [name for file in files for name in tables(file.read_text(encoding="utf-8"))]


def test_a_table_is_touched_only_by_its_owner() -> None:
    faults = strangers(modules("src"), _all_tables())
    assert not faults, "\n".join(faults)


def test_every_table_belongs_to_a_room() -> None:
    names = _all_tables()
    assert "foundation_record" in names
    faults = homeless(names, FLOOR_OF)
    assert not faults, "\n".join(faults)


NAMES = ["alerts_alert", "incidents_incident", "foundation_due"]


@pytest.mark.parametrize(
    ("path", "sql"),
    [
        ("incidents/store.py", "'UPDATE alerts_alert SET incident = :i'"),
        ("alerts/suppress.py", "'DELETE FROM alerts_alert'"),
        ("alerts/store.py", "'INSERT INTO foundation_due (at) VALUES (:at)'"),
        ("alerts/store.py", "'''INSERT\n INTO incidents_incident (id) VALUES (:id)'''"),
        ("alerts/store.py", "f'INSERT INTO {table} VALUES (1)'"),
        ("paging/store.py", "'SELECT 1 FROM paging_send JOIN incidents_incident ON 1'"),
        ("api/routes.py", "'SELECT * FROM alerts_alert'"),
    ],
)
def test_a_stranger_is_found(path: str, sql: str) -> None:
    assert strangers(parse_all({path: f"SQL = {sql}"}), NAMES)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("alerts/store.py", "SQL = f'UPDATE alerts_alert SET {columns}'"),
        ("alerts/suppress.py", "SQL = 'SELECT * FROM alerts_alert'"),
        ("foundation/due.py", "SQL = 'DELETE FROM foundation_due'"),
        ("paging/send.py", '"""Never UPDATE alerts_alert here."""'),
        ("paging/send.py", "SAY = 'UPDATE your estate'"),
    ],
)
def test_an_owner_is_lawful(path: str, text: str) -> None:
    assert strangers(parse_all({path: text}), NAMES) == []


def test_a_homeless_table_is_found() -> None:
    names = tables("CREATE TABLE gadgets_new (a TEXT);\nCREATE TABLE alerts_alert (b TEXT);")
    assert len(homeless(names, {"alerts"})) == 1
