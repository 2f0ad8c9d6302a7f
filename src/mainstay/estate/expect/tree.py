"""What a condition is, once read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mainstay.estate.collections.text import TimeSpan

Unit = Literal["time", "size", "share"]
Op = Literal["==", "!=", "<", "<=", ">", ">=", "contains", "matches"]


@dataclass(frozen=True, slots=True)
class Literal_:
    """A number (times in seconds, sizes in bytes, 85% as 0.85), a text, true, false or null."""

    value: float | str | bool | None
    unit: Unit | None
    at: int
    text: str
    """As it was written."""


@dataclass(frozen=True, slots=True)
class Name:
    """A measured value, and the way into it: `body.items[0].id`."""

    name: str
    path: tuple[str | int, ...]
    at: int

    @property
    def text(self) -> str:
        """As it was written, or nearly."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return self.name + "".join(steps)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of its arguments."""

    function: str
    arguments: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Sum:
    """Arithmetic on two sides: + - * /."""

    op: Literal["+", "-", "*", "/"]
    left: Node
    right: Node
    at: int


@dataclass(frozen=True, slots=True)
class Compared:
    """One side against the other; the answer is yes or no."""

    op: Op
    left: Node
    right: Node
    at: int


@dataclass(frozen=True, slots=True)
class Joined:
    """`and`, `or`: yes or no of several."""

    op: Literal["and", "or"]
    parts: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: Node
    at: int


Node = Literal_ | Name | Call | Sum | Compared | Joined | Not


@dataclass(frozen=True, slots=True)
class Period:
    """When a condition counts: on the days of a calendar, or all others; at some time of day."""

    calendar: str | None = None
    is_unless: bool = False
    span: TimeSpan | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """One condition: as written, as read, and when it counts (None: always)."""

    text: str
    tree: Node
    period: Period | None


def each(node: Node) -> Iterator[Node]:
    """The node and everything in it."""
    yield node
    match node:
        case Call():
            inside: tuple[Node, ...] = node.arguments
        case Sum() | Compared():
            inside = (node.left, node.right)
        case Joined():
            inside = node.parts
        case Not():
            inside = (node.part,)
        case _:
            inside = ()
    for one in inside:
        yield from each(one)
