"""Matchers on labels, in Alertmanager's words: `name=value`, `!=`, `=~`, `!~`.

Regular expressions are RE2 (linear time, so a hostile one costs nothing) and match the whole
value. A label that is not there counts as the empty text, as in Alertmanager.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import re2

from mainstay.foundation.errors import Invalid

Op = Literal["=", "!=", "=~", "!~"]
_TEXT = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label."""

    name: str
    op: Op
    value: str
    _regex: Any = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.op in ("=~", "!~"):
            object.__setattr__(self, "_regex", _compiled(self.value))

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels` fulfil it."""
        value = labels.get(self.name, "")
        match self.op:
            case "=":
                return value == self.value
            case "!=":
                return value != self.value
            case "=~":
                return self._regex.fullmatch(value) is not None
            case "!~":
                return self._regex.fullmatch(value) is None

    def __str__(self) -> str:
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.name}{self.op}"{quoted}"'

    def as_json(self) -> dict[str, str]:
        """The stored form."""
        return {"name": self.name, "op": self.op, "value": self.value}

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> Matcher:
        """From the stored form."""
        return Matcher(stored["name"], stored["op"], stored["value"])


def parse(text: str) -> Matcher:
    """`severity=~"critical|error"` as a Matcher; quotes are optional. Invalid says what is wrong."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise Invalid(
            f"{text!r} is no matcher; write label=value, label!=value, label=~regex or label!~regex."
        )
    name, op, value = match.groups()
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return Matcher(name, op, value)  # type: ignore[arg-type]


def fits_all(matchers: tuple[Matcher, ...], labels: Mapping[str, str]) -> bool:
    """Whether `labels` fulfil every one."""
    return all(matcher.fits(labels) for matcher in matchers)


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        words = error.args[0] if error.args else "not understood"
        words = words.decode(errors="replace") if isinstance(words, bytes) else words
        raise Invalid(f"{pattern!r} is no regular expression (RE2): {words}.") from error
