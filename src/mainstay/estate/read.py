"""From a folder of YAML files to an Estate, or to every problem at once.

    files → trees (yaml_text) → one tree (layout) → values (collections) → references and rules

What is wrong in one thing does not hide what is wrong in another: things that cannot be read are
set aside, and the checks go on with the rest.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mainstay.estate.collections import Estate
from mainstay.estate.reading import yaml_text
from mainstay.estate.reading.layout import Loc, Places, gather, lengthen
from mainstay.estate.reading.problems import BadEstate, Mark, Problem, problem
from mainstay.estate.reading.references import dangling
from mainstay.estate.reading.sentences import problems_of
from mainstay.estate.reading.values import unfit
from mainstay.estate.reading.yaml_text import Node, plain
from mainstay.foundation.errors import Impossible

_Found = tuple[Path, str]
"""A file, and how it is called in messages."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` found. `estate` is None when any problem is an error.

    `schedules`: where each stands, for those who find out later that it has gaps.
    """

    estate: Estate | None
    problems: tuple[Problem, ...]
    schedules: Mapping[str, Mark] = field(default_factory=dict)


def read(folder: Path) -> Estate:
    """The estate that a folder's files declare.

    Every `*.yaml` and `*.yml` under it, hidden ones left out, in order of their paths. Raises
    BadEstate with every problem at once.
    """
    checked = check(folder)
    if checked.estate is None:
        raise BadEstate(checked.problems)
    return checked.estate


def check(
    folder: Path, *, today: date | None = None, instead: Mapping[str, bytes] | None = None
) -> Checked:
    """As `read`, with the warnings too, and without raising.

    With `today` it also warns of layers whose people have all left by then. `instead`: what files
    would hold, by how they are called, where it is not what they hold now.
    """
    problems: list[Problem] = []
    nodes = []
    for path, called in _files(folder, problems):
        node, found = _load(path, called, instead or {})
        problems += found
        if node is not None:
            nodes.append(node)
    if not nodes:
        if not problems:
            where = Mark(_called(folder), 1, 1)
            words = "no *.yaml file here holds anything; `mainstay init` writes a first estate"
            problems.append(problem(where, "E113", words))
        return Checked(None, tuple(sorted(set(problems))))
    whole = not problems
    root, found = gather(nodes, whole=whole)
    problems += found
    whole = whole and not any(one.code in ("E110", "E111") for one in found)
    estate, found = _compiled(root, whole=whole, today=today)
    problems += found
    if any(one.level == "error" for one in problems):
        estate = None
    schedules = root.mapping.get("schedules")
    places = schedules.keys if schedules is not None else {}
    return Checked(estate, tuple(sorted(set(problems))), places)


def files(folder: Path) -> dict[str, Path]:
    """The files of a folder that can be read, in order, by how messages call them."""
    return {called: path for path, called in _files(folder, [])}


def from_values(values: Any) -> Estate:
    """The estate that JSON values declare, as `Estate` is stored; checked as files are.

    Raises BadEstate with every problem at once; the `path` of each is a JSON pointer.
    """
    root = _tree(values, "")
    if not root.mapping:
        raise BadEstate((problem(root.at, "E110", "an estate is a mapping of collections"),))
    estate, problems = _compiled(root, whole=True, today=None)
    if estate is None or any(one.level == "error" for one in problems):
        raise BadEstate(tuple(sorted(set(problems))))
    return estate


def _tree(value: Any, pointer: str) -> Node:
    """JSON values as the tree that a file would have made; its marks are pointers."""
    at = Mark(pointer, 1, 1)
    if isinstance(value, dict):
        inner = {
            key: _tree(one, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")
            for key, one in value.items()
        }
        return Node(at, inner, {key: one.at for key, one in inner.items()})
    if isinstance(value, list):
        return Node(at, [_tree(one, f"{pointer}/{n}") for n, one in enumerate(value)])
    return Node(at, value)


def _compiled(
    root: Node, *, whole: bool, today: date | None
) -> tuple[Estate | None, list[Problem]]:
    """The tree as an Estate, and everything that is wrong with what it says.

    Unless it is `whole` (a file could not be read), what seems to be missing may be in there.
    """
    lengthen(root)
    places = Places(root)
    values = plain(root)
    if not whole:
        values.setdefault("org", {"name": "?"})
    estate, bad = _estate(values)
    problems = problems_of(bad, places) if bad else []
    if whole:
        problems += dangling(estate, places)
    problems += unfit(estate, places, whole=whole, today=today)
    return estate, problems


def _estate(values: dict[str, Any]) -> tuple[Estate, ValidationError | None]:
    """The estate of `values`, and what pydantic found; what cannot be read is taken out of `values`.

    First the bad keys are left out; a thing that cannot be without them, as a whole.
    """
    first: ValidationError | None = None
    for whole_things in (False, True, True):
        try:
            return Estate.model_validate(values, by_alias=True, by_name=False), first
        except ValidationError as error:
            first = first or error
            for detail in error.errors():
                _take_out(values, detail["loc"], whole_thing=whole_things)
    raise Impossible("An estate that cannot be read was not set aside.", first=str(first))


def _take_out(values: dict[str, Any], bad: Loc, *, whole_thing: bool) -> None:
    """Remove the key at `bad`, or its whole thing.

    What stands in a list goes with its thing, since places in lists are how marks are found;
    `routes`, whose order counts, goes as a whole; `org`, which must be there, becomes a blank one.
    """
    loc = [step for step in bad if step != "[key]"]
    if loc[0] == "org" and (whole_thing or len(loc) == 1):
        values["org"] = {"name": "?"}
        return
    if whole_thing or any(isinstance(step, int) for step in loc):
        loc = loc[: 1 if loc[0] == "routes" else 2]
    inside: Any = values
    for step in loc[:-1]:
        inside = inside.get(step) if isinstance(inside, dict) else None
    if isinstance(inside, dict):
        inside.pop(loc[-1], None)


# -- files -----------------------------------------------------------------------------------------


def _called(folder: Path) -> str:
    """A folder as it was given, or, given in full, by its own name."""
    return folder.name if folder.is_absolute() else str(folder)


def _files(folder: Path, problems: list[Problem]) -> Iterator[_Found]:
    name = _called(folder)
    yield from _walk(folder, "" if name == "." else f"{name}/", above=(), problems=problems)


def _walk(
    folder: Path, prefix: str, *, above: tuple[tuple[int, int], ...], problems: list[Problem]
) -> Iterator[_Found]:
    """Files in order of their paths. `above`: the folders that we are in, to notice a loop."""
    here = Mark(prefix.rstrip("/") or ".", 1, 1)
    try:
        status = folder.stat()
        entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        problems.append(problem(here, "E101", f"cannot read this folder: {_reason(error)}"))
        return
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        problems.append(problem(here, "E101", "this link leads back to a folder that it is in"))
        return
    for entry in entries:
        called = prefix + entry.name
        try:
            mode = entry.stat().st_mode
        except OSError as error:
            if entry.suffix in (".yaml", ".yml") or not entry.suffix:
                words = f"cannot read this: {_reason(error)}"
                problems.append(problem(Mark(called, 1, 1), "E101", words))
            continue
        if stat.S_ISDIR(mode):
            inside = (*above, identity)
            yield from _walk(entry, f"{called}/", above=inside, problems=problems)
        elif entry.suffix in (".yaml", ".yml"):
            if stat.S_ISREG(mode):
                yield entry, called
            else:
                problems.append(problem(Mark(called, 1, 1), "E101", "this is not a plain file"))


def _load(
    path: Path, called: str, instead: Mapping[str, bytes]
) -> tuple[Node | None, list[Problem]]:
    start = Mark(called, 1, 1)
    try:
        data = instead[called] if called in instead else _content(path)
    except OSError as error:
        return None, [problem(start, "E101", f"cannot read this file: {_reason(error)}")]
    if len(data) > yaml_text.SIZE_MAX:
        return None, [problem(start, "E102", "larger than 1 MiB; split it into several files")]
    return yaml_text.load(data, called)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(yaml_text.SIZE_MAX + 1)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
