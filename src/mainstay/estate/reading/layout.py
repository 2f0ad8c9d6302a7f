"""Many files become one tree: collections merge, ids stay unique, short forms become long ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mainstay.estate.collections import Estate
from mainstay.estate.reading.problems import Mark, Problem, nearest, problem, shown
from mainstay.estate.reading.yaml_text import Node

SCHEMA_VERSION = 1
COLLECTIONS = tuple(Estate.model_fields)
SINGULAR = {
    "calendars": "calendar",
    "teams": "team",
    "people": "person",
    "sources": "source",
    "routes": "route",
    "schedules": "schedule",
    "escalations": "escalation",
    "services": "service",
    "checklists": "checklist",
}
Loc = Sequence[str | int]


class Places:
    """Finds the mark of anything by its way from the root: ("services", "pay-api", "tier")."""

    def __init__(self, root: Node) -> None:
        self._root = root

    def value(self, loc: Loc) -> Mark:
        """Where the value stands, or the nearest thing around it that exists."""
        return self._walk(loc)[0]

    def key(self, loc: Loc) -> Mark:
        """Where the key of the value stands; of a list's item, the item."""
        return self._walk(loc)[1]

    def node(self, loc: Loc) -> Node | None:
        """The value itself, None where it is not written."""
        _value, _key, node, left = self._walk(loc)
        return None if left else node

    def ids(self, collection: str) -> frozenset[str]:
        """Every id that is declared, in well-formed things and in others."""
        found = self._root.mapping.get(collection)
        return frozenset(found.mapping) if found else frozenset()

    def _walk(self, loc: Loc) -> tuple[Mark, Mark, Node, int]:
        """Value mark, key mark, node, and how many steps of `loc` were not there."""
        node, key = self._root, self._root.at
        for passed, step in enumerate(loc):
            if isinstance(step, int):
                if step >= len(node.items):
                    return node.at, key, node, len(loc) - passed
                node = node.items[step]
                key = node.at
            elif step in node.keys:
                key = node.keys[step]
                node = node.mapping[step]
            else:
                return node.at, key, node, len(loc) - passed
        return node.at, key, node, 0


def gather(files: Sequence[Node], *, whole: bool) -> tuple[Node, list[Problem]]:
    """One tree, collections at its top, from the trees of all files that could be read."""
    problems = list(_versions(files, whole=whole))
    root = Node(files[0].at, {})
    for file in files:
        if not isinstance(file.value, dict):
            found = shown(file.value) if not isinstance(file.value, list) else "a list"
            words = f"expected collections such as 'services:', got {found}"
            problems.append(problem(file.at, "E111", words))
        for name, node in file.mapping.items():
            if name == "mainstay":
                continue
            if name not in COLLECTIONS:
                words = f"no collection {shown(name)}{nearest(name, COLLECTIONS)}"
                problems.append(problem(file.keys[name], "E110", words))
            elif node.value is not None:
                problems += _merge(root, name, key=file.keys[name], node=node)
    return root, problems


def _versions(files: Sequence[Node], *, whole: bool) -> Iterable[Problem]:
    given = [file.mapping["mainstay"] for file in files if "mainstay" in file.keys]
    if not given and whole:
        words = f"no schema version; write 'mainstay: {SCHEMA_VERSION}' at the top of this file"
        yield problem(files[0].at, "E112", words)
    for node in given:
        if node.value != SCHEMA_VERSION or isinstance(node.value, bool):
            words = f"schema version {shown(node.value)}; this Mainstay reads {SCHEMA_VERSION}"
            yield problem(node.at, "E112", words)


def _merge(root: Node, name: str, *, key: Mark, node: Node) -> Iterable[Problem]:
    """Put a file's `name: …` into the tree."""
    wanted = list if name == "routes" else dict
    if not isinstance(node.value, wanted):
        kind = "a list" if wanted is list else "a mapping"
        yield problem(node.at, "E111", f"{name} must be {kind}, got {shown(node.value)}")
        return
    have = root.mapping.get(name)
    if have is None:
        root.mapping[name] = Node(node.at, node.value, dict(node.keys))
        root.keys[name] = key
        return
    if name in ("org", "routes"):
        first = root.keys[name]
        why = " (routes stand in one place, since their order counts)" if name == "routes" else ""
        yield problem(key, "E109", f"{name} is already declared at {first.path}:{first.line}{why}")
        return
    for id_, child in node.mapping.items():
        if first_at := have.keys.get(id_):
            thing = SINGULAR.get(name, name)
            words = f"{thing} {shown(id_)} is already declared at {first_at.path}:{first_at.line}"
            yield problem(node.keys[id_], "E109", words)
            continue
        have.mapping[id_] = child
        have.keys[id_] = node.keys[id_]


# -- short forms -----------------------------------------------------------------------------------


def lengthen(root: Node) -> None:
    """Write every short form out, in place; marks stay those of what was written."""
    for escalation in _children(root, "escalations"):
        if isinstance(escalation.value, list):
            _wrap(escalation, "steps", Node(escalation.at, escalation.value))
    for schedule in _children(root, "schedules"):
        for layer in _items(schedule, "layers"):
            for turn in _items(layer, "order"):
                if isinstance(turn.value, str):
                    _wrap(turn, "person", Node(turn.at, turn.value))
            only = layer.mapping.get("only")
            if only is not None and isinstance(only.value, dict):
                layer.mapping["only"] = Node(only.at, [only])
    for team in _children(root, "teams"):
        _wrap_texts(team.mapping.get("shifts"), "at")
    for checklist in _children(root, "checklists"):
        for item in _items(checklist, "items"):
            _wrap_texts(item.mapping.get("answer"), "type")
    for source in _children(root, "sources"):
        mapped = source.mapping.get("map")
        severity = mapped.mapping.get("severity") if mapped else None
        if severity is not None:
            _severity(severity)


def _severity(node: Node) -> None:
    """`$.sev` alone is {from: $.sev}; keys of a mapping that are not ours are the sender's words."""
    if isinstance(node.value, str):
        _wrap(node, "from", Node(node.at, node.value))
        return
    theirs = [key for key in node.mapping if key not in ("from", "otherwise", "words")]
    if not theirs:
        return
    words = node.mapping.get("words")
    if words is None or not isinstance(words.value, dict):
        words = Node(node.at, {})
        node.keys.setdefault("words", node.at)
        node.mapping["words"] = words
    for key in theirs:
        words.mapping[key] = node.mapping.pop(key)
        words.keys[key] = node.keys.pop(key)


def _wrap_texts(node: Node | None, key: str) -> None:
    """Each text of a mapping is short for a mapping with one key."""
    for child in node.mapping.values() if node is not None else ():
        if isinstance(child.value, str):
            _wrap(child, key, Node(child.at, child.value))


def _wrap(node: Node, key: str, inner: Node) -> None:
    inner.keys = node.keys
    node.value = {key: inner}
    node.keys = {key: node.at}


def _children(root: Node, name: str) -> list[Node]:
    found = root.mapping.get(name)
    return list(found.mapping.values()) if found else []


def _items(node: Node, key: str) -> list[Node]:
    found = node.mapping.get(key)
    return found.items if found else []
