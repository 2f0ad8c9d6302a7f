"""Markdown, and the docstrings that it is made of."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Sequence
from functools import cache


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells may hold anything but line ends, which become spaces."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines) + "\n"


def code(text: object) -> str:
    """As code, within a line."""
    return f"`{text}`"


def fenced(text: str, language: str = "") -> str:
    """As code, in lines of its own."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def joined(*parts: str) -> str:
    """Paragraphs, tables and headings with an empty line between."""
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def anchor(heading: str) -> str:
    """The link to a heading, as code hosts make it."""
    return "#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def plain(docstring: str | None) -> str:
    """A docstring as running text."""
    return " ".join(inspect.cleandoc(docstring or "").split())


@cache
def field_words(cls: type) -> dict[str, str]:
    """Field → the docstring under it, of its parents too."""
    ours = [one for one in cls.__mro__ if one.__module__.startswith("mainstay.")]
    return {name: words for one in reversed(ours) for name, words in _own_words(one).items()}


def _own_words(cls: type) -> dict[str, str]:
    [body] = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    found[field.target.id] = plain(text).replace("None:", "Left out:")
    return found


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
