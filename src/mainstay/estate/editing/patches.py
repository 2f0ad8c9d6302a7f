"""The difference between two texts of a file: for `git apply`, and line by line for a screen."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

NO_END = "\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class PatchLine:
    """One line of a patch. `kind`: taken out, put in, unchanged around it, or the place itself."""

    kind: Literal["out", "in", "same", "place"]
    text: str


def patch(name: str, before: str, after: str) -> str:
    """The unified difference as `git apply` and `patch -p1` take it; empty where there is none."""
    if before == after:
        return ""
    lines = difflib.unified_diff(_lines(before), _lines(after), f"a/{name}", f"b/{name}")
    return "".join(one if one.endswith("\n") else f"{one}\n{NO_END}" for one in lines)


def patch_lines(text: str) -> list[PatchLine]:
    """A patch without its two head lines."""
    found = []
    for line in text.split("\n")[2:]:
        kind: Literal["out", "in", "same", "place"] = "same"
        match line[:1]:
            case "-":
                kind = "out"
            case "+":
                kind = "in"
            case "@" | "\\":
                kind = "place"
        if line:
            found.append(PatchLine(kind, line))
    return found


def _lines(text: str) -> list[str]:
    """Cut at line feeds alone, as git does."""
    pieces = text.split("\n")
    return [f"{one}\n" for one in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])
