"""The text of a YAML file in which one thing is declared otherwise, and nothing else is touched.

Works on the marks of the loader: what changes is cut out and written anew, what stays keeps its
comments, quotes and layout. The result is read again: it says exactly what was wanted, or there is
no result. A layout that cannot be changed without losing a comment is refused, in words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mainstay.estate.editing.scalars import flow
from mainstay.estate.reading import yaml_text
from mainstay.estate.reading.problems import Mark
from mainstay.estate.reading.yaml_text import Node, plain
from mainstay.foundation.errors import Invalid

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What libyaml counts as the end of a line."""
_DASH = re.compile(r"-[ \t]*\Z")

Wanted = Any
"""JSON values: text, numbers, lists, mappings."""


def rewritten(text: str, way: Sequence[str], wanted: Wanted) -> str:
    """`text` with what stands at `way` saying exactly `wanted`.

    Invalid where the file cannot be changed like that by anything but a person.
    """
    node = _at(_tree(text), way)
    if node is None:
        raise Invalid(f"{'.'.join(way)} is not declared in this file any more.")
    cut = _Cut(text)
    changed = cut.span(0, len(text), cut.changes(node, wanted))
    again = _at(_tree(changed), way)
    if again is None or plain(again) != wanted or _rest(changed, way) != _rest(text, way):
        raise _stubborn(node.at)
    return changed


def _tree(text: str) -> Node:
    root, problems = yaml_text.load(text.encode(), "")
    if root is None or problems:
        words = f"; line {problems[0].line}: {problems[0].message}" if problems else ""
        raise Invalid(f"The file cannot be read as it is{words}. Mend it as text.")
    return root


def _at(root: Node, way: Sequence[str]) -> Node | None:
    node: Node | None = root
    for key in way:
        node = node.mapping.get(key) if node is not None else None
    return node


def _rest(text: str, way: Sequence[str]) -> Any:
    """Everything that the file says beside the thing at `way`."""
    values = plain(_tree(text))
    inside = values
    for key in way[:-1]:
        inside = inside[key]
    inside[way[-1]] = None
    return values


def _stubborn(at: Mark) -> Invalid:
    return Invalid(
        f"Line {at.line} is laid out so that a form cannot change it without losing something. "
        "Change it in the text of the file."
    )


@dataclass(frozen=True, slots=True)
class _Change:
    """What stands from `start` to `end` becomes `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a block list: its lines, the comment above it included, and what it holds."""

    start: int
    end: int
    node: Node


