"""Spans of time as people write them: `90s`, `10m`, `1h30m`, `2d`."""

from __future__ import annotations

import re
from datetime import timedelta

DURATION_MAX = timedelta(days=3660)
"""Ten years; so that no sum of an instant and a duration overflows."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d{1,12})(s|m|h|d|w)")


def duration(text: object) -> timedelta:
    """`90s`, `10m`, `1h30m`, `2d` as a span. ValueError says what was expected."""
    if isinstance(text, timedelta):
        return text
    if isinstance(text, str) and text and _DURATION.sub("", text) == "":
        seconds = sum(int(n) * _UNITS[u] for n, u in _DURATION.findall(text))
        if seconds > DURATION_MAX.total_seconds():
            raise ValueError(f"expected at most {duration_text(DURATION_MAX)}, got {text!r}")
        return timedelta(seconds=seconds)
    raise ValueError(f"expected a duration such as 90s, 10m, 1h30m or 2d, got {text!r}")


def duration_text(span: timedelta) -> str:
    """The shortest text that `duration` reads back."""
    seconds = int(span.total_seconds())
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, seconds = divmod(seconds, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
