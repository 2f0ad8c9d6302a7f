"""Hostile bodies: every way we know to break a JSON reader or the database behind it.

Each is made from a good body of the format: `"@"` in it is where a sender's own text stands.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

PLACE = '"@"'

VALUES: dict[str, bytes] = {
    "half a surrogate pair, high": rb'"x\ud800y"',
    "half a surrogate pair, low": rb'"x\udc00y"',
    "a surrogate pair in the wrong order": rb'"\ude00\ud83d"',
    "half a surrogate pair at the very end": rb'"x\ud83d"',
    "a NUL": rb'"a\u0000b"',
    "a raw NUL": b'"a\0b"',
    "a raw line break in a text": b'"a\nb"',
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "minus Infinity": b"-Infinity",
    "1e400": b"1e400",
    "minus 1e400": b"-1e400",
    "2 to the 63": b"9223372036854775808",
    "below minus 2 to the 63": b"-9223372036854775809",
    "an integer of 5,000 digits": b"9" * 5000,
    "a key with a NUL": rb'{"a\u0000":1}',
    "a key with half a surrogate pair": rb'{"a\ud800":1}',
    "arrays 70 deep": b"[" * 70 + b"]" * 70,
    "objects 70 deep": b'{"a":' * 70 + b"1" + b"}" * 70,
    "arrays 2,000 deep": b"[" * 2000 + b"]" * 2000,
    "arrays 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "objects 100,000 deep and unclosed": b'{"a":' * 100_000,
    "10,001 keys": json.dumps({f"k{n}": n for n in range(10_001)}).encode(),
    "an over-long encoding": b'"\xc0\x80"',
    "a surrogate in UTF-8": b'"\xed\xa0\x80"',
    "latin-1": b'"caf\xe9"',
    "a bad escape": rb'"\x41"',
    "a cut escape": rb'"\u00"',
    "a leading zero": b"01",
    "a comment": b'/* hello */ "x"',
}
"""JSON texts, or nearly, for one value inside a body."""

WHOLES: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \r\n\t ",
    "one NUL": b"\0",
    "an open list": b"[",
    "an open object": b"{",
    "an unclosed text": b'"abc',
    "a number": b"42",
    "a text": b'"hello"',
    "true": b"true",
    "half a word": b"tru",
    "lists in lists": b"[[]]",
    "a list of null": b"[null]",
    "a list of numbers": b"[1, 2]",
    "an empty object": b"{}",
    "an object of nonsense": b'{"labels": 5, "payload": [], "alerts": {}, "summary": {}}',
    "a form": b"a=1&b=2",
    "XML": b"<?xml version='1.0'?><a/>",
    "gzip that nobody unpacked": gzip.compress(b"[]" * 1000, mtime=0),
    "a million open brackets": b"[" * 1_000_000,
    "quotes without end": b'"' * 65_537,
    "backslashes": b'["' + b"\\" * 65_537,
}
"""Whole bodies that are wrong for every format."""


def poisoned(good: Any) -> dict[str, bytes]:
    """Name → hostile body, for a good body that holds the text `@` at a place worth poisoning."""
    text = json.dumps(good)
    before, _, after = text.partition(PLACE)
    assert after, "the good body needs a place for the poison"
    whole = text.encode()
    found = {
        f"{name} as a value": before.encode() + v + after.encode() for name, v in VALUES.items()
    }
    found |= WHOLES
    found |= {f"cut after {n} bytes": whole[:n] for n in (1, len(whole) // 2, len(whole) - 1)}
    found |= {
        "a byte order mark": b"\xef\xbb\xbf" + whole,
        "UTF-16": whole.decode().encode("utf-16"),
        "UTF-16 without a mark": whole.decode().encode("utf-16-le"),
        "UTF-32": whole.decode().encode("utf-32"),
        "words after the end": whole + b" and more",
        "a second body": whole + whole,
        "a NUL at the end": whole + b"\0",
        "a comma too many": whole[:-1] + b"," + whole[-1:],
        "single quotes": whole.replace(b'"', b"'"),
    }
    return found
