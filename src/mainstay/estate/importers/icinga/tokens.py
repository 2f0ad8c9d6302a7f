"""Icinga 2's language as words, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["name", "text", "number", "sign", "end"]
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+ | //[^\n]* | \#[^\n]* | /\*.*?\*/)
      | (?P<long>\{\{\{.*?\}\}\})
      | (?P<text>"(?:[^"\\\n]|\\.)*")
      | (?P<number>\d+(?:\.\d+)?(?P<unit>ms|s|m|h|d)?\b)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<sign>=>|==|!=|<=|>=|&&|\|\||\+=|-=|\*=|/=|[-+*/%<>=!&|^~.,:;?@$(){}\[\]])""",
    re.X | re.S,
)
_ESCAPE = re.compile(r"\\(.)", re.S)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, None: 1.0}


@dataclass(frozen=True, slots=True)
class Token:
    """One word. `value`: what a text or a number means; durations are seconds."""

    kind: Kind
    text: str
    line: int
    column: int
    value: str | float | None = None


class Unread(Exception):
    """What this reader does not know, and where it stands."""

    def __init__(self, words: str, at: Token) -> None:
        super().__init__(words)
        self.words, self.at = words, at


def tokens(text: str) -> list[Token]:
    """The words of a file, `end` last. What is no word ends the file with an `Unread` in its place."""
    found, at, line, start = [], 0, 1, 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        column = at - start + 1
        if match is None:
            found.append(Token("end", text[at : at + 20].splitlines()[0], line, column))
            return found
        raw = match[0]
        if match["long"] is not None:
            found.append(Token("text", raw, line, column, raw[3:-3]))
        elif match["text"] is not None:
            plain = _ESCAPE.sub(lambda one: _ESCAPES.get(one[1], one[1]), raw[1:-1])
            found.append(Token("text", raw, line, column, plain))
        elif match["number"] is not None:
            unit = match["unit"]
            number = float(raw.removesuffix(unit or "")) * _UNITS[unit]
            found.append(Token("number", raw, line, column, number))
        elif match["name"] is not None:
            found.append(Token("name", raw, line, column))
        elif match["sign"] is not None:
            found.append(Token("sign", raw, line, column))
        if "\n" in raw:
            line += raw.count("\n")
            start = at + raw.rindex("\n") + 1
        at = match.end()
    found.append(Token("end", "", line, at - start + 1))
    return found
