"""Where things stand in a JSON body: the small path and condition language of the estate's `map`.

Paths are a subset of JSONPath (RFC 9535): `$`, `.name`, `['any name']`, `[0]`, `[-1]`.
Conditions compare what a path finds with literals: `$.state == 'OK'`, `$.n != 3`,
`$.state in ('OK', 'UP')`, a bare path (it is there, and neither false nor null), joined by
`and`, `or`, `not` and brackets. Values compare by their text, so `$.sev == 1` also holds for "1":
senders are not strict about it, and a rule that fails to match is a page that never ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mainstay.foundation.errors import Invalid

Condition = Callable[[Any], bool]
WORDS_MAX = 200
"""Words in one condition; bounds the time and the depth of reading it."""
_STEP = re.compile(
    r"""\.(?P<name>[^\s.\[\]()'"=!,]+)
      | \[(?P<index>-?\d{1,9})\]
      | \[(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]""",
    re.VERBOSE,
)
_WORD = re.compile(
    r"""\s*(?:(?P<path>\$(?:\.[^\s.\[\]()'"=!,]+|\[-?\d{1,9}\]
                          |\['(?:[^'\\]|\\.)*'\]|\["(?:[^"\\]|\\.)*"\])*)
          | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
          | (?P<number>-?\d+(?:\.\d+)?)
          | (?P<sign>==|!=|\(|\)|,)
          | (?P<word>[a-z]+))\s*""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A parsed path; `text` is as written."""

    text: str
    steps: tuple[str | int, ...]

    def find(self, value: Any) -> Any:
        """What stands there; None when nothing does."""
        for step in self.steps:
            if isinstance(step, str):
                value = value.get(step) if isinstance(value, dict) else None
            elif isinstance(value, list) and -len(value) <= step < len(value):
                value = value[step]
            else:
                return None
        return value


def json_path(text: str) -> JsonPath:
    """The path that `text` writes. Invalid says what was expected."""
    if not text.startswith("$"):
        raise Invalid(f"A path begins with $ (as in $.state), and {text!r} does not.")
    steps: list[str | int] = []
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise Invalid(f"Cannot read the path {text!r} from {text[at:]!r} on.")
        steps.append(_step_of(match))
        at = match.end()
    return JsonPath(text, tuple(steps))


def condition(text: str) -> Condition:
    """The condition that `text` writes, to be called with a body. Invalid says what is wrong."""
    words = _words(text)
    found, rest = _either(words, text)
    if rest:
        raise Invalid(f"In the condition {text!r}: did not expect {rest[0][1]!r}.")
    return found


def text_of(value: Any) -> str | None:
    """A scalar as text (`true`, `3`, `3.5`); None for what is missing, a list or an object."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return None


def _step_of(match: re.Match[str]) -> str | int:
    if match["name"] is not None:
        return match["name"]
    if match["index"] is not None:
        return int(match["index"])
    return _unquoted(match["quoted"])


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


# -- conditions, by recursive descent: each takes words and gives back what it did not use ---------

_Words = list[tuple[str, str]]


def _words(text: str) -> _Words:
    words: _Words = []
    at = 0
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            raise Invalid(f"Cannot read the condition {text!r} from {text[at:]!r} on.")
        words.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
        if len(words) > WORDS_MAX:
            raise Invalid(f"A condition has at most {WORDS_MAX} words.")
    return words


def _either(words: _Words, text: str) -> tuple[Condition, _Words]:
    parts = []
    while True:
        part, words = _both(words, text)
        parts.append(part)
        if words[:1] != [("word", "or")]:
            return lambda body: any(part(body) for part in parts), words
        words = words[1:]


def _both(words: _Words, text: str) -> tuple[Condition, _Words]:
    parts = []
    while True:
        part, words = _single(words, text)
        parts.append(part)
        if words[:1] != [("word", "and")]:
            return lambda body: all(part(body) for part in parts), words
        words = words[1:]


def _single(words: _Words, text: str) -> tuple[Condition, _Words]:
    match words:
        case [("word", "not"), *rest]:
            inner, rest = _single(rest, text)
            return lambda body: not inner(body), rest
        case [("sign", "("), *rest]:
            inner, rest = _either(rest, text)
            return inner, _closed(rest, text)
        case [("path", where), *rest]:
            return _comparison(json_path(where), rest, text)
    raise Invalid(f"In the condition {text!r}: expected a path such as $.state.")


def _comparison(where: JsonPath, words: _Words, text: str) -> tuple[Condition, _Words]:
    match words:
        case [("sign", "==" | "!=" as sign), *rest]:
            (wanted,), rest = _literals(rest, text, many=False)
            equal = sign == "=="
            return lambda body: (_plain(where.find(body)) == wanted) is equal, rest
        case [("word", "in"), ("sign", "("), *rest]:
            wanted_any, rest = _literals(rest, text, many=True)
            return lambda body: _plain(where.find(body)) in wanted_any, _closed(rest, text)
    return lambda body: where.find(body) not in (None, False), words


def _literals(words: _Words, text: str, *, many: bool) -> tuple[tuple[str, ...], _Words]:
    found: list[str] = []
    while True:
        match words:
            case [("text", quoted), *rest]:
                found.append(_unquoted(quoted))
            case [("number", plain), *rest] | [("word", "true" | "false" | "null" as plain), *rest]:
                found.append(plain)
            case _:
                raise Invalid(f"In the condition {text!r}: expected a value such as 'OK' or 3.")
        if not many or rest[:1] != [("sign", ",")]:
            return tuple(found), rest
        words = rest[1:]


def _closed(words: _Words, text: str) -> _Words:
    if words[:1] != [("sign", ")")]:
        raise Invalid(f"In the condition {text!r}: a bracket is not closed.")
    return words[1:]


def _plain(value: Any) -> str | None:
    return "null" if value is None else text_of(value)
