"""Files on a host that lets nobody in but by SFTP: the system's own `sftp`, no shell on the other side.

Its list tells sizes to the byte and times to the minute, of files older than half a year to the day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from mainstay.checks.probes.run.orders import Orders, Ran
from mainstay.checks.probes.run.programs import ssh_options
from mainstay.checks.result import Ask
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import Invalid, OverLimit, Rejected, Unreachable

FILES_MAX = 500
"""Lists of so many names fit into what is kept of a program's output."""
NOT_REACHED = 255
_LINE = re.compile(
    r"(\S)\S{9}\S*\s+\S+\s+\S+\s+\S+\s+(\d+) ([A-Z][a-z]{2} [ \d]\d) (\d\d:\d\d| \d{4}) (.+)"
)

Found = list[tuple[int, float, str]]
"""Size in bytes, time of the last change, path."""


async def listed(ask: Ask, path: str, *, egress: Egress, orders: Orders) -> Found:
    """The files that `path` fits; none when there is none. Unreachable when nobody lets us in."""
    if any(ord(sign) < 32 for sign in path):
        raise Invalid(f"{ask.name}: a path for SFTP holds no line breaks or control characters.")
    options = await ssh_options(ask, egress)
    assert ask.host is not None
    address = ask.host.address
    argv = ["sftp", *options, "-q", "-b", "-", "--", f"[{address}]" if ":" in address else address]
    # `-ls`: that nothing fits is no failure.
    batch = f"-ls -ln {_pattern(path)}\n".encode()
    # Times are written in the zone of who asks.
    ran = await orders.run(argv, env={"TZ": "UTC"}, stdin=batch, timeout_s=ask.timeout_s)
    _check_answered(ran, ask)
    found = list(_files(ran.output.decode("utf-8", "replace"), ask.now))
    if ran.is_cut or len(found) > FILES_MAX:
        raise OverLimit(f"More than {FILES_MAX} files fit {path}.", limit=FILES_MAX, unit="files")
    return found


def _pattern(path: str) -> str:
    """The path as `sftp` reads words: everything in quotes but `*`, `?` and `[…]`."""
    words, plain = [], ""
    for sign in [*path, ""]:
        if sign and sign not in "*?[]":
            plain += "\\" + sign if sign in '"\\' else sign
            continue
        words += [f'"{plain}"'] if plain else []
        words.append(sign)
        plain = ""
    return "".join(words)


def _check_answered(ran: Ran, ask: Ask) -> None:
    """That nothing is there is an answer; that we may not look is none."""
    said = ran.errors.decode("utf-8", "replace").strip().splitlines()
    last = (said or ["no reason given"])[-1][:200]
    if ran.exit == NOT_REACHED or ran.signal:
        reason = next((one for one in said if "verification" in one.lower()), last)
        raise Unreachable(f"No SFTP to {ask.host_id}: {reason}.")
    if ran.exit or (said and "not found" not in last.lower() and "no such" not in last.lower()):
        raise Rejected(f"{ask.host_id} answers: {last}.", reply=ran.exit)


def _files(text: str, now: datetime) -> Iterator[tuple[int, float, str]]:
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is not None and match[1] != "d":
            yield int(match[2]), _time(match[3], match[4], now), match[5]


def _time(day: str, rest: str, now: datetime) -> float:
    """A time of the last half year, whose year is not written; or the day of an older one."""
    if ":" not in rest:
        return (
            datetime.strptime(f"{day} {rest.strip()}", "%b %d %Y").replace(tzinfo=UTC).timestamp()
        )
    for year in (now.year + 1, now.year, now.year - 1):
        try:
            at = datetime.strptime(f"{year} {day} {rest}", "%Y %b %d %H:%M").replace(tzinfo=UTC)
        except ValueError:  # the 29th of February, of another year
            continue
        if at <= now + timedelta(days=1):
            return at.timestamp()
    return now.timestamp()
