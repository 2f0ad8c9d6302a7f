"""The layouts that log lines come in, and what each says before its message.

JSON objects, logfmt, syslog (RFC 5424 and 3164), access logs, klog, and the plain ones with a stamp
somewhere in front, a level, and perhaps the name of a logger. A layout is recognised line by line,
the one that fitted last is tried first: a file has one, a stream may have several.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Literal

import msgspec

from mainstay.telemetry.logs.times import STAMP, Times

Level = Literal["", "debug", "info", "warning", "error", "critical"]
"""`""` where a line does not say."""
LEVELS: dict[str, Level] = {
    "trace": "debug", "debug": "debug", "fine": "debug", "finer": "debug", "finest": "debug",
    "verbose": "debug", "d": "debug", "v": "debug",
    "info": "info", "information": "info", "notice": "info", "i": "info", "config": "info",
    "warn": "warning", "warning": "warning", "w": "warning",
    "error": "error", "err": "error", "severe": "error", "e": "error", "failure": "error",
    "fatal": "critical", "critical": "critical", "crit": "critical", "alert": "critical",
    "emerg": "critical", "panic": "critical", "f": "critical",
}  # fmt: skip
"""What programs write → our five."""
SYSLOG_LEVELS: tuple[Level, ...] = (
    "critical", "critical", "critical", "error", "warning", "info", "info", "debug",
)  # fmt: skip
"""By the severity of RFC 5424, 0 to 7."""
_LEVEL_NUMBERS: dict[int, Level] = {
    10: "debug",
    20: "debug",
    30: "info",
    40: "warning",
    50: "error",
    60: "critical",
}
"""pino's and bunyan's."""
_WORDS = "|".join(sorted((one for one in LEVELS if len(one) > 1), key=len, reverse=True))
_UPPER = f"{_WORDS.upper()}|Information|Warning|Error|Critical|Debug|Info"


class Head(msgspec.Struct):
    """What one line says: its message, and what stands before or beside it."""

    message: str
    at_us: int | None = None
    level: Level = ""
    source: str = ""
    host: str = ""
    detail: str = ""
    shape: str = ""
    fields: Mapping[str, str] = {}
    line: int = 0


Reader = Callable[[str, Times], Head | None]


@dataclass(slots=True)
class Layouts:
    """Recognises one stream's lines. `stamped`: its lines begin with a stamp, so what does not
    belongs to the line before."""

    now: datetime
    zone: tzinfo
    stamped: bool = False
    _times: Times = field(init=False)
    _order: list[Reader] = field(default_factory=lambda: list(READERS))

    def __post_init__(self) -> None:
        self._times = Times(self.now, self.zone)

    def head(self, text: str) -> Head | None:
        """What the line says; None if it is in none of our layouts."""
        for at, reader in enumerate(self._order):
            found = reader(text, self._times)
            if found is not None:
                if at:
                    self._order.insert(0, self._order.pop(at))
                self.stamped = self.stamped or found.at_us is not None
                return found
        return None

    def stamp(self, text: str) -> int | None:
        """The time of a line alone, if a stamp stands near its beginning: cheaper than `head`."""
        found = _STAMPED.match(text)
        if found is not None:
            return self._times.read(found["at"])
        head = self.head(text)
        return None if head is None else head.at_us

    def is_head(self, text: str) -> bool:
        """Whether an indented line is one of its own all the same."""
        found = self.head(text)
        return found is not None and found.at_us is not None


# -- structured ------------------------------------------------------------------------------------

_AT = ("@timestamp", "timestamp", "time", "ts", "t", "asctime", "date", "@t", "datetime")
_LEVEL = ("level", "severity", "lvl", "levelname", "log.level", "loglevel", "@l", "severitytext")
_MESSAGE = ("message", "msg", "@m", "body", "log", "event", "short_message", "@mt")
_SOURCE = (
    "logger",
    "service",
    "service.name",
    "component",
    "logger_name",
    "name",
    "app",
    "module",
    "caller",
)
_TRACE = (
    "stack_trace",
    "exception",
    "stack",
    "exc_info",
    "error.stack_trace",
    "traceback",
    "@x",
    "stacktrace",
)
_FIELD_MAX = 1_024
_FIELDS_MAX = 64


def _json(text: str, times: Times) -> Head | None:
    if text[:1] != "{":
        return None
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return _from_fields(found, times) if isinstance(found, dict) else None


def _from_fields(found: Mapping[str, object], times: Times) -> Head | None:
    by_name = {name.lower(): value for name, value in found.items()}
    message = _first(by_name, _MESSAGE)
    if message is None:
        return None
    level: object = _first(by_name, _LEVEL)
    if isinstance(level, int):
        level = _LEVEL_NUMBERS.get(level, "")
    at = _first(by_name, _AT)
    used = {*_AT, *_LEVEL, *_MESSAGE, *_TRACE}
    rest = [(name, value) for name, value in found.items() if name.lower() not in used]
    return Head(
        _plain(message),
        times.read(_stamp(at)) if at is not None else None,
        LEVELS.get(str(level).lower(), ""),
        source=_plain(_first(by_name, _SOURCE) or ""),
        host=_plain(_first(by_name, ("host", "hostname", "host.name", "pod")) or ""),
        detail=_plain(_first(by_name, _TRACE) or ""),
        shape="" if "@mt" not in by_name else _plain(by_name["@mt"]),
        fields={name: _plain(value)[:_FIELD_MAX] for name, value in rest[:_FIELDS_MAX]},
    )


def _first(found: Mapping[str, object], names: tuple[str, ...]) -> object:
    return next((found[name] for name in names if found.get(name) not in (None, "")), None)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _stamp(value: object) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


_PAIR = re.compile(r'([A-Za-z_][\w.@-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s+|$)')
_PAIRS_MIN = 3


def _logfmt(text: str, times: Times) -> Head | None:
    if "=" not in text[:40] or not _PAIR.match(text):
        return None
    pairs: dict[str, object] = {}
    at = 0
    while found := _PAIR.match(text, at):
        name, value = found.groups()
        pairs[name] = (
            value[1:-1].replace('\\"', '"').replace("\\\\", "\\") if value[:1] == '"' else value
        )
        at = found.end()
    known = {"msg", "message"} & pairs.keys() and {
        "level",
        "lvl",
        "severity",
        "ts",
        "time",
    } & pairs.keys()
    return _from_fields(pairs, times) if known and at >= len(text) and len(pairs) >= 2 else None


# -- syslog, access, klog --------------------------------------------------------------------------

_SYSLOG5424 = re.compile(r"<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) \S+ (?:-|(?:\[(?:[^\]\\]|\\.)*\])+) ?\ufeff?(.*)", re.DOTALL)  # fmt: skip
_SYSLOG3164 = re.compile(
    rf"(?:<(?P<pri>\d{{1,3}})>)?(?P<at>{STAMP})\ (?P<host>[\w.:-]+)\ "
    rf"(?P<source>[\w./-]+(?:\([\w@.]+\))?)(?:\[\d+\])?:\ (?P<message>.*)",
    re.VERBOSE | re.DOTALL,
)
_NO_HOST = frozenset(one.upper() for one in LEVELS)
_ACCESS = re.compile(
    r'(?P<host>\S+) \S+ \S+ \[(?P<at>[^\]]{20,40})\] "(?P<request>[^"]*)" (?P<status>\d{3}) '
    r'(?P<bytes>\d+|-)(?: "(?P<referer>[^"]*)" "(?P<agent>[^"]*)")?(?: (?P<took>[\d.]+))?.*'
)
_KLOG = re.compile(r"(?P<level>[IWEF])(?P<at>\d{4} \d\d:\d\d:\d\d\.\d{6})\s+\d+ (?P<source>[\w.-]+:\d+)\] (?P<message>.*)", re.DOTALL)  # fmt: skip
_SEGMENT = re.compile(r"(?<=/)[^/]*[\d%][^/]*")


def _syslog(text: str, times: Times) -> Head | None:
    if found := _SYSLOG5424.fullmatch(text):
        pri, at, host, app, _, message = found.groups()
        level = SYSLOG_LEVELS[int(pri) % 8]
        inner = _leveled(message)
        return Head(message, times.read(at), inner or level, app.strip("-"), host.strip("-"))
    found = _SYSLOG3164.fullmatch(text)
    if not found or found["host"] in _NO_HOST or found["source"] in _NO_HOST:
        return None
    level = SYSLOG_LEVELS[int(found["pri"]) % 8] if found["pri"] else _leveled(found["message"])
    at_us = times.read(found["at"])
    return Head(found["message"], at_us, level, found["source"], found["host"])


def _access(text: str, times: Times) -> Head | None:
    found = _ACCESS.fullmatch(text) if '] "' in text[:400] else None
    if not found:
        return None
    method, _, rest = found["request"].partition(" ")
    path = rest.rpartition(" ")[0] or rest
    status = found["status"]
    level: Level = "error" if status[0] == "5" else "warning" if status[0] == "4" else "info"
    route = _SEGMENT.sub("<*>", path.partition("?")[0])
    fields = {name: value for name, value in found.groupdict().items() if value and name != "at"}
    message = f"{found['request']} {status}" + (f" {found['took']}" if found["took"] else "")
    return Head(message, times.read(found["at"]), level, "access", shape=f"{method} {route} {status}",
                fields=fields)  # fmt: skip


def _klog(text: str, times: Times) -> Head | None:
    found = _KLOG.fullmatch(text)
    if not found:
        return None
    at = found["at"]
    at_us = times.read(f"{at[:2]}-{at[2:]}")
    return Head(found["message"], at_us, LEVELS[found["level"].lower()], found["source"])


# -- plain -----------------------------------------------------------------------------------------

_STAMPED = re.compile(
    rf"(?:[^\s|]+[\ |]){{0,2}}?[\[(|]?(?P<at>{STAMP})(?P<end>[\])|]?)", re.VERBOSE
)
_LEVELLED = re.compile(
    rf"[\s:|,\]-]*(?P<before>(?:[^\s|:]+(?:\[[^\]]*\])?[\s|]+(?:-\s)?){{0,6}}?)"
    rf"[\[(<]?(?P<level>{_UPPER}|(?<![^\s|])[VDIWEF](?=[\s|/])|(?<=\[)(?:{_WORDS})(?=\]))\b[\])>]?(?P<after>.*)",
    re.DOTALL,
)
_AFTER = re.compile(
    r"[\s:|/,-]*(?:(?:\[[^\]]*\]|\([\w.#-]+\)|\d+)[\s:|-]+)*"
    r"(?:(?P<source>[A-Za-z_][\w.$/*#<>-]*(?:\[[^\]]*\])?(?:\s*\(\d+\))?)\s*(?::\s+|\s-\s|:?\s+-\s+)"
    r"|(?P<dotted>[a-z_]\w*(?:\.\w+)+)\s+(?=\[))?(?P<message>.*)",
    re.DOTALL,
)
_COLUMNS = re.compile(r"[\s|]*(?P<source>[A-Za-z][\w.$-]*)\|(?:\d+\|)?(?P<message>.*)", re.DOTALL)
_CONTAINER = re.compile(r" (?:stdout|stderr) [FP] ")
_FIRST = re.compile(rf"\[?(?P<level>{_UPPER})\]?(?::|\]|\s)\s*(?P<after>.*)", re.DOTALL)
_PYTHON = re.compile(
    r"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL):(?P<source>[\w.]+):(?P<message>.*)", re.DOTALL
)


def _plain_stamped(text: str, times: Times) -> Head | None:
    found = _STAMPED.match(text)
    if not found:
        return None
    at_us = times.read(found["at"])
    if at_us is None:
        return None
    rest = text[found.end() :]
    if rest[:4] == " std" and (container := _CONTAINER.match(rest)):
        return _contained(rest[container.end() :], at_us, times)
    if leveled := _LEVELLED.match(rest):
        return _with_level(leveled, at_us)
    if columns := _COLUMNS.fullmatch(rest):
        return Head(columns["message"], at_us, _leveled(columns["message"]), columns["source"])
    after = _AFTER.fullmatch(rest)
    assert after is not None  # everything in it may be missing
    return Head(
        after["message"],
        at_us,
        _leveled(after["message"]),
        after["source"] or after["dotted"] or "",
    )


def _contained(text: str, at_us: int, times: Times) -> Head:
    """What a program in a container said: its line may have a layout of its own."""
    found = next((head for one in READERS if (head := one(text, times)) is not None), Head(text))
    found.at_us = found.at_us if found.at_us is not None else at_us
    return found


def _with_level(found: re.Match[str], at_us: int | None) -> Head:
    in_front, word, rest = found.group("before", "level", "after")
    after = _AFTER.fullmatch(rest)
    assert after is not None  # everything in it may be missing
    source, dotted, message = after.group("source", "dotted", "message")
    source, host = source or dotted or "", ""
    if in_front:
        before = [one for one in in_front.replace("|", " ").split() if one[0] not in "[(-<"]
        if before and not source and not before[-1].isdigit():
            source = before.pop()
        if len(before) == 1 and source and not before[0].isdigit():
            host = before[0]
    return Head(message, at_us, LEVELS[word.lower()], source.partition("[")[0], host)


def _plain_leveled(text: str, times: Times) -> Head | None:
    if found := _PYTHON.fullmatch(text):
        return Head(found["message"], None, LEVELS[found["level"].lower()], found["source"])
    found = _FIRST.fullmatch(text)
    if not found:
        return None
    after = _AFTER.fullmatch(found["after"])
    assert after is not None  # everything in it may be missing
    return Head(
        after["message"],
        None,
        LEVELS[found["level"].lower()],
        after["source"] or after["dotted"] or "",
    )


_SAYS_LEVEL = re.compile(r"\W{0,3}(?i:(error|fatal|critical|panic|warning|warn|err|crit))\b[:\]]")


def _leveled(message: str) -> Level:
    """The level that a message itself begins with: `error: …`, `[warn] …`."""
    found = _SAYS_LEVEL.match(message)
    return LEVELS[found[1].lower()] if found else ""


READERS: tuple[Reader, ...] = (
    _json,
    _access,
    _syslog,
    _klog,
    _plain_stamped,
    _logfmt,
    _plain_leveled,
)
"""In the order in which they are tried at first."""
