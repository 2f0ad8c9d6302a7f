"""From the text of a condition to its tree, or to what is wrong with it, and at which character.

condition  = choice [ ("on" | "unless") CALENDAR ] [ "from" HH:MM "to" HH:MM ]
choice     = all { "or" all }            all = one { "and" one }      one = [ "not" ] comparison
comparison = sum [ ("==" | "!=" | "<" | "<=" | ">" | ">=" | "contains" | "matches") sum ]
           | NAME quantity               (`stable 30s` is `stable >= 30s`)
sum        = product { ("+" | "-") product }       product = unary { ("*" | "/") unary }
unary      = [ "-" ] ( quantity | TEXT | true | false | null | NAME way | call | "(" choice ")" )
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time
from typing import Literal, cast

import re2

from mainstay.estate.collections.text import ID_PATTERN, TimeSpan, wall_clock
from mainstay.estate.expect.tree import (
    Call,
    Compared,
    Expectation,
    Joined,
    Literal_,
    Name,
    Node,
    Not,
    Op,
    Period,
    Sum,
    Unit,
)
from mainstay.foundation.errors import Invalid
from mainstay.foundation.nearest import hint

CHARS_MAX = 500
DEPTH_MAX = 20
UNITS: dict[str, tuple[float, Unit]] = {
    "us": (1e-6, "time"), "ms": (1e-3, "time"), "s": (1, "time"), "m": (60, "time"),
    "h": (3600, "time"), "d": (86400, "time"), "w": (604800, "time"),
    "B": (1, "size"), "kB": (1e3, "size"), "MB": (1e6, "size"), "GB": (1e9, "size"),
    "TB": (1e12, "size"), "KiB": (2.0**10, "size"), "MiB": (2.0**20, "size"),
    "GiB": (2.0**30, "size"), "TiB": (2.0**40, "size"), "%": (0.01, "share"),
}  # fmt: skip
_TOKEN = re.compile(
    r"""\s*(?: (?P<clock>\d{1,2}:\d{2})
        | (?P<number>\d{1,15}(?:\.\d{1,15})?(?:[eE][-+]?\d{1,2})?) (?P<unit>%|[A-Za-z]+)?
        | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
        | (?P<word>[A-Za-z_]\w*)
        | (?P<sign><=|>=|==|!=|[-+*/<>(),.\[\]=])
        )""",
    re.X,
)
_CALENDAR = re.compile(r"\s*([a-z0-9][a-z0-9_.-]*)")
_COMPARE = ("==", "!=", "<", "<=", ">", ">=", "contains", "matches")
_WORDS = ("and", "or", "not", "on", "unless", "from", "to", "contains", "matches")


class BadCondition(Invalid):
    """What is wrong; `at` counts characters from 1."""

    def __init__(self, sentence: str, at: int) -> None:
        super().__init__(f"At character {at + 1}: {sentence}.", at=at + 1)
        self.at = at + 1


def parse(text: str) -> Expectation:
    """The condition that `text` says; BadCondition tells where it cannot be read."""
    if len(text) > CHARS_MAX:
        raise BadCondition(f"a condition has at most {CHARS_MAX} characters", CHARS_MAX)
    return _Reader(text).condition()


class _Reader:
    """Reads one token ahead."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0
        self.end = 0
        self.kind, self.said, self.unit, self.at = "", "", "", 0
        self._next()

    def _next(self) -> None:
        found = _TOKEN.match(self.text, self.end)
        if found is None:
            self.at = self.end + len(self.text[self.end :]) - len(self.text[self.end :].lstrip())
            if self.at < len(self.text):
                raise BadCondition(f"{self.text[self.at]!r} means nothing here", self.at)
            self.kind = self.said = ""
            return
        self.kind = next(
            k for k in ("clock", "number", "text", "word", "sign") if found[k] is not None
        )
        self.said, self.at, self.end = found[self.kind], found.start(self.kind), found.end()
        self.unit = found["unit"] or ""

    def _is(self, *tokens: str) -> bool:
        return self.kind in ("word", "sign") and self.said in tokens

    def _take(self, *tokens: str) -> str:
        if not self._is(*tokens):
            raise self._unexpected(" or ".join(tokens))
        token = self.said
        self._next()
        return token

    def _unexpected(self, wanted: str) -> BadCondition:
        got = repr(self.text[self.at : self.end]) if self.kind else "the end"
        return BadCondition(f"expected {wanted}, got {got}", self.at)

    # -- the whole ---------------------------------------------------------------------------------

    def condition(self) -> Expectation:
        tree = self._choice()
        period = self._period()
        if self.kind:
            if self._is("="):
                raise BadCondition("'=' is written '=='", self.at)
            raise self._unexpected("the end, 'and' or 'or'")
        if not isinstance(tree, Compared | Joined | Not | Call | Name):
            raise BadCondition("this compares nothing; write a condition such as 'value < 9'", 0)
        return Expectation(self.text.strip(), tree, period)

    def _period(self) -> Period | None:
        calendar, is_unless, span = None, False, None
        if self._is("on", "unless"):
            is_unless = self.said == "unless"
            found = _CALENDAR.match(self.text, self.end)
            if found is None or not re.fullmatch(ID_PATTERN, found[1]):
                raise BadCondition("expected the id of a calendar", self.end)
            calendar, self.end = found[1], found.end()
            self._next()
        if self._is("from"):
            self._next()
            start = self._clock()
            self._take("to")
            span = TimeSpan(start, self._clock())
        return Period(calendar, is_unless, span) if calendar or span else None

    def _clock(self) -> time:
        if self.kind != "clock":
            raise self._unexpected("a time of day such as 22:30")
        try:
            found = wall_clock(self.said.zfill(5))
        except ValueError:
            raise BadCondition(f"{self.said} is no time of day", self.at) from None
        self._next()
        return found

    # -- yes or no ---------------------------------------------------------------------------------

    def _choice(self) -> Node:
        return self._joined("or", self._all)

    def _all(self) -> Node:
        return self._joined("and", self._one)

    def _joined(self, op: Literal["and", "or"], part: Callable[[], Node]) -> Node:
        at, parts = self.at, [part()]
        while self._is(op):
            self._next()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(op, tuple(parts), at)

    def _one(self) -> Node:
        if self._is("not"):
            at = self.at
            self._next()
            return Not(self._deeper(self._one), at)
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._sum()
        if isinstance(left, Name) and self.kind == "number":
            at = self.at
            return Compared(">=", left, self._quantity(), at)
        if not self._is(*_COMPARE):
            return left
        op, at = cast(Op, self.said), self.at
        self._next()
        right = self._sum()
        if op == "matches":
            _check_pattern(right)
        if self._is(*_COMPARE):
            raise BadCondition("two comparisons in a row; join them with 'and'", self.at)
        return Compared(op, left, right, at)

    # -- values ------------------------------------------------------------------------------------

    def _sum(self) -> Node:
        left = self._product()
        while self._is("+", "-"):
            op, at = cast(Literal["+", "-"], self.said), self.at
            self._next()
            left = Sum(op, left, self._product(), at)
        return left

    def _product(self) -> Node:
        left = self._unary()
        while self._is("*", "/"):
            op, at = cast(Literal["*", "/"], self.said), self.at
            self._next()
            left = Sum(op, left, self._unary(), at)
        return left

    def _unary(self) -> Node:
        if self._is("-"):
            at = self.at
            self._next()
            return Sum("-", Literal_(0, None, at, "0"), self._deeper(self._unary), at)
        return self._primary()

    def _primary(self) -> Node:
        at = self.at
        if self.kind == "number":
            return self._quantity()
        if self.kind == "text":
            token = self.said
            self._next()
            return Literal_(re.sub(r"\\(.)", r"\1", token[1:-1]), None, at, token)
        if self._is("("):
            self._next()
            inside = self._deeper(self._choice)
            self._take(")")
            return inside
        if self.kind != "word" or self.said in _WORDS:
            raise self._unexpected("a value")
        word = self.said
        self._next()
        constants = {"true": True, "false": False, "null": None}
        if word in constants:
            return Literal_(constants[word], None, at, word)
        return self._call(word, at) if self._is("(") else Name(word, self._way(), at)

    def _quantity(self) -> Node:
        at, text = self.at, self.said + self.unit
        factor, unit = 1.0, None
        if self.unit:
            if self.unit not in UNITS:
                near = hint(self.unit, UNITS) or f"; there is {', '.join(UNITS)}"
                raise BadCondition(f"no unit {self.unit!r}{near}", at + len(self.said))
            factor, unit = UNITS[self.unit]
        value = float(self.said) * factor
        self._next()
        return Literal_(value, unit, at, text)

    def _way(self) -> tuple[str | int, ...]:
        way: list[str | int] = []
        while self._is(".", "["):
            if self._take(".", "[") == ".":
                if self.kind != "word":
                    raise self._unexpected("a name")
                way.append(self.said)
                self._next()
                continue
            if self.kind == "text":
                way.append(self.said[1:-1])
            elif self.kind == "number" and self.said.isdigit() and not self.unit:
                way.append(int(self.said))
            else:
                raise self._unexpected("a number or a text in quotes")
            self._next()
            self._take("]")
        return tuple(way)

    def _call(self, function: str, at: int) -> Call:
        self._take("(")
        arguments: list[Node] = []
        while not self._is(")"):
            if arguments:
                self._take(",")
            arguments.append(self._deeper(self._choice))
        self._take(")")
        return Call(function, tuple(arguments), at)

    def _deeper(self, part: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise BadCondition(f"nested more than {DEPTH_MAX} deep", self.at)
        inside = part()
        self.depth -= 1
        return inside


def _check_pattern(node: Node) -> None:
    if not isinstance(node, Literal_) or not isinstance(node.value, str):
        raise BadCondition("'matches' needs a regular expression in quotes", node.at)
    try:
        re2.compile(node.value)
    except re2.error as error:
        raise BadCondition(f"not a regular expression in RE2's syntax: {error}", node.at) from None
