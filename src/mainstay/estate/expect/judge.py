"""Whether a condition holds of measured values, and in which words it does not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any, Protocol

import re2

from mainstay.estate.expect.tree import (
    Call,
    Compared,
    Expectation,
    Joined,
    Literal_,
    Name,
    Node,
    Not,
    Sum,
)
from mainstay.estate.reading.json_path import json_path
from mainstay.foundation.errors import Invalid

Value = Any
"""A measured value: a number, a text, a flag, None, or lists and mappings of them."""
SAMPLES = 14
"""How many earlier values `median` and its like take when no number is given."""
WEEKS = 4
SHOWN_CHARS = 60
DAY_S = 86_400.0


class Past(Protocol):
    """What is remembered of earlier results of the same check."""

    def last(self, name: str, count: int) -> Sequence[tuple[float, float]]:
        """The newest values of `name`, newest first: (seconds before now, value)."""
        ...

    def same_hour(self, name: str, weeks: int) -> Sequence[float]:
        """Its values within half an hour of this time of the week, in that many past weeks."""
        ...


class NoPast:
    """Nothing is remembered: the first result ever."""

    def last(self, name: str, count: int) -> Sequence[tuple[float, float]]:
        """None."""
        return ()

    def same_hour(self, name: str, weeks: int) -> Sequence[float]:
        """None."""
        return ()


@dataclass(frozen=True, slots=True)
class Held:
    """The answer. `known` False: too little is remembered yet; then it counts as held."""

    holds: bool
    words: str
    """What was found, as a half sentence: "status is 503, expected == 200"."""
    known: bool = True


class _Unknown(Exception):
    """Too little is remembered."""


class _Absent(Exception):
    """A value that was not measured, or cannot be computed with."""


def judge(expectation: Expectation, values: Mapping[str, Value], past: Past) -> Held:
    """Whether it holds. Never raises for what was measured: what is missing does not hold."""
    asking = _Asking(values, past)
    try:
        answer = asking.value(expectation.tree)
    except _Unknown as why:
        return Held(True, f"{expectation.text}: {why}", known=False)
    except _Absent as why:
        return Held(False, f"{why}, expected {expectation.text}")
    if _truth(answer):
        return Held(True, expectation.text)
    return Held(False, asking.words(expectation))


def _truth(answer: Value) -> bool:
    return answer is True or (not isinstance(answer, bool | float | int) and bool(answer))


class _Asking:
    def __init__(self, values: Mapping[str, Value], past: Past) -> None:
        self._values = values
        self._past = past

    def value(self, node: Node) -> Value:
        match node:
            case Literal_():
                return node.value
            case Name():
                return self._named(node)
            case Call():
                return self._call(node)
            case Sum():
                return _arithmetic(node.op, self.value(node.left), self.value(node.right))
            case Compared():
                return _compare(node.op, self.value(node.left), self.value(node.right))
            case Not():
                return not _truth(self.value(node.part))
            case Joined():
                return self._joined(node)

    def _joined(self, node: Joined) -> bool:
        """What is unknown decides nothing while another part does."""
        wanted, unknown = node.op == "or", None
        for part in node.parts:
            try:
                if _truth(self.value(part)) is wanted:
                    return wanted
            except _Unknown as why:
                unknown = why
        if unknown is not None:
            raise unknown
        return not wanted

    def _named(self, node: Name) -> Value:
        if node.name not in self._values:
            raise _Absent(f"no {node.name} was measured")
        found = self._values[node.name]
        for step in node.path:
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                raise _Absent(f"there is no {node.text}") from None
        return found

    def _call(self, node: Call) -> Value:
        first = node.arguments[0]
        match node.function:
            case "has":
                try:
                    return self.value(first) is not None
                except _Absent:
                    return False
            case "json":
                return self._json(str(self.value(first)))
            case "header" | "perf":
                holder = "headers" if node.function == "header" else "perf"
                wanted = str(self.value(first))
                found = self._values.get(holder) or {}
                if node.function == "header":
                    wanted = wanted.lower()
                if wanted not in found:
                    raise _Absent(f"there is no {node.function} {wanted!r}")
                return found[wanted]
            case "len" | "lower" | "number" | "abs":
                return _plain(node.function, self.value(first))
            case "days_to":
                return self._days_to(node)
        assert isinstance(first, Name)
        count = int(_number(self.value(node.arguments[1]))) if len(node.arguments) > 1 else None
        return self._of_the_past(node.function, first, count)

    def _json(self, path: str) -> Value:
        try:
            found = json_path(path).find(self._values.get("body"))
        except Invalid as error:
            raise _Absent(error.sentence.rstrip(".")) from None
        if found is None:
            raise _Absent(f"there is nothing at {path}")
        return found

    def _of_the_past(self, function: str, of: Name, count: int | None) -> float:
        if function == "usual":
            week = list(self._past.same_hour(of.text, count or WEEKS))
            if not week:
                raise _Unknown("nothing is remembered of this hour in past weeks")
            return median(week)
        earlier = self._past.last(
            of.text, count or (1 if function in ("change", "rate") else SAMPLES)
        )
        if not earlier:
            raise _Unknown(f"no earlier {of.text} is remembered")
        numbers = [value for _, value in earlier]
        match function:
            case "median":
                return median(numbers)
            case "mean":
                return fmean(numbers)
            case "lowest":
                return min(numbers)
            case "highest":
                return max(numbers)
        change = _number(self._named(of)) - numbers[0]
        if function == "change":
            return change
        seconds = earlier[0][0]
        if seconds <= 0:
            raise _Unknown(f"no time has passed since the last {of.text}")
        return change / seconds

    def _days_to(self, node: Call) -> float:
        """Days until a straight line through the last results meets the limit; inf: it never does."""
        *named, limit_node = node.arguments
        of = named[0] if named else Name("value", (), node.at)
        if not isinstance(of, Name):
            raise _Absent("days_to is of a measured value")
        limit, current = _number(self.value(limit_node)), _number(self._named(of))
        points = [(-ago, value) for ago, value in self._past.last(of.text, 1000)]
        if len(points) < 3:
            raise _Unknown("too few earlier results for a trend")
        slope = _slope([*points, (0.0, current)])
        if (limit - current) * slope <= 0:
            return 0.0 if limit == current else math.inf
        return (limit - current) / slope / DAY_S

    def words(self, expectation: Expectation) -> str:
        """What was found instead."""
        tree = expectation.tree
        if not isinstance(tree, Compared):
            return f"{expectation.text} does not hold"
        try:
            left, right = self.value(tree.left), self.value(tree.right)
        except (_Unknown, _Absent):
            return f"{expectation.text} does not hold"
        unit = _unit_of(tree.right) or _unit_of(tree.left)
        said = _said(tree.left, expectation.text)
        told = "" if isinstance(tree.right, Literal_) else f" ({_shown(right, unit)})"
        wanted = expectation.text[tree.at :]
        return f"{said} is {_shown(left, unit)}, expected {wanted}{told}"


def _said(node: Node, text: str) -> str:
    return node.text if isinstance(node, Name | Literal_) else text[: _end(node, text)].strip()


def _end(node: Node, text: str) -> int:
    for op in ("==", "!=", "<=", ">=", "<", ">", " contains ", " matches "):
        found = text.find(op)
        if found > 0:
            return found
    return len(text)


def _unit_of(node: Node) -> str | None:
    match node:
        case Literal_():
            return node.unit
        case Sum() | Compared():
            return _unit_of(node.left) or _unit_of(node.right)
        case _:
            return None


def _shown(value: Value, unit: str | None) -> str:
    """A value as a person writes it."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int | float):
        if unit == "time":
            return f"{value * 1000:.0f} ms" if abs(value) < 1 else f"{value:.4g} s"
        if unit == "share":
            return f"{value * 100:.3g}%"
        return f"{value:.6g}"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"


