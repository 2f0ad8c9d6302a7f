"""Does every import go down the stairs, and through the door of the room?"""

from __future__ import annotations

import ast
from collections.abc import Sequence

import pytest
from house_plan import BEYOND_THE_DOOR, FLOOR_OF, PAIRS
from house_tree import Module, functions, imports, modules, parse_all


def climbs(tree: Sequence[Module]) -> list[str]:
    """Imports that go up, or across where the table has no arrow."""
    faults = []
    for module in tree:
        if module.room in ("", "__init__"):
            continue
        if module.room not in FLOOR_OF:
            faults.append(
                module.fault(1, f"room {module.room} is on no floor: add it to house_plan.py")
            )
            continue
        for node, target in _ours(module):
            room = _room_of(target)
            if room not in ("", module.room) and not _may(module.room, room):
                faults.append(module.fault(node, _climb(module.room, room)))
    return sorted(set(faults))


def side_entries(tree: Sequence[Module]) -> list[str]:
    """Imports from outside of a room that do not go through its `__init__`."""
    known = {module.dotted for module in tree}
    taken = {m.dotted: _names_taken(m) for m in tree if m.inside[-1:] == ("__init__",)}
    faults = []
    for module in tree:
        for node, target, name in imports(module):
            room = _room_of(target)
            if not target.startswith("mainstay.") or room == module.room:
                continue
            inner = target
            if f"{target}.{name}" in known and name not in taken.get(target, ()):
                inner = f"{target}.{name}"
            if inner.count(".") > 1 and not _is_open(inner):
                faults.append(
                    module.fault(
                        node,
                        f"{inner} is inside of {room}: take what you need from mainstay.{room}, "
                        f"and let its __init__ offer it",
                    )
                )
    return faults


LATE = {
    "foundation/db/__init__": "the engine whose library is an extra, and takes 0.2 s",
    "cli/__init__": "a command's own module: all of them together take 0.7 s",
    "cli/desk": "settings and the API's client: commands on files alone would wait 0.2 s for them",
    "console/sso/__init__": "single sign-on, whose library is an extra",
}
"""Where `importlib.import_module` is lawful, and for what; its types may be named there, too."""


def hidden_imports(tree: Sequence[Module]) -> list[str]:
    """Imports that dodge the table: inside functions, for type checkers only, or by a call."""
    faults = []
    for module in tree:
        inside = {id(node) for function in functions(module) for node in ast.walk(function)}
        faults += [
            module.fault(node, "import inside a function: move it to the top of the file")
            for node, _, _ in imports(module)
            if id(node) in inside
        ]
        for node, name in module.uses:
            if name.endswith("TYPE_CHECKING") and not _may_be_late(module):
                faults.append(module.fault(node, "TYPE_CHECKING: if two need each other, one is "
                    "wrong or a third is missing"))  # fmt: skip
            if name in ("__import__", "importlib.import_module") and not _may_be_late(module):
                faults.append(module.fault(node, f"{name}: import it by a statement at the top"))
    return sorted(set(faults))


def _may_be_late(module: Module) -> bool:
    return "/".join(module.inside) in LATE


def _ours(module: Module) -> list[tuple[ast.stmt, str]]:
    found = []
    for node, target, name in imports(module):
        if target == "mainstay" and name:
            target = f"mainstay.{name}"
        if target.startswith("mainstay."):
            found.append((node, target))
    return found


def _room_of(target: str) -> str:
    parts = target.split(".")
    return parts[1] if parts[0] == "mainstay" and len(parts) > 1 else ""


def _may(asker: str, room: str) -> bool:
    if room not in FLOOR_OF:  # a name of the package itself, such as __version__
        return True
    return FLOOR_OF[room] < FLOOR_OF[asker] or (asker, room) in PAIRS


def _climb(asker: str, room: str) -> str:
    here, there = FLOOR_OF[asker], FLOOR_OF[room]
    return (
        f"{asker} (floor {here}) may not import {room} (floor {there}): let the higher room call "
        f"the lower one, pass what is needed as a parameter, or move it down"
    )


def _names_taken(module: Module) -> set[str]:
    """What an `__init__` imports by name: a function `who` hides the file who.py."""
    return {name for _, target, name in imports(module) if target != module.dotted}


def _is_open(target: str) -> bool:
    return target.startswith("mainstay.foundation.") or target in BEYOND_THE_DOOR


def test_every_import_goes_down() -> None:
    faults = climbs(modules("src"))
    assert not faults, "\n".join(faults)


def test_every_room_is_entered_by_its_door() -> None:
    faults = side_entries(modules("src"))
    assert not faults, "\n".join(faults)


def test_no_import_is_hidden() -> None:
    faults = hidden_imports(modules("src"))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("alerts/alert.py", "from mainstay import paging"),
        ("alerts/alert.py", "from mainstay.incidents import attach"),
        ("signals/admit.py", "import mainstay.alerts"),
        ("console/screens.py", "from mainstay import api"),
        ("cli/show.py", "from mainstay.app import open"),
        ("foundation/due.py", "from mainstay.estate import Estate"),
        ("foundation/due.py", "from ..estate import Estate"),
        ("pipeline.py", "from mainstay import loops"),
        ("telemetry/logs.py", "from mainstay import slo"),
        ("gadgets/new.py", ""),
    ],
)
def test_an_import_that_climbs_is_found(path: str, text: str) -> None:
    assert climbs(parse_all({path: text}))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("paging/start.py", "from mainstay import incidents, oncall, __version__"),
        ("alerts/store.py", "from mainstay.foundation.db import Tx\nfrom .alert import Alert"),
        ("loops.py", "from mainstay import pipeline"),
        ("__main__.py", "from mainstay import app, cli"),
        ("slo/burn.py", "import mainstay.checks"),
    ],
)
def test_an_import_that_goes_down_is_lawful(path: str, text: str) -> None:
    assert climbs(parse_all({path: text})) == []


ROOM = {
    "oncall/__init__.py": "from mainstay.oncall.who import who",
    "oncall/who.py": "def who(): ...",
    "oncall/store.py": "",
    "foundation/clock.py": "",
    "estate/collections/__init__.py": "",
    "estate/collections/people.py": "",
}


@pytest.mark.parametrize(
    "text",
    [
        "from mainstay.oncall.store import x",
        "from mainstay.oncall import store",
        "import mainstay.oncall.store",
        "from ..oncall import store",
        "from mainstay.estate.collections.people import Person",
    ],
)
def test_a_side_entry_is_found(text: str) -> None:
    assert side_entries(parse_all({**ROOM, "paging/start.py": text}))


@pytest.mark.parametrize(
    "text",
    [
        "from mainstay import oncall",
        "from mainstay.oncall import who",
        "from mainstay.foundation import clock",
        "from mainstay.foundation.clock import to_us",
        "from mainstay.estate.collections import Person",
        "from . import send",
    ],
)
def test_a_door_is_lawful(text: str) -> None:
    assert side_entries(parse_all({**ROOM, "paging/start.py": text, "paging/send.py": ""})) == []


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    import json",
        "class A:\n    async def f(self):\n        from mainstay import alerts",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import json",
        "import typing as t\nif t.TYPE_CHECKING:\n    import json",
        "import importlib\nimportlib.import_module('mainstay.alerts')",
    ],
)
def test_a_hidden_import_is_found(text: str) -> None:
    assert hidden_imports(parse_all({"alerts/alert.py": text}))
