"""YAML as people mean it: a tree that remembers where each key and value stands.

YAML 1.2 core scalars only: `22:30`, `off`, `yes` and `2026-12-24` are text. A key that stands
twice is an error. Anchors, aliases, merge keys and tags are refused: an estate is read by people,
in pieces. Built from libyaml's events, without recursion, so that no nesting can exhaust the stack.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from mainstay.estate.reading.problems import Mark, Problem, problem, shown

SIZE_MAX = 1 << 20
"""Bytes in one file."""
DEPTH_MAX = 64
"""Mappings and lists inside each other; the deepest thing we declare needs 8."""

Scalar = str | int | float | bool | None

_INT = re.compile(r"[-+]?\d{1,30}|0o[0-7]{1,30}|0x[0-9a-fA-F]{1,30}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?", re.ASCII)
_CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_CONTROL = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MENDS = (
    ("mapping values are not allowed", "an unexpected ':' (is the line before indented alike? a text with ': ' needs quotes)"),
    ("cannot start any token", "this character cannot start a value; write the text in quotes"),
    ("unexpected end of stream", "this quote is never closed"),
    ("expected ',' or ']'", "this '[' is not closed, or a comma is missing"),
    ("expected ',' or '}'", "this '{' is not closed, or a comma is missing"),
    ("expected key", "the lines of this mapping are not indented alike, or a text needs quotes"),
    ("expected '-' indicator", "this list ends in something that is not '- …'"),
    ("could not find expected ':'", "a key without ':'"),
)  # fmt: skip
"""What libyaml says → what a person can do about it."""


@dataclass(slots=True)
class Node:
    """A value and where it stands. A mapping also knows where its keys stand."""

    at: Mark
    value: Scalar | list[Node] | dict[str, Node]
    keys: dict[str, Mark] = field(default_factory=dict)
    end: Mark | None = None
    """Where it ends, in a file. Of a block mapping or list: somewhere before what follows."""

    @property
    def mapping(self) -> dict[str, Node]:
        """The entries of a mapping; of anything else, none."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """The items of a list; of anything else, none."""
        return self.value if isinstance(self.value, list) else []


class _Stop(Exception):
    """The rest of this file cannot be read."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def load(data: bytes, path: str) -> tuple[Node | None, list[Problem]]:
    """The tree of a file, and what is wrong with it. None: empty, or not to be read at all."""
    tree = _Tree(path)
    try:
        text = _decoded(data, path)
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            tree.take(event)
    except _Stop as stop:
        return None, [*tree.problems, stop.problem]
    except yaml.YAMLError as error:
        return None, [*tree.problems, _syntax(error, text, path)]
    return tree.root, tree.problems


def plain(node: Node) -> Any:
    """The value without its marks."""
    match node.value:
        case dict():
            return {key: plain(child) for key, child in node.value.items()}
        case list():
            return [plain(child) for child in node.value]
    return node.value


def scalar(text: str) -> Scalar:
    """What an unquoted text is by YAML 1.2's core schema."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.fullmatch(text):
        return int(text, 0 if text[:2] in ("0o", "0x") else 10)
    if _FLOAT.fullmatch(text) and len(text) <= 40:
        return float(text)
    return text


class _Tree:
    """Takes events, grows the tree."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._open: list[Node] = []
        self._key: list[tuple[str, Mark] | None] = []
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.AliasEvent():
                self._stop(
                    event,
                    "E106",
                    f"an alias (*{event.anchor}) is not supported; write the value out",
                )
            case yaml.ScalarEvent():
                self._refuse_extras(event)
                self._scalar(event)
            case yaml.CollectionStartEvent():
                self._refuse_extras(event)
                self._start(event)
            case yaml.CollectionEndEvent():
                self._open.pop().end = self._end(event)
                self._key.pop()
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self._stop(event, "E106", "a second document ('---'); one file holds one")
            case _:
                pass

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        at = self._mark(event)
        if self._wants_key():
            if event.value == "<<" and event.implicit[0]:
                self._stop(event, "E106", "a merge key (<<) is not supported; write the keys out")
            self._key[-1] = (event.value, at)
            return
        value = scalar(event.value) if event.implicit[0] else event.value
        self._add(Node(at, value, end=self._end(event)))

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        if self._wants_key():
            self._stop(event, "E111", "a key must be text, not a list or a mapping")
        if len(self._open) >= DEPTH_MAX:
            self._stop(event, "E107", f"nested more than {DEPTH_MAX} levels deep")
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        node = Node(self._mark(event), {} if is_mapping else [])
        self._add(node)
        self._open.append(node)
        self._key.append(None)

    def _wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._key[-1] is None

    def _add(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        match parent.value:
            case list():
                parent.value.append(node)
            case dict():
                pending = self._key[-1]
                assert pending is not None
                self._key[-1] = None
                self._put(parent, pending, node)

    def _put(self, parent: Node, pending: tuple[str, Mark], node: Node) -> None:
        key, at = pending
        if key in parent.keys:
            first = parent.keys[key]
            self.problems.append(
                problem(at, "E108", f"key {shown(key)} stands twice, first in line {first.line}")
            )
            return
        parent.mapping[key] = node
        parent.keys[key] = at

    def _refuse_extras(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            self._stop(
                event, "E106", f"an anchor (&{event.anchor}) is not supported; write the value out"
            )
        if event.tag not in (None, "!"):
            self._stop(event, "E106", f"a tag ({_short(event.tag)}) is not supported")

    def _mark(self, event: yaml.Event) -> Mark:
        return self._at(event.start_mark)

    def _end(self, event: yaml.Event) -> Mark:
        return self._at(event.end_mark)

    def _at(self, at: Any) -> Mark:
        return Mark(self.path, at.line + 1, at.column + 1) if at else Mark(self.path, 1, 1)

    def _stop(self, event: yaml.Event, code: str, message: str) -> None:
        raise _Stop(problem(self._mark(event), code, message))


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def _decoded(data: bytes, path: str) -> str:
    start = Mark(path, 1, 1)
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise _Stop(
            problem(
                start,
                "E103",
                "the file starts with a byte order mark; save it as UTF-8 without one",
            )
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        at = _place(data[: error.start].decode("utf-8"), path)
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise _Stop(problem(at, "E103", message)) from None
    if bad := _CONTROL.search(text):
        at = _place(text[: bad.start()], path)
        message = f"a control character (U+{ord(bad[0]):04X}); remove it"
        raise _Stop(problem(at, "E103", message))
    return text


def _place(before: str, path: str) -> Mark:
    return Mark(path, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _syntax(error: yaml.YAMLError, text: str, path: str) -> Problem:
    words = getattr(error, "problem", None) or str(error)
    at = getattr(error, "problem_mark", None)
    opened = getattr(error, "context_mark", None)
    mend = next((mend for sign, mend in _MENDS if sign in words), words)
    if opened is not None and ("not closed" in mend or "never closed" in mend):
        at = opened
    line, column = (at.line, at.column) if at is not None else (0, 0)
    lines = text.splitlines()
    source = lines[line] if line < len(lines) else ""
    if "\t" in source[: len(source) - len(source.lstrip())]:
        mark = Mark(path, line + 1, source.index("\t") + 1)
        return problem(mark, "E105", "a tab indents this line; YAML wants spaces")
    return problem(Mark(path, line + 1, column + 1), "E104", f"not YAML: {mend}")
