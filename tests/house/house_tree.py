"""The source as the house tests see it: parsed files, their rooms, and how a fault is worded."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "src/mainstay/"


@dataclass(frozen=True)
class Module:
    """One Python file; `path` is relative to the repository."""

    path: str
    text: str
    tree: ast.Module

    @property
    def inside(self) -> tuple[str, ...]:
        """Its path below the package without suffix: ('alerts', 'store'); () outside of src."""
        if not self.path.startswith(PACKAGE):
            return ()
        return PurePosixPath(self.path.removeprefix(PACKAGE)).with_suffix("").parts

    @property
    def room(self) -> str:
        """'alerts' for alerts/store.py, 'pipeline' for pipeline.py, '' outside of src."""
        return self.inside[0] if self.inside else ""

    @property
    def dotted(self) -> str:
        """Its import name."""
        parts = self.inside[:-1] if self.inside[-1:] == ("__init__",) else self.inside
        return ".".join(("mainstay", *parts))

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree, walked once for all checks."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def uses(self) -> tuple[tuple[ast.expr, str], ...]:
        """Every dotted name that is used, its imported beginning written out: 'time.sleep'."""
        return tuple(_uses(self.nodes))

    def fault(self, node: ast.AST | int, what: str) -> str:
        """file:line, what is wrong and how to mend it."""
        line = node if isinstance(node, int) else getattr(node, "lineno", 1)
        return f"{self.path}:{line}: {what}"


def parse(path: str, text: str) -> Module:
    """A module from its text; samples in the tests are made so."""
    return Module(path, text, ast.parse(text, path))


def parse_all(sample: dict[str, str]) -> list[Module]:
    """A small made-up tree: path below the package → text."""
    return [parse(PACKAGE + path, text) for path, text in sample.items()]


@cache
def files() -> tuple[str, ...]:
    """Every file that is tracked, or would be after `git add`; symbolic links left out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = sorted(set(listed.split("\0")) - {""})
    return tuple(n for n in names if (ROOT / n).is_file() and not (ROOT / n).is_symlink())


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Every Python file below `folders`."""
    wanted = tuple(folder.rstrip("/") + "/" for folder in folders)
    return tuple(
        parse(name, (ROOT / name).read_text(encoding="utf-8"))
        for name in files()
        if name.endswith(".py") and name.startswith(wanted)
    )


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method, nested ones too."""
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def classes(module: Module) -> Iterator[ast.ClassDef]:
    """Every class, nested ones too."""
    for node in module.nodes:
        if isinstance(node, ast.ClassDef):
            yield node


def imports(module: Module) -> Iterator[tuple[ast.stmt, str, str]]:
    """(statement, module named, name taken from it or ''), relative imports resolved."""
    for node in module.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node, _absolute(module, node), alias.name


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    is_package = module.inside[-1:] == ("__init__",)
    up = node.level - 1 if is_package else node.level
    parts = module.dotted.split(".")
    return ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])


def _uses(nodes: Sequence[ast.AST]) -> Iterator[tuple[ast.expr, str]]:
    known = dict(_bound(nodes))
    inner = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in inner:
            name = _dotted(node)
            if name:
                first, _, rest = name.partition(".")
                yield node, ".".join(filter(None, (known.get(first, first), rest)))


def _bound(nodes: Sequence[ast.AST]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((a.asname, a.name) for a in node.names if a.asname)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((a.asname or a.name, f"{node.module}.{a.name}") for a in node.names)


def _dotted(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            before = _dotted(value)
            return f"{before}.{attr}" if before else ""
    return ""
