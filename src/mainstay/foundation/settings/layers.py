"""The layers that settings come from: each value with its origin and the place to change it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mainstay.foundation.errors import Invalid

FILE_NAME = "mainstay.toml"
PREFIX = "MAINSTAY_"
NOT_SETTINGS = frozenset({"CONFIG", "URL", "TOKEN", "FAILPOINT"})
"""`MAINSTAY_…` variables with other readers: this file's path, the command line's client, tests."""

Origin = Literal["default", "file", "environment", "flag"]
Key = tuple[str, ...]
"""A setting's place in the tables: ("smtp", "host")."""


@dataclass(frozen=True, slots=True)
class Given:
    """One value of one layer; `where` is what a person must open to change it."""

    value: Any
    origin: Origin
    where: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the setting, where it was made, and how to mend it."""

    key: Key
    where: str
    sentence: str


def find_file(*, flag: Path | None, environment: Mapping[str, str], folder: Path) -> Path | None:
    """The settings file: the flag's, else `MAINSTAY_CONFIG`, else `folder`'s own, else None.

    A file that was named is returned even when it does not exist: `load` then says so.
    """
    named = flag or environment.get(f"{PREFIX}CONFIG")
    if named:
        return Path(named)
    usual = folder / FILE_NAME
    return usual if usual.is_file() else None


def from_defaults(environment: Mapping[str, str]) -> dict[Key, Given]:
    """The one default that depends on the person: where a program keeps its own data.

    The XDG folder (specifications.freedesktop.org/basedir-spec).
    """
    share = environment.get("XDG_DATA_HOME") or "~/.local/share"
    return {("data_dir",): Given(f"{share}/mainstay", "default", "the default")}


def from_file(file: Path) -> dict[Key, Given]:
    """The values of a TOML file, each placed at `file:line`. Invalid when it cannot be read."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Invalid(f"Cannot read the settings in {file}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{file} is not UTF-8 text; TOML files are.") from error
    try:
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise invalid([_toml_problem(file, error)]) from error
    return {
        key: Given(value, "file", f"{file}:{_line_of(text, key)}")
        for key, value in flat(tree).items()
    }


def from_environment(environment: Mapping[str, str]) -> dict[Key, Given]:
    """The `MAINSTAY_…` variables; an empty one counts as not set."""
    given = {}
    for name, value in environment.items():
        key = name.removeprefix(PREFIX)
        if key != name and key not in NOT_SETTINGS and value:
            given[tuple(key.lower().split("__"))] = Given(value, "environment", name)
    return given


def from_flags(flags: Mapping[str, Any]) -> dict[Key, Given]:
    """Flags, nested or dotted (`smtp.host`); None counts as not given."""
    given = {}
    for key, value in flat(flags).items():
        path = tuple(".".join(key).split("."))
        if value is not None:
            given[path] = Given(value, "flag", f"--{'-'.join(path)}".replace("_", "-"))
    return given


def flat(tree: Mapping[str, Any], at: Key = ()) -> dict[Key, Any]:
    """Key → value of nested tables; an empty table stays as itself."""
    found: dict[Key, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, (*at, str(name)))
        else:
            found[(*at, str(name))] = value
    return found


def invalid(problems: list[Problem]) -> Invalid:
    """One error that lists every problem; `facts["problems"]` has them for a program."""
    lines = [f"{problem.where}: {problem.sentence}" for problem in problems]
    head = f"{len(lines)} things are wrong in the settings:" if len(lines) > 1 else "Wrong setting:"
    found = [
        {"key": ".".join(problem.key), "where": problem.where, "sentence": problem.sentence}
        for problem in problems
    ]
    return Invalid("\n  ".join([head, *lines]), problems=found)


def _toml_problem(file: Path, error: Exception) -> Problem:
    words = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "nested too deeply"
    match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", words)
    sentence, where = (match[1], f"{file}:{match[2]}:{match[3]}") if match else (words, str(file))
    return Problem((), where, f"this is not TOML: {sentence}")


def _line_of(text: str, key: Key) -> int:
    """The line of a key, or of the nearest table around it that has one; 1 at worst.

    The TOML reader keeps no positions, so this looks for `[table]` and `name =` at line starts.
    """
    best, best_line, table = 0, 1, list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[+\s*([^\]#]+?)\s*\]", line):
            here = table = _names(header[1])
        elif name := re.match(r"\s*([\w.\"'\s-]+?)\s*=", line):
            here = [*table, *_names(name[1])]
        else:
            continue
        if len(here) > best and tuple(here) == key[: len(here)]:
            best, best_line = len(here), number
    return best_line


def _names(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]
