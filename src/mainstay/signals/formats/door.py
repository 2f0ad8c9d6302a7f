"""A door: the paths that a protocol uses, where its key stands, how to read and how to answer.

Pure functions only; `api` mounts the doors, caps sizes and unpacks before it calls them, in this
order: `check_headers`, `key_of` and the key ring, the body, `check`, `admit`, `reply`. Whatever goes wrong on the
way, `refuse` says it as that protocol's own clients expect.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from mainstay.estate import Format, Source
from mainstay.foundation.errors import Invalid, MainstayError, OverLimit
from mainstay.signals.item import BAD_TOLD_MAX, Arrival, Reading, Verdict

JSON = "application/json"
PROBLEM = "application/problem+json"
KEY_CHARS_MAX = 256
_CHARSETS = ("utf-8", "utf8", "us-ascii")


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back over the wire."""

    status: int
    body: bytes
    content_type: str = JSON


Read = Callable[[bytes, Source, Arrival], Reading]
"""Deterministic in its arguments; raises Invalid, with a pointer, when no item can be taken."""
Check = Callable[[bytes, Source, Arrival], Verdict]
"""As `Read`, without making the items: its verdict, or the same Invalid."""
KeyOf = Callable[[Mapping[str, str], str | None, bytes], str | None]
"""The key in (headers with lower-case names, key in the path, body); None: there is none."""


@dataclass(frozen=True, slots=True)
class Door:
    """One way in. `name` is stored with each request: it finds the reader again.

    `paths` are templates; `{key}` in one is the intake key. Several doors may share a path; the
    source's format then decides which one it is.
    """

    name: str
    format: Format
    method: str
    paths: tuple[str, ...]
    read: Read
    key_of: KeyOf
    reply: Callable[[str, Verdict], Reply]
    refuse: Callable[[MainstayError], Reply]
    key_in_body: bool = False
    """Else the key is asked for before a byte of the body is read."""
    own_check: Check | None = None
    """Where it is quicker than `read`, or tells more; it runs the same rules."""

    def check(self, body: bytes, source: Source, arrival: Arrival) -> Verdict:
        """Whether the body can be taken, as `read` will find when it is settled."""
        if self.own_check is not None:
            return self.own_check(body, source, arrival)
        return self.read(body, source, arrival).verdict


def header_key(headers: Mapping[str, str], path_key: str | None, body: bytes = b"") -> str | None:
    """The key from the path, or from `Authorization`: Bearer, Basic (password, else user)."""
    if path_key:
        return path_key[:KEY_CHARS_MAX]
    scheme, _, words = headers.get("authorization", "").partition(" ")
    key = words.strip()
    if scheme.lower() == "basic":
        key = _basic(key)
    elif scheme.lower() not in ("bearer", "token", "geniekey"):
        key = ""
    return key[:KEY_CHARS_MAX] or None


def check_headers(headers: Mapping[str, str]) -> None:
    """Invalid if the body is said to be in another character set than UTF-8."""
    for part in headers.get("content-type", "").lower().split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in _CHARSETS:
            raise Invalid("The Content-Type names another character set; send the body as UTF-8.")


def status_of(error: MainstayError) -> int:
    """The HTTP status for an error."""
    return error.http_status if isinstance(error, OverLimit) else error.status


def problem(error: MainstayError) -> Reply:
    """The error as RFC 9457, with the JSON pointer of what is wrong."""
    status = status_of(error)
    words: dict[str, object] = {
        "title": error.title,
        "status": status,
        "detail": error.sentence,
        "code": error.code,
    }
    if isinstance(error, Invalid):
        words["pointer"] = error.pointer
    if "items" in error.facts:
        words["items"] = error.facts["items"]
    return Reply(status, msgspec.json.encode(words), PROBLEM)


def taken(receipt: str, verdict: Verdict) -> Reply:
    """202 with the receipt, the number of items taken, and the first ones that were refused."""
    told = verdict.bad[:BAD_TOLD_MAX]
    refused = [{"pointer": bad.pointer, "detail": bad.sentence} for bad in told]
    words = {"receipt": receipt, "items": verdict.good_n, "refused": refused}
    return Reply(202, msgspec.json.encode(words))


def _basic(words: str) -> str:
    try:
        text = base64.b64decode(words, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    user, _, password = text.partition(":")
    return password or user
