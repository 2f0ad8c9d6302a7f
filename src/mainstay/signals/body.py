"""JSON from strangers: decoded strictly, or refused with the place and the reason.

What is refused, wherever it stands: an empty body, a byte order mark, bytes that are not UTF-8,
NaN and Infinity, numbers that no 64-bit machine holds, half of a surrogate pair, nesting deeper
than 64. In a value that we keep: NUL, integers beyond 64 bits, more than 10,000 keys in an object.
Of two equal keys in one object the last wins, as in Go's and Python's own readers.

The quick path is one C call; only a refused body is read a second time, to say where it is wrong.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, TypeVar

import msgspec

from mainstay.foundation.errors import Invalid

T = TypeVar("T")

DEPTH_MAX = 64
KEYS_MAX = 10_000
"""Keys of one object, entries of `labels` included."""
INTEGER_MAX = 2**63 - 1
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
_STRING = re.compile(rb'"[^"]*"')
_PLACE = re.compile(r" - at (?:the key in )?`(\$[^`]*)`$")
_ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The body as the decoder's type. Invalid says where and why not."""
    check_text(body)
    check_depth(body)
    return decode_unbounded(decoder, body)


def decode_unbounded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """As `decode`, for a caller that then calls `check_text` and `check_depth` itself.

    The decoder's own limit (some hundred levels) guards the stack meanwhile.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        check_text(body)
        raise _mismatch(str(error)) from None
    except (ValueError, RecursionError) as error:
        check_text(body)
        check_depth(body)
        raise _malformed(body, str(error)) from None


def tree(body: bytes) -> Any:
    """The body as plain values, every one of which the database and a page can hold."""
    value = decode(_ANY, body)
    found = fault(value)
    if found is not None:
        raise Invalid(found[1], pointer=found[0])
    return value


def check_text(body: bytes) -> None:
    """Refuse what no JSON reader should see: nothing at all, or another encoding than UTF-8."""
    if not body.strip():
        raise Invalid("The body is empty; a JSON text was expected.")
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise Invalid("The body begins with a byte order mark; send UTF-8 without one.")
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise Invalid(f"Byte {error.start} is not UTF-8; send the body as UTF-8.") from None


def check_depth(body: bytes, *, known: int = 0) -> None:
    """Refuse a body that nests too deep.

    `known` brackets are accounted for by what was decoded; where few others are left, none of them
    can be deep, and the body is not searched.
    """
    if body.count(b"[") + body.count(b"{") - known > DEPTH_MAX and _too_deep(body):
        raise Invalid(f"The body nests deeper than {DEPTH_MAX} levels.")


def fault(value: Any, at: str = "") -> tuple[str, str] | None:
    """The first thing inside `value` that we cannot keep, as (pointer, sentence); None if clean."""
    waiting = [(at, value)]
    while waiting:
        pointer, part = waiting.pop()
        sentence = _fault_of(part)
        if sentence is not None:
            return pointer, sentence
        if isinstance(part, dict):
            for key, inner in part.items():
                here = f"{pointer}/{step(key)}"
                sentence = text_fault(key)
                if sentence is not None:
                    return here, f"A key is wrong. {sentence}"
                waiting.append((here, inner))
        elif isinstance(part, list):
            waiting.extend([(f"{pointer}/{n}", inner) for n, inner in enumerate(part)])
    return None


def text_fault(text: str) -> str | None:
    """Why a database cannot hold this text; None if it can."""
    if "\0" in text:
        return "A text holds a NUL character (\\u0000); leave it out."
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        return "A text holds half of a surrogate pair; send the whole character."
    return None


def step(key: str) -> str:
    """One step of a JSON pointer (RFC 6901), shortened, with nothing in it that cannot be shown."""
    safe = "".join([c if c.isprintable() else f"\\u{ord(c):04x}" for c in key[:80]])
    return safe.replace("~", "~0").replace("/", "~1")


def _fault_of(part: Any) -> str | None:
    if isinstance(part, str):
        return text_fault(part)
    if isinstance(part, bool) or part is None:
        return None
    if isinstance(part, int):
        too_big = not -INTEGER_MAX - 1 <= part <= INTEGER_MAX
        return "An integer does not fit into 64 bits; send it as text." if too_big else None
    if isinstance(part, float):
        return None if math.isfinite(part) else "A number is not finite; JSON has no such number."
    if isinstance(part, dict) and len(part) > KEYS_MAX:
        return f"An object has {len(part):,} keys; at most {KEYS_MAX:,} are taken."
    return None


def _mismatch(words: str) -> Invalid:
    """A value of the wrong type; msgspec's own path as a JSON pointer."""
    place = _PLACE.search(words)
    said = words[: place.start()] if place else words
    path = place[1][1:] if place else ""
    pointer = path.replace("[...]", "").replace("[", "/").replace("]", "").replace(".", "/")
    return Invalid(f"{said.replace('`', '')}.", pointer=pointer)


def _malformed(body: bytes, words: str) -> Invalid:
    """Why the quick decoder gave up, with a pointer where a more patient one can name the place."""
    try:
        value = json.loads(body, parse_int=_integer)
    except (ValueError, RecursionError):
        return Invalid(f"The body is not JSON: {words.removeprefix('JSON is malformed: ')}.")
    found = fault(value)
    if found is not None:
        return Invalid(found[1], pointer=found[0])
    return Invalid(f"The body is not JSON: {words}.")


def _integer(digits: str) -> int:
    """The integer, or one that is surely too big: Python itself refuses thousands of digits."""
    return int(digits) if len(digits) < 40 else 2**200


def _too_deep(body: bytes) -> bool:
    """Whether brackets nest deeper than DEPTH_MAX, by bulk operations on the bytes.

    Strings are taken out first; then innermost pairs are. A body of ordinary depth is gone after
    a few rounds; only a strange one is walked bracket by bracket, and that stops at the limit.
    """
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = body.translate(None, _NOT_STRUCTURE).replace(b'""', b"")
    if b'"' in brackets:
        brackets = _STRING.sub(b"", brackets)
    rest = brackets
    for _ in range(4):
        rest = rest.replace(b"{}", b"").replace(b"[]", b"")
    return bool(rest) and _deepest(brackets) > DEPTH_MAX


def _deepest(brackets: bytes) -> int:
    """The depth reached, or the first depth beyond the limit."""
    depth = deepest = 0
    for bracket in brackets:
        if bracket in b"[{":
            depth += 1
            if depth > deepest:
                deepest = depth
                if deepest > DEPTH_MAX:
                    break
        elif bracket in b"]}":
            depth -= 1
    return deepest
