"""Many files become one tree: collections merge, ids stay unique, short forms become long ones."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence

from mainstay.estate.collections import Estate
from mainstay.estate.collections.watch import PROBE_MODELS as PROBES
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
    "hosts": "host",
    "checks": "check",
    "journeys": "journey",
    "telemetry": "telemetry",
    "blanks": "blank",
}
Loc = Sequence[str | int]
RANGE_MAX = 1_000
RANGE_PATTERN = r"^([a-z0-9_.-]*)\[([0-9]{1,6})-([0-9]{1,6})\]([a-z0-9_.-]*)$"
_RANGE = re.compile(RANGE_PATTERN)


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
    _wrap_texts(root.mapping.get("blanks"), "pattern")
    for team in _children(root, "teams"):
        _wrap_texts(team.mapping.get("shifts"), "at")
    for checklist in _children(root, "checklists"):
        for item in _items(checklist, "items"):
            _wrap_texts(item.mapping.get("answer"), "type")
            run = item.mapping.get("run")
            if run is not None and isinstance(run.value, str):
                item.mapping["run"] = Node(run.at, [run])
    _hosts(root)
    for check in _children(root, "checks"):
        _check(check)
    for service in _children(root, "services"):
        find = service.mapping.get("find")
        if find is not None and isinstance(find.value, dict):
            service.mapping["find"] = Node(find.at, [find])
    for source in _children(root, "sources"):
        mapped = source.mapping.get("map")
        severity = mapped.mapping.get("severity") if mapped else None
        if severity is not None:
            _severity(severity)


def _check(check: Node) -> None:
    """A probe's main text alone is a mapping with it; `on` one host is a list of one."""
    for name, model in PROBES.items():
        probe = check.mapping.get(name)
        if probe is None or isinstance(probe.value, dict | bool | None):
            continue
        main = next(iter(model.model_fields))
        if name == "http" and isinstance(probe.value, list):
            main = "steps"
        if name in ("plugin", "script") and isinstance(probe.value, str):
            probe.value = [Node(probe.at, word) for word in _words(probe.value)]
        _wrap(probe, main, Node(probe.at, probe.value))
    on = check.mapping.get("on")
    if on is not None and isinstance(on.value, str):
        check.mapping["on"] = Node(on.at, [Node(on.at, on.value)])


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:  # a quote without its fellow: one word, which no program is called
        return [command]


def _hosts(root: Node) -> None:
    """`pg-[01-03]` is three hosts; `%n` in the texts of each is its own id."""
    found = root.mapping.get("hosts")
    if found is None:
        return
    for name in list(found.mapping):
        ids = each_of(name)
        if ids == [name]:
            _spell(found.mapping[name], name)
            continue
        node, at = found.mapping.pop(name), found.keys.pop(name)
        for id_ in ids:
            if id_ not in found.mapping:
                found.mapping[id_], found.keys[id_] = _copy(node), at
                _spell(found.mapping[id_], id_)


def each_of(name: str) -> list[str]:
    """The ids that `pg-[01-03]` stands for, at most 1,000; a name without a range stands for itself."""
    match = _RANGE.fullmatch(name)
    if match is None:
        return [name]
    before, first, last, after = match.groups()
    width = len(first)
    numbers = range(int(first), min(int(last), int(first) + RANGE_MAX - 1) + 1)
    return [f"{before}{n:0{width}}{after}" for n in numbers]


def _copy(node: Node) -> Node:
    inner = {key: _copy(one) for key, one in node.mapping.items()}
    return Node(node.at, inner if isinstance(node.value, dict) else node.value, dict(node.keys))


def _spell(node: Node, name: str) -> None:
    for one in node.mapping.values():
        if isinstance(one.value, str):
            one.value = one.value.replace("%n", name)


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
