"""Timestamps of log lines: where one may stand in a line, and which instant it names.

A stamp without a zone is taken to be in the zone given; one without a year, in the year that lets
it lie nearest before `now`. What is no time is None, never an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_MONTH = "|".join(_MONTHS)
_CLOCK = r"\d\d:\d\d:\d\d"
STAMP = rf"""(?:
      \d{{4}}-\d\d-\d\d[T\ ]{_CLOCK}(?:[.,]\d{{1,9}})?(?:\ ?(?:Z|UTC|[+-]\d\d:?\d\d))?
    | \d{{4}}-\d\d-\d\d-\d\d\.\d\d\.\d\d(?:\.\d{{1,6}})?
    | \d{{2,4}}/\d\d/\d\d\ {_CLOCK}(?:[.,]\d{{1,9}})?
    | \d\d/(?:{_MONTH})/\d{{4}}:{_CLOCK}\ [+-]\d{{4}}
    | (?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\ )?(?:{_MONTH})\ [\ \d]?\d\ {_CLOCK}(?:\.\d{{1,9}})?(?:\ \d{{4}})?
    | \d\d-\d\d\ {_CLOCK}\.\d{{3,6}}
    | \d{{8}}[-T ]\d\d:?\d\d:?\d\d(?:[:.,]\d{{1,6}})?Z?
    | \d{{6}}\ \d{{6}}(?=\ \d+\ [A-Z])
    | 1\d{{9}}(?:\.\d{{1,9}})?(?![\w.-]) | 1\d{{12}}(?![\w.-]) | 1\d{{18}}(?![\w.-])
)"""
"""For verbose patterns. Epoch seconds, milliseconds and nanoseconds only as words of their own."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS = re.compile(r"\d+")
_LEADING = re.compile(r"\d*")
_SPACED_ZONE = re.compile(r" (?=UTC|[+-]\d)|UTC")
_NAMED = re.compile(
    rf"(?:[A-Z][a-z]{{2}} )?({_MONTH}) +(\d+) (\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?: (\d{{4}}))?"
)
_CLF = re.compile(rf"(\d\d)/({_MONTH})/(\d{{4}}):(\d\d):(\d\d):(\d\d) ([+-]\d{{4}})")
KEPT_MAX = 4_096
"""Seconds remembered: neighbouring lines share theirs."""


@dataclass(slots=True)
class Times:
    """Reads stamps; `zone` and `now` settle what they leave open. Remembers recent seconds."""

    now: datetime
    zone: tzinfo = UTC
    _seconds: dict[str, int] = field(default_factory=dict)

    def read(self, text: str) -> int | None:
        """Microseconds since 1970, UTC; None for what is no time."""
        head, fraction = _split(text)
        at = self._seconds.get(head)
        if at is None:
            at = self._read(head)
            if at is None:
                return None
            if len(self._seconds) >= KEPT_MAX:
                self._seconds.clear()
            self._seconds[head] = at
        return at + fraction

    def _read(self, text: str) -> int | None:
        try:
            at = self._parsed(text)
        except (ValueError, OverflowError):
            return None
        return None if at is None else (at - _EPOCH) // timedelta(microseconds=1)

    def _parsed(self, text: str) -> datetime | None:
        if text.isdigit() and len(text) in (10, 13, 19):
            return _EPOCH + timedelta(microseconds=int(text) * 10 ** (16 - len(text)) if len(text) < 17
                                      else int(text) // 1000)  # fmt: skip
        if found := _NAMED.fullmatch(text):
            return self._named(found)
        if found := _CLF.fullmatch(text):
            day, month, year, *clock, zone = found.groups()
            sign = f"{zone[:3]}:{zone[3:]}"
            number = _MONTHS.index(month) + 1
            return datetime.fromisoformat(f"{year}-{number:02}-{day}T{':'.join(clock)}{sign}")
        if text[4:5] == "-" and text[10:11] in ("T", " "):
            plain = _SPACED_ZONE.sub(lambda one: "+00:00" if one[0] == "UTC" else "", text)
            return self._zoned(datetime.fromisoformat(plain))
        return self._numbered(text)

    def _named(self, found: re.Match[str]) -> datetime:
        month, day, hour, minute, second, fraction, year = found.groups()
        given = [_MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second)]
        micros = int((fraction or "0").ljust(6, "0")[:6])
        return self._dated(int(year) if year else None, given, micros)

    def _numbered(self, text: str) -> datetime | None:
        numbers = _NUMBERS.findall(text)
        if len(numbers) == 2 and len(text) == 13:  # 081109 203615
            numbers = [text[at : at + 2] for at in (0, 2, 4, 7, 9, 11)]
        if len(numbers[0]) == 8:  # 20171223-22:15:29:606
            numbers[:1] = [numbers[0][:4], numbers[0][4:6], numbers[0][6:]]
            if len(numbers) > 3 and len(numbers[3]) == 6:
                numbers[3:4] = [numbers[3][:2], numbers[3][2:4], numbers[3][4:]]
        year: int | None = None
        if text[2:3] == "-":  # 03-17 16:13:38.811
            given, rest = numbers[:5], numbers[5:]
        else:
            year, given, rest = int(numbers[0]), numbers[1:6], numbers[6:]
            year += 2000 if year < 100 else 0
        micros = int(rest[0].ljust(6, "0")[:6]) if rest else 0
        return self._dated(year, [int(one) for one in given], micros)

    def _dated(self, year: int | None, given: list[int], micros: int) -> datetime:
        month, day, hour, minute, second = given
        if year is not None:
            return self._zoned(datetime(year, month, day, hour, minute, second, micros))  # noqa: DTZ001
        nearest = self.now + timedelta(days=1)  # a clock may run ahead a little
        for back in range(5):  # 29 February is not in every year
            try:
                year = nearest.year - back
                at = self._zoned(datetime(year, month, day, hour, minute, second, micros))  # noqa: DTZ001
            except ValueError:
                continue
            if at <= nearest:
                return at
        raise ValueError(f"no such day: {month}-{day}")

    def _zoned(self, at: datetime) -> datetime:
        return at if at.tzinfo else at.replace(tzinfo=self.zone)


def _split(text: str) -> tuple[str, int]:
    """The stamp to the second, and the microseconds: `…:29,606Z` → `…:29Z`, 606000."""
    if len(text) == 24 and text[19] == "." and text[23] == "Z" and text[20:23].isdigit():
        return text[:19] + "Z", int(text[20:23]) * 1000  # what most lines have, told at once
    dot = max(text.rfind("."), text.rfind(","))
    if dot < 10 or (text[4:5] == "-" and text[10:11] == "-"):  # 2005-06-03-15.42.50.675872
        return text, 0
    tail = text[dot + 1 :]
    digits = tail[:-1] if tail[-1:] == "Z" else tail
    if not digits.isdigit():
        digits = _LEADING.match(tail)[0]  # type: ignore[index]
    return text[:dot] + tail[len(digits) :], int((digits + "000000")[:6])