class _Cut:
    """One text and its lines."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [0, *(found.end() for found in _BREAK.finditer(text))]

    def changes(self, node: Node, wanted: Wanted) -> list[_Change]:
        """What makes `node` say `wanted`."""
        if plain(node) == wanted and type(plain(node)) is type(wanted):
            return []
        if isinstance(node.value, dict) and isinstance(wanted, dict) and wanted and node.value:
            return self._of_mapping(node, wanted)
        if isinstance(node.value, list) and isinstance(wanted, list) and wanted and node.value:
            return self._of_list(node, wanted)
        return [self._anew(node, wanted)]

    def span(self, start: int, end: int, changes: Sequence[_Change]) -> str:
        """The text from `start` to `end`, with these changes made."""
        pieces, at = [], start
        for one in sorted(changes, key=lambda one: (one.start, one.end)):
            if one.start < at or one.end > end:
                raise _stubborn(Mark("", self._text.count("\n", 0, one.start) + 1, 1))
            pieces += [self._text[at : one.start], one.text]
            at = one.end
        return "".join([*pieces, self._text[at:end]])

    # -- places ----------------------------------------------------------------------------------

    def _offset(self, at: Mark) -> int:
        return self._lines[at.line - 1] + at.col - 1

    def _line_start(self, offset: int) -> int:
        return max(start for start in self._lines if start <= offset)

    def _line_end(self, offset: int) -> int:
        """Where the next line begins; the end of the text after the last."""
        return next((start for start in self._lines if start > offset), len(self._text))

    def _end(self, node: Node) -> int:
        """The end of what `node` says, without what follows it."""
        if not self._is_flow(node) and isinstance(node.value, dict | list) and node.value:
            inner = node.value.values() if isinstance(node.value, dict) else node.value
            return max(self._end(one) for one in inner)
        assert node.end is not None
        end = self._offset(node.end)
        start = self._offset(node.at)
        while end > start and self._text[end - 1] in "\r\n" and self._text[start] in "|>":
            end -= 1  # a text in lines ends where the next line begins
        return end

    def _is_flow(self, node: Node) -> bool:
        """Whether it is written in brackets."""
        return isinstance(node.value, dict | list) and self._text[self._offset(node.at)] in "[{"

    def _source(self, node: Node) -> str:
        return self._text[self._offset(node.at) : self._end(node)]

    # -- one value -------------------------------------------------------------------------------

    def _anew(self, node: Node, wanted: Wanted) -> _Change:
        """In the place of what was there; in quotes where that was."""
        start, end = self._offset(node.at), self._end(node)
        old = self._text[start:end]
        if "\n" in old and "#" in old:
            raise _stubborn(node.at)
        is_block = isinstance(node.value, dict | list) and node.value and not self._is_flow(node)
        if is_block:  # its first key or dash stands in a line of its own: go back to the colon
            start = len(self._text[:start].rstrip(" \r\n"))
            if self._text[start - 1] != ":":
                raise _stubborn(node.at)
        new = flow(wanted, quoted=old[:1] in ('"', "'"))
        return _Change(start, end, f" {new}" if start == end or is_block else new)

    # -- mappings --------------------------------------------------------------------------------

    def _of_mapping(self, node: Node, wanted: Mapping[str, Wanted]) -> list[_Change]:
        changes: list[_Change] = []
        gone = [key for key in node.mapping if key not in wanted]
        if len(gone) == len(node.mapping):
            return [self._anew(node, dict(wanted))]
        for key in gone:
            changes.append(self._without(node, key))
        for key, value in wanted.items():
            if key in node.mapping:
                changes += self.changes(node.mapping[key], value)
        more = {key: value for key, value in wanted.items() if key not in node.mapping}
        if more:
            changes.append(self._with(node, more))
        return changes

    def _with(self, node: Node, more: Mapping[str, Wanted]) -> _Change:
        """Further keys, after the last one."""
        words = [f"{key}: {flow(value)}" for key, value in more.items()]
        last = self._end(list(node.mapping.values())[-1])
        if self._is_flow(node):
            return _Change(last, last, "".join(f", {one}" for one in words))
        column = min(mark.col for mark in node.keys.values()) - 1
        at = self._line_end(last)
        lines = "".join(f"{' ' * column}{one}\n" for one in words)
        if at == len(self._text) and not self._text.endswith("\n"):
            return _Change(at, at, "\n" + lines.rstrip("\n"))
        return _Change(at, at, lines)

    def _without(self, node: Node, key: str) -> _Change:
        """One key less, its comment at the end of the line included."""
        names = list(node.mapping)
        number = names.index(key)
        start, end = self._offset(node.keys[key]), self._end(node.mapping[key])
        if self._is_flow(node):
            if number:
                return _Change(self._end(node.mapping[names[number - 1]]), end, "")
            return _Change(start, self._offset(node.keys[names[1]]), "")
        line = self._line_start(start)
        if self._text[line:start].strip():  # behind a dash: the next key takes its place
            if number + 1 == len(names):
                raise _stubborn(node.keys[key])
            return _Change(start, self._offset(node.keys[names[number + 1]]), "")
        return _Change(line, self._line_end(end), "")

    # -- lists -----------------------------------------------------------------------------------

    def _of_list(self, node: Node, wanted: Sequence[Wanted]) -> list[_Change]:
        """Entries that stay keep their text, wherever they go; others are changed or written anew."""
        chosen = _matched(node.items, wanted)
        if chosen == list(range(len(node.items))):
            pairs = zip(node.items, wanted, strict=True)
            return [one for item, value in pairs for one in self.changes(item, value)]
        if self._is_flow(node):
            return [self._flow_list(node, wanted, chosen)]
        return [self._block_list(node, wanted, chosen)]

    def _flow_list(
        self, node: Node, wanted: Sequence[Wanted], chosen: Sequence[int | None]
    ) -> _Change:
        start, end = self._offset(node.at), self._end(node)
        if "\n" in self._text[start:end] and "#" in self._text[start:end]:
            raise _stubborn(node.at)
        texts = []
        for number, value in zip(chosen, wanted, strict=True):
            if number is None:
                texts.append(flow(value))
                continue
            item = node.items[number]
            inner = self.changes(item, value)
            texts.append(self.span(self._offset(item.at), self._end(item), inner))
        return _Change(start, end, f"[{', '.join(texts)}]")

    def _block_list(
        self, node: Node, wanted: Sequence[Wanted], chosen: Sequence[int | None]
    ) -> _Change:
        entries = self._entries(node)
        column = " " * (node.at.col - 1)
        lines = []
        for number, value in zip(chosen, wanted, strict=True):
            if number is None:
                lines.append(f"{column}- {flow(value)}\n")
                continue
            entry = entries[number]
            kept = self.span(entry.start, entry.end, self.changes(entry.node, value))
            lines.append(kept if kept.endswith("\n") else kept + "\n")
        start, end = entries[0].start, entries[-1].end
        text = "".join(lines)
        return _Change(start, end, text if self._text[:end].endswith("\n") else text.rstrip("\n"))

    def _entries(self, node: Node) -> list[_Entry]:
        starts = []
        for item in node.items:
            before = self._text[: self._offset(item.at)]
            dash = _DASH.search(before)
            line = self._line_start(dash.start()) if dash else 0
            if dash is None or before[line : dash.start()].strip():
                raise _stubborn(item.at)
            starts.append(line)
        floor = self._offset(node.at)
        starts = [self._above(start, floor if n else start) for n, start in enumerate(starts)]
        ends = [*starts[1:], self._line_end(self._end(node.items[-1]))]
        pairs = zip(starts, ends, node.items, strict=True)
        return [_Entry(start, end, item) for start, end, item in pairs]

    def _above(self, start: int, floor: int) -> int:
        """Where the comment begins that stands right above a line, if there is one."""
        while start > floor:
            line = self._line_start(start - 1)
            if not self._text[line:start].lstrip().startswith("#") or line < floor:
                break
            start = line
        return start


def _matched(items: Sequence[Node], wanted: Sequence[Wanted]) -> list[int | None]:
    """For each wanted entry the one that it was: an equal one; else, of mappings, one left over."""
    values = [plain(item) for item in items]
    left = list(range(len(items)))
    found: list[int | None] = [None] * len(wanted)
    for place, value in enumerate(wanted):
        same = next((n for n in left if values[n] == value), None)
        if same is not None:
            found[place] = same
            left.remove(same)
    for place, value in enumerate(wanted):
        if found[place] is None and isinstance(value, dict):
            other = next((n for n in left if isinstance(values[n], dict)), None)
            if other is not None:
                found[place] = other
                left.remove(other)
    return found