# -- arithmetic ------------------------------------------------------------------------------------


def _number(value: Value) -> float:
    if isinstance(value, bool) or value is None:
        raise _Absent(f"{_shown(value, None)} is no number")
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(str(value))
    except ValueError:
        raise _Absent(f"{_shown(value, None)} is no number") from None


def _arithmetic(op: str, left: Value, right: Value) -> float:
    one, other = _number(left), _number(right)
    match op:
        case "+":
            return one + other
        case "-":
            return one - other
        case "*":
            return one * other
    if other == 0:
        raise _Absent("this divides by zero")
    return one / other


def _compare(op: str, left: Value, right: Value) -> bool:
    match op:
        case "==":
            return _equal(left, right)
        case "!=":
            return not _equal(left, right)
        case "contains":
            if isinstance(left, list | dict):
                return right in left
            return str(right) in _text(left)
        case "matches":
            return re2.search(str(right), _text(left)) is not None
    one, other = _number(left), _number(right)
    return {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[op]


def _equal(left: Value, right: Value) -> bool:
    """`200 == 200.0`, and `"200"` against a number is the number."""
    if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
        return left is right or (type(left) is type(right) and left == right)
    if isinstance(left, int | float) or isinstance(right, int | float):
        try:
            return _number(left) == _number(right)
        except _Absent:
            return False
    return bool(left == right)


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    return _shown(value, None) if not isinstance(value, list | dict) else str(value)


def _plain(function: str, value: Value) -> Value:
    match function:
        case "len":
            if isinstance(value, str | list | dict):
                return len(value)
            raise _Absent(f"{_shown(value, None)} has no length")
        case "lower":
            return _text(value).lower()
        case "abs":
            return abs(_number(value))
    return _number(value)


def _slope(points: list[tuple[float, float]]) -> float:
    """Of the line of least squares, per second; 0 when all were measured at once."""
    mean_x, mean_y = fmean(x for x, _ in points), fmean(y for _, y in points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if spread == 0:
        return 0.0
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
