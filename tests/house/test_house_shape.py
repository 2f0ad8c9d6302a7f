"""Are files, functions and rooms of a size to be read, well named, and do they say what they are?"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

import pytest
from house_tree import PACKAGE, Module, classes, functions, modules, parse, parse_all

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
PIPELINE_LINES_MAX = 200
FOLDER_FILES_MAX = 9
FILES_MAX = {"foundation": 12}  # a shelf of small parts, each used by itself
NO_NAMES = frozenset(
    [
        "manager",
        "util",
        "utils",
        "helper",
        "helpers",
        "handler",
        "handlers",
        "processor",
        "processors",
        "common",
        "base",
        "core",
        "misc",
        "data",
        "info",
        "impl",
    ]
)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def too_long(tree: Sequence[Module]) -> list[str]:
    """Files and functions beyond their limit."""
    faults = []
    for module in tree:
        limit = PIPELINE_LINES_MAX if module.inside == ("pipeline",) else FILE_LINES_MAX
        lines = len(module.text.splitlines())
        if lines > limit:
            faults.append(module.fault(1, f"{lines} lines, {limit} at most: split it by thing"))
        for function in functions(module):
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                faults.append(module.fault(function, f"{function.name} has {lines} lines, "
                    f"{FUNCTION_LINES_MAX} at most: give its parts names"))  # fmt: skip
    return faults


def crowded(tree: Sequence[Module]) -> list[str]:
    """Folders of the package with too many files; the door (`__init__`) is not counted."""
    inside = [m.inside for m in tree if len(m.inside) > 1 and m.inside[-1] != "__init__"]
    counts = Counter("/".join(parts[:-1]) for parts in inside)
    return [
        f"{PACKAGE}{folder}:1: {n} files, {FILES_MAX.get(folder, FOLDER_FILES_MAX)} at most: "
        "split the room by thing"
        for folder, n in sorted(counts.items())
        if n > FILES_MAX.get(folder, FOLDER_FILES_MAX)
    ]


def badly_named(tree: Sequence[Module]) -> list[str]:
    """Files and classes whose name says nothing, and layers called a service."""
    faults = []
    for module in tree:
        stem = PurePosixPath(module.path).stem
        empty = sorted(NO_NAMES.intersection(_words(stem)))
        if empty or _words(stem)[-1:] == ["service"]:
            faults.append(module.fault(1, _rename(f"file {stem}", empty)))
        for node in classes(module):
            words = _words(node.name)
            empty = sorted(NO_NAMES.intersection(words))
            if empty or (words[-1:] == ["service"] and len(words) > 1):
                faults.append(module.fault(node, _rename(f"class {node.name}", empty)))
    return faults


def unexplained(tree: Sequence[Module]) -> list[str]:
    """Files, and public classes and functions of a file, without a docstring."""
    faults = []
    for module in tree:
        if module.text.strip() and not ast.get_docstring(module.tree):
            faults.append(module.fault(1, "the file does not say what it is for: docstring"))
        for node in module.tree.body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if not node.name.startswith("_") and not ast.get_docstring(node):
                faults.append(module.fault(node, f"{node.name} has no docstring: say its result "
                    "first, then what types cannot say"))  # fmt: skip
    return faults


def sleepers(tree: Sequence[Module]) -> list[str]:
    """Tests that wait by a pause; peers.wait_until may, and benches, which pace their load."""
    faults = []
    for module in tree:
        if module.path == "tests/peers.py" or module.path.startswith("tests/bench/"):
            continue
        zero = {id(n.func) for n in module.nodes if _is_sleep_of_zero(n)}
        for node, name in module.uses:
            if name in ("time.sleep", "asyncio.sleep") and id(node) not in zero:
                faults.append(module.fault(node, f"{name}: move the clock, or ask until it is so "
                    "(peers.wait_until)"))  # fmt: skip
    return faults


def namesakes(tree: Sequence[Module]) -> list[str]:
    """Test files with the same name in two folders: pytest imports only one of them."""
    seen: dict[str, str] = {}
    faults = []
    for module in tree:
        name = PurePosixPath(module.path).name
        if name == "conftest.py":  # pytest keeps these apart by their folders
            continue
        if name in seen:
            faults.append(module.fault(1, f"{seen[name]} has the same name: rename one"))
        seen[name] = module.path
    return faults


def _words(name: str) -> list[str]:
    return [word.lower() for word in WORD.findall(name)]


def _rename(what: str, empty: list[str]) -> str:
    why = f"'{empty[0]}' says nothing" if empty else "a service is what the users run"
    return f"{what}: {why}; name it by its content, in the field's word"


def _is_sleep_of_zero(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or len(node.args) != 1:
        return False
    return isinstance(node.args[0], ast.Constant) and node.args[0].value == 0


def test_no_file_and_no_function_is_too_long() -> None:
    faults = too_long(modules("src", "tests", "scripts"))
    assert not faults, "\n".join(faults)


def test_no_room_is_crowded() -> None:
    faults = crowded(modules("src"))
    assert not faults, "\n".join(faults)


def test_every_name_says_something() -> None:
    faults = badly_named(modules("src", "tests", "scripts"))
    assert not faults, "\n".join(faults)


def test_everything_public_is_explained() -> None:
    faults = unexplained(modules("src"))
    assert not faults, "\n".join(faults)


def test_no_test_sleeps() -> None:
    faults = sleepers(modules("tests"))
    assert not faults, "\n".join(faults)


def test_every_test_file_has_a_name_of_its_own() -> None:
    faults = namesakes(modules("tests"))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("alerts/alert.py", "\n" * 601),
        ("pipeline.py", "\n" * 201),
        ("alerts/alert.py", "def f():\n" + "    pass\n" * 70),
        ("alerts/alert.py", "class A:\n    async def f(self):\n" + "        pass\n" * 70),
    ],
)
def test_something_too_long_is_found(path: str, text: str) -> None:
    assert too_long(parse_all({path: text}))


def test_exactly_as_long_as_allowed_is_lawful() -> None:
    function = "def f():\n" + "    pass\n" * 69
    assert too_long(parse_all({"pipeline.py": "\n" * 200, "alerts/a.py": function})) == []


def test_a_crowded_room_is_found() -> None:
    nine = {f"alerts/a{n}.py": "" for n in range(9)} | {"alerts/__init__.py": ""}
    assert crowded(parse_all(nine)) == []
    assert crowded(parse_all({**nine, "alerts/formats/x.py": ""})) == []
    assert crowded(parse_all({**nine, "alerts/b.py": ""}))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("alerts/utils.py", ""),
        ("alerts/alert_helper.py", ""),
        ("alerts/service.py", ""),
        ("alerts/alert.py", "class AlertManager: ..."),
        ("alerts/alert.py", "class _HTTPHandler: ..."),
        ("alerts/alert.py", "class AlertService: ..."),
        ("alerts/alert.py", "class A:\n    class BaseState: ..."),
    ],
)
def test_an_empty_name_is_found(path: str, text: str) -> None:
    assert badly_named(parse_all({path: text}))


def test_the_words_of_the_field_are_lawful() -> None:
    text = "class Service: ...\nclass ServiceOwner: ...\nclass Database: ...\n"
    assert badly_named(parse_all({"estate/services.py": text})) == []


@pytest.mark.parametrize(
    "text",
    ["import json", '"""A."""\ndef f(): ...', '"""A."""\nclass A: ...'],
)
def test_something_unexplained_is_found(text: str) -> None:
    assert unexplained(parse_all({"alerts/alert.py": text}))


def test_what_is_private_needs_no_docstring() -> None:
    text = '"""A."""\ndef _f(): ...\nclass A:\n    """B."""\n    def g(self): ...'
    assert unexplained(parse_all({"alerts/alert.py": text, "alerts/__init__.py": ""})) == []


@pytest.mark.parametrize(
    "text",
    ["import time\ntime.sleep(1)", "from asyncio import sleep\nasync def f():\n    await sleep(1)"],
)
def test_a_sleeping_test_is_found(text: str) -> None:
    assert sleepers([parse("tests/unit/test_a.py", text)])


def test_giving_way_for_a_moment_is_no_sleep() -> None:
    text = "import asyncio\nasync def f():\n    await asyncio.sleep(0)"
    assert sleepers([parse("tests/unit/test_a.py", text)]) == []


def test_namesakes_are_found() -> None:
    assert namesakes([parse("tests/unit/test_a.py", ""), parse("tests/house/test_a.py", "")])
