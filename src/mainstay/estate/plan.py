"""What an apply would change, thing by thing, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

from mainstay.estate.collections import Estate

_SHOWN_MAX = 60
"""Characters of a value before it is cut."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One change. `what` says it in words: "tier 2 → 1"; empty for a thing added or removed whole."""

    verb: Literal["added", "removed", "changed"]
    collection: str
    id: str
    """The thing's id; a route's number; for org, `org`."""
    what: str

    def __str__(self) -> str:
        return f"{self.verb} {self.collection} {self.id}{': ' if self.what else ''}{self.what}"


def differences(old: Estate | None, new: Estate) -> tuple[Difference, ...]:
    """Every change from `old` (None: nothing was in force) to `new`, in the collections' order."""
    before = _things(old) if old is not None else {}
    after = _things(new)
    found: list[Difference] = []
    for collection in Estate.model_fields:
        was, becomes = before.get(collection, {}), after[collection]
        for id_ in [*becomes, *(gone for gone in was if gone not in becomes)]:
            found += _of_thing(collection, id_, was=was.get(id_), becomes=becomes.get(id_))
    return tuple(found)


def _things(estate: Estate) -> dict[str, dict[str, Any]]:
    """Collection → id → what it is, as JSON values."""
    values = json.loads(estate.model_dump_json(by_alias=True))
    values["org"] = {"org": values["org"]}
    values["routes"] = {str(n): route for n, route in enumerate(values["routes"], start=1)}
    return dict(values)


def _of_thing(collection: str, id_: str, *, was: Any, becomes: Any) -> Iterator[Difference]:
    if was is None:
        yield Difference("added", collection, id_, "")
    elif becomes is None:
        yield Difference("removed", collection, id_, "")
    else:
        for what in _changes(was, becomes, way=""):
            yield Difference("changed", collection, id_, what)


def _changes(was: Any, becomes: Any, *, way: str) -> Iterator[str]:
    """The smallest changes inside two values, each with the way to it."""
    if was == becomes:
        return
    if isinstance(was, dict) and isinstance(becomes, dict):
        for key in [*becomes, *(gone for gone in was if gone not in becomes)]:
            yield from _changes(was.get(key), becomes.get(key), way=f"{way} {key}".strip())
    elif _are_parts(was) and _are_parts(becomes):
        for index, (one, other) in enumerate(zip_longest(was, becomes), start=1):
            if one is None or other is None:
                verb, which = ("added", other) if one is None else ("removed", one)
                yield f"{way} {index} {verb} {_text(which)}"
            else:
                yield from _changes(one, other, way=f"{way} {index}")
    elif isinstance(was, list) and isinstance(becomes, list):
        yield f"{way} {_of_lists(was, becomes)}"
    else:
        yield f"{way} {_text(was)} → {_text(becomes)}"


def _are_parts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _of_lists(was: list[Any], becomes: list[Any]) -> str:
    """`+ledger −fraud`, or the whole when only the order changed."""
    added = [f"+{_text(one)}" for one in becomes if one not in was]
    removed = [f"−{_text(one)}" for one in was if one not in becomes]
    return " ".join([*added, *removed]) or f"{_text(was)} → {_text(becomes)}"


def _text(value: Any) -> str:
    """A value in a few words."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case list():
            text = ", ".join(map(_text, value)) or "none"
        case dict():
            given = {key: one for key, one in value.items() if one not in (None, [], {})}
            if set(given) == {"person"}:
                return str(given["person"])
            text = "{" + ", ".join(f"{key}: {_text(one)}" for key, one in given.items()) + "}"
        case _:
            text = str(value)
    return text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + "…"
