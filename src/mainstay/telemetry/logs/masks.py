"""What in a message is a value and not words of the program: masked as `<*>`, one message at a time.

The rules are those that a support engineer would say aloud: addresses, paths, numbers, sizes and
identifiers are values; a name that happens to hold a digit (`ssh2`, `HttpServer2`, `r24=`) is not.
They are the same for every system.
"""

from __future__ import annotations

import re

MASK = "<*>"
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DAYS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_VALUE = re.compile(
    rf"""
      (?P<url>\b[a-z][a-z0-9+.-]*://[^\s"'<>|,;)\]}}]+)
    | (?P<date>\b(?:{_DAYS})\ (?:{_MONTHS})\ +\d+\ \d\d:\d\d:\d\d(?:\ [A-Z]{{3,4}})?(?:\ \d{{4}})?
        | \b\d{{4}}[-/]\d\d[-/]\d\d[T\ ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)
    | (?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{{2,}}\b)
    | (?P<path>(?<=file:)/[^\s"',;)\]]+
        | (?<![\w.<>*/:)\]-])(?:[A-Za-z]:|\.{{1,2}})?
          (?:[/\\]+[\w.+@%~${{}}=*-]*[\w}}*])+[/\\.]*(?![\w(]))
    | (?P<mac>(?<![\w:])(?:[0-9A-Fa-f]{{2}}:){{3,}}[0-9A-Fa-f]{{2}}(?![\w:]))
    | (?P<ip6>(?<![\w:.])(?=[0-9a-fA-F:]*[0-9])(?:[0-9a-fA-F]{{0,4}}:){{3,7}}[0-9a-fA-F]{{0,4}}
        (?![\w:]))
    | (?P<host>(?<![\w.$@-])(?:[\w-]+\.)+(?:com|net|org|edu|gov|io|local|localdomain|internal|lan)
        (?![\w.$(-]))
    | (?P<size>(?<![\w.-])-?\d+(?:\.\d+)?\ (?:[KMGTP]i?)?B\b)
    | (?P<flag>\b(?:true|false|TRUE|FALSE|True|False|null)\b)
    | (?P<object>(?<=[\w$>]@)[0-9a-f]{{5,16}}\b)
    | (?P<word>(?<![\w$])-?[\w$]*\d[\w$]*(?:[.-][\w$]+)*
        | [A-Za-z_$][\w$]*(?:[.-][\w$]+)*[.-]\d[\w$]*(?:[.-][\w$]+)*)
    """,
    re.VERBOSE,
)
"""What may be a value; `word` is looked at more closely."""
_NAME = re.compile(r"[A-Za-z_$]*[A-Za-z$]\d[A-Za-z_$]*")
"""A name with one digit in it: `ssh2`, `L3`, `HttpServer2`."""
_HOST_PORT = re.compile(r"([\w.-]+):\d+/?")
_PARTS = re.compile(r"[.-]")
_RUNS = re.compile(r"<\*>(?:[._-]?<\*>)+")
_BLANKS = re.compile(r"\s+")
_NAMED = ("=", "(")
"""After these a word is a name: `r24=…`, `flush2DB(…)`."""


def mask(message: str) -> str:
    """The message with its values as `<*>` and runs of blanks as one."""
    masked = _VALUE.sub(_masked, _BLANKS.sub(" ", message.strip()))
    return (
        _RUNS.sub(MASK, masked)
        if "<*><" in masked or "*>." in masked or ">-<" in masked
        else masked
    )


def _masked(found: re.Match[str]) -> str:
    text = found[0]
    match found.lastgroup:
        case "url":
            return _url(text)
        case "word":
            return _word(text, found.string[found.end() : found.end() + 1])
    return MASK


def _url(text: str) -> str:
    scheme, rest = text.split("://", 1)
    tail = "".join(reversed(_trailing(rest)))
    if _HOST_PORT.fullmatch(rest):
        return f"{scheme}://{MASK}:{MASK}"
    return f"{scheme}://{MASK}{tail}"


def _trailing(text: str) -> list[str]:
    """The stops at the end of a URL belong to the sentence."""
    found = []
    while text and text[-1] in ".:":
        found.append(text[-1])
        text = text[:-1]
    return found


def _word(text: str, after: str) -> str:
    parts = _PARTS.split(text.removeprefix("-"))
    if len(parts) == 1:
        named = after in _NAMED and text[0].isalpha()
        return text if named or _NAME.fullmatch(text) else MASK
    if all(_is_name(part) for part in parts):
        return text
    if parts[0].isalpha() and text[0] != "-" and all(part[:1].isdigit() for part in parts[1:]):
        return text[: len(parts[0]) + 1] + MASK  # jetty-6.1.26, core.2275
    return MASK


def _is_name(part: str) -> bool:
    return not any(sign.isdigit() for sign in part) or _NAME.fullmatch(part) is not None
