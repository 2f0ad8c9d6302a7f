"""Finds every kind of fact that the code writes, by reading it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_KIND = re.compile(r"[a-z]+\.[a-z_]+")


@dataclass(frozen=True)
class Writer:
    """A function that writes a fact: its name, and which of its arguments is the kind."""

    name: str
    place: int
    file: str | None
    """Where it can be called; None: everywhere."""


FACT = Writer("Fact", 0, None)


@dataclass(frozen=True)
class Found:
    """What was found: kinds written out, kinds made of a beginning and a variable, and the rest."""

    kinds: frozenset[str]
    open_ended: frozenset[str]
    unread: tuple[str, ...]


def of_source(root: Path) -> Found:
    """Every kind of the program. The demo only reads them; a Fact of diagnosis is an observation."""
    folder = root / "src" / "mainstay"
    files = [
        file
        for file in sorted(folder.rglob("*.py"))
        if not {"demo", "diagnosis"} & {*file.relative_to(folder).parts}
    ]
    return find({str(f.relative_to(root)): f.read_text(encoding="utf-8") for f in files})


def find(texts: dict[str, str]) -> Found:
    """Every kind in these files. `unread`: the calls whose kind cannot be told, file:line."""
    trees = {name: ast.parse(text, name) for name, text in texts.items()}
    writers = set(_writers(trees))
    kinds, open_ended, unread = set[str](), set[str](), list[str]()
    for name, tree in trees.items():
        for call, argument, inside in _calls(tree, name, writers):
            match argument:
                case ast.Constant(value=str(kind)) if _KIND.fullmatch(kind):
                    kinds.add(kind)
                case ast.JoinedStr(values=[ast.Constant(value=str(begin)), _]):
                    open_ended.add(begin)
                case ast.Name(id=variable) if variable in inside:
                    pass  # handed on: whoever calls this function says the kind
                case _ if _is_fact(call):
                    unread.append(f"{name}:{call.lineno}")
    return Found(frozenset(kinds), frozenset(open_ended), tuple(unread))


def _writers(trees: dict[str, ast.Module]) -> Iterator[Writer]:
    """`Fact`, and each function with a parameter `kind` that it hands to `Fact`, directly or not."""
    yield FACT
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef) or "kind" not in _parameters(node):
                continue
            names = [one for one in _parameters(node) if one != "self"]
            if any(_hands_on(call) for call in ast.walk(node) if isinstance(call, ast.Call)):
                own = name if node.name.startswith("_") else None
                yield Writer(node.name, names.index("kind"), own)


def _hands_on(call: ast.Call) -> bool:
    handed = any(isinstance(one, ast.Name) and one.id == "kind" for one in call.args)
    return handed and _name(call) in ("Fact", "fact")


def _calls(
    tree: ast.Module, file: str, writers: Iterable[Writer]
) -> Iterator[tuple[ast.Call, ast.expr | None, list[str]]]:
    known = {one.name: one for one in writers if one.file in (None, file)}
    for call, inside in _inside(tree, []):
        writer = known.get(_name(call))
        if writer is not None:
            named = next((one.value for one in call.keywords if one.arg == "kind"), None)
            yield call, call.args[writer.place] if len(call.args) > writer.place else named, inside


def _inside(node: ast.AST, names: list[str]) -> Iterator[tuple[ast.Call, list[str]]]:
    """Every call, with the parameters of the function around it."""
    for child in ast.iter_child_nodes(node):
        around = _parameters(child) if isinstance(child, ast.FunctionDef) else names
        if isinstance(child, ast.Call):
            yield child, around
        yield from _inside(child, around)


def _parameters(node: ast.FunctionDef) -> list[str]:
    return [one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _is_fact(call: ast.Call) -> bool:
    """Not the API's shape of a row, which has the same name and takes no kind, subject, because."""
    return _name(call) in ("Fact", "fact") and len(call.args) >= 3
