"""What kind of value a field takes, in the words of the people who write it."""

from __future__ import annotations

import types
from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from mainstay.estate.collections.text import duration_text
from reference.markdown import code

Named = Callable[[Any], str | None]
"""The words for an annotation that has a name of its own; None: it has none."""
PLAIN = {
    str: "text",
    int: "number",
    float: "number",
    bool: "yes or no",
    Path: "path",
    Any: "anything",
}


def kind(annotation: Any, named: Named) -> str:
    """`list of [id](#id)`, `` `live` or `shadow` `` … ; what may be None is told by the default."""
    words = named(annotation)
    if words is not None:
        return words
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return kind(inner[0], named)
    if origin is Literal:
        return alternatives([code(word) for word in inner])
    if origin in (Union, types.UnionType):
        parts = [kind(one, named) for one in inner if one is not type(None)]
        return alternatives(list(dict.fromkeys(parts)))
    if origin in (list, tuple):
        return f"list of {kind(inner[0], named)}"
    if origin is dict:
        return f"mapping of {kind(inner[0], named)} to {kind(inner[1], named)}"
    return PLAIN[annotation]


def bounds(metadata: list[Any]) -> str:
    """` from 1 to 366`, where a number is limited."""
    low = _limit(metadata, "ge")
    above = _limit(metadata, "gt")
    high = _limit(metadata, "le")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of at least {low}"
    return f" above {above}" if above is not None else ""


def default(field: Any) -> str:
    """The value when nothing is written; `required`, or a dash where that is nothing."""
    if field.default is PydanticUndefined and field.default_factory is None:
        return "required"
    value = field.get_default()
    return "–" if value is None or value in ([], {}, ()) else shown(value)


def shown(value: Any) -> str:
    """A value as a person would write it."""
    match value:
        case BaseModel():
            return "as below"
        case bool():
            return code("true" if value else "false")
        case timedelta():
            return code(duration_text(value))
        case time():
            return code(f'"{value:%H:%M}"')
        case list() | tuple():
            return code(f"[{', '.join(map(str, value))}]")
        case dict():
            return code("{" + ", ".join(f"{k}: {_bare(v)}" for k, v in value.items()) + "}")
    return code(value)


def alternatives(words: list[str]) -> str:
    """`a, b or c`."""
    head, last = words[:-1], words[-1]
    return f"{', '.join(head)} or {last}" if head else last


def _bare(value: Any) -> str:
    return shown(value).strip("`")


def _limit(metadata: list[Any], name: str) -> Any:
    return next(
        (getattr(one, name) for one in metadata if getattr(one, name, None) is not None), None
    )
