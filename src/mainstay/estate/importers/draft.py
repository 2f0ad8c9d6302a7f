"""A draft of an estate: what an importer has understood, and each thing that it could not carry over.

Nothing is dropped in silence: what has no place in the estate is a comment beside the thing that it
belongs to, and is counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from mainstay.estate.collections.text import ID_PATTERN
from mainstay.foundation.errors import Invalid
from mainstay.foundation.spans import duration_text

LINE_MAX = 100
"""Characters of a line; what is longer stands on several."""
ID_CHARS_MAX = 63
NOTE_CHARS_MAX = 200
COLLECTIONS = ("teams", "people", "hosts", "services", "checks")
"""In the order in which they are written."""
_NOT_IN_ID = re.compile(r"[^a-z0-9_.-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff]")


@dataclass(frozen=True, slots=True)
class Text:
    """A file to import: what it is called in messages, and what it holds."""

    called: str
    text: str


@dataclass(slots=True)
class Thing:
    """One entry of a collection, and what could not be carried over with it."""

    value: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    def leave_out(self, what: str) -> None:
        """A part of it that the estate has no place for, in a short sentence."""
        self.notes.append(_one_line(what))


@dataclass(slots=True)
class Draft:
    """What is to be written. `known`: ids that an estate beside it declares, by collection."""

    known: Mapping[str, frozenset[str]] = field(default_factory=dict)
    things: dict[str, dict[str, Thing]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    """Whole things that have no place in the estate."""

    def add(self, collection: str, name: str, value: dict[str, Any]) -> tuple[str, Thing]:
        """A new entry under a free id that says what `name` says."""
        here = self.things.setdefault(collection, {})
        id_ = free_id(name, {*here, *self.known.get(collection, ())})
        here[id_] = Thing(value)
        return id_, here[id_]

    def once(self, collection: str, name: str, value: Callable[[], dict[str, Any]]) -> str:
        """The entry of this very name: declared beside it, already here, or new."""
        id_ = plain_id(name)
        here = self.things.setdefault(collection, {})
        if id_ not in self.known.get(collection, ()) and id_ not in here:
            here[id_] = Thing(value())
        return id_

    def leave_out(self, what: str) -> None:
        """A whole thing that has no place in the estate."""
        self.left_out.append(_one_line(what))

    @property
    def carried_n(self) -> int:
        """How many entries are written."""
        return sum(len(things) for things in self.things.values())

    @property
    def left_out_n(self) -> int:
        """How much could not be carried over."""
        notes = (thing.notes for things in self.things.values() for thing in things.values())
        return len(self.left_out) + sum(map(len, notes))

    def report(self) -> str:
        """What was carried over and what was not, in a sentence."""
        counted = [
            f"{len(things)} {name if len(things) != 1 else name.removesuffix('s')}"
            for name in COLLECTIONS
            if (things := self.things.get(name))
        ]
        words = ", ".join(counted) or "nothing"
        if not self.left_out_n:
            return f"Carried over: {words}. Nothing was left out."
        return f"Carried over: {words}. Left out: {self.left_out_n}; each is a comment in the file."

    def yaml(self, *, origin: str) -> str:
        """The file, to stand in a folder beside others (`mainstay init` writes the first)."""
        lines = [f"# Imported from {origin}. Read it once, then it is yours.", f"# {self.report()}"]
        for name in COLLECTIONS:
            things = self.things.get(name)
            if things:
                lines += [f"{name}:", *_entries(things), ""]
        if self.left_out:
            lines += ["# Left out:", *(f"#   {one}" for one in self.left_out)]
        return "\n".join(lines).rstrip() + "\n"


def free_id(name: str, taken: set[str]) -> str:
    """An id like `name` that is not taken."""
    plain = plain_id(name)
    number, found = 1, plain
    while found in taken:
        number += 1
        found = f"{plain[: ID_CHARS_MAX - 5]}-{number}"
    return found


def plain_id(name: str) -> str:
    """`name` as an id of the estate."""
    plain = _NOT_IN_ID.sub("-", name.strip().lower()).strip("-._")[:ID_CHARS_MAX].strip("-._")
    return plain if re.fullmatch(ID_PATTERN, plain) else "imported"


def span(seconds: float) -> str:
    """A duration as the estate writes it; a second at least."""
    return duration_text(timedelta(seconds=max(1, round(seconds))))


def quoted(text: str) -> str:
    """A text inside of a condition."""
    return json.dumps(text, ensure_ascii=False)


def wrong(called: str, line: int, words: str) -> Invalid:
    """`file:line: what is wrong`, as every importer says it."""
    return Invalid(f"{called}:{line}: {words}", path=called, line=line)


# -- writing ---------------------------------------------------------------------------------------


def _entries(things: Mapping[str, Thing]) -> list[str]:
    lines = []
    for id_, thing in things.items():
        lines += [f"  # {note}" for note in thing.notes]
        whole = f"  {_key(id_)}: {_flow(thing.value)}"
        if len(whole) <= LINE_MAX:
            lines.append(whole)
            continue
        lines.append(f"  {_key(id_)}:")
        lines += [f"    {_key(key)}: {_flow(value)}" for key, value in thing.value.items()]
    return lines


def _flow(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return _text(value)
        case dict():
            return "{" + ", ".join(f"{_key(k)}: {_flow(v)}" for k, v in value.items()) + "}"
        case _:
            items: Sequence[Any] = value
            return "[" + ", ".join(_flow(one) for one in items) + "]"


def _key(text: str) -> str:
    return text if re.fullmatch(r"[a-z][a-z0-9_.-]*", text) and text not in _WORDS else _text(text)


_WORDS = frozenset({"true", "false", "null", "on", "off", "yes", "no", "y", "n"} - {"on"})
_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


def _text(text: str) -> str:
    """Bare where nobody can misread it, else in quotes."""
    if _BARE.fullmatch(text) and text.lower() not in _WORDS | {"on"}:
        return text
    return json.dumps(_CONTROL.sub("�", text.replace("\n", "\\n")) if _CONTROL.search(
        text.replace("\n", "")) else text, ensure_ascii=False)  # fmt: skip


def _one_line(text: str) -> str:
    text = _CONTROL.sub(" ", text).strip()
    return text if len(text) <= NOTE_CHARS_MAX else text[: NOTE_CHARS_MAX - 1] + "…"
