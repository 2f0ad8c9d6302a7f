"""Files: there, how many, how old, how large, how long unchanged; with the business date in the name."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from mainstay.checks.probes.machine.there import Place, There
from mainstay.checks.result import Ask, Measured, Value
from mainstay.foundation.clock import to_us

CHECKSUM_BYTES_MAX = 1 << 30
FILES_MAX = 1000
_LIST = r"""
for path in %s; do
  [ -e "$path" ] || continue
  stat -L -c '%%s %%.9Y %%n' -- "$path"
done | head -n %d
"""


_CHECKSUM = r"""
path=%s
[ "$(stat -L -c '%%s' -- "$path")" -gt %d ] || sha256sum -- "$path"
"""


class FileProbe:
    """`path` is read with the business date; `*` and `?` match names."""

    def __init__(self, there: There) -> None:
        self._there = there

    async def measure(self, ask: Ask) -> Measured:
        """`exists`, `count`, `age` of the newest and `oldest`, `size` (of all), `stable`, `sha256`."""
        wanted = ask.check.file
        assert wanted is not None
        path = dated(wanted.path, ask.business_date)
        by_sftp = await self._there.by_sftp(ask, path)
        place = None if by_sftp is not None else await self._there.of(ask)
        if by_sftp is not None:
            found = by_sftp
        else:
            found = await (_here(path) if place is None else _by_ssh(place, path))
        values = _values(found, ask)
        if not found:
            return Measured(values, trouble=f"There is no {path}.")
        if wanted.checksum and by_sftp is None and len(found) == 1:
            values["sha256"] = await self._checksum(place, found[0][2])
        return Measured(values)

    async def _checksum(self, place: Place | None, path: str) -> str | None:
        """None for what is too large, and where there is no `sha256sum`."""
        if place is None:
            return await asyncio.to_thread(_sha256, self._there.check_readable(path))
        said = await place.say(_CHECKSUM % (quoted(path), CHECKSUM_BYTES_MAX))
        return said.split(" ")[0].strip().removeprefix("\\") or None


def dated(path: str, day: date) -> str:
    """`%Y%m%d` and its like as the business date."""
    return day.strftime(path) if "%" in path else path


def _values(found: list[tuple[int, float, str]], ask: Ask) -> dict[str, Value]:
    """Sizes and changes since the look before tell how long they have not changed."""
    now = to_us(ask.now) / 1e6
    values: dict[str, Value] = {"exists": bool(found), "count": len(found)}
    if not found:
        return values
    newest = max(mtime for _, mtime, _ in found)
    size = sum(size for size, _, _ in found)
    values |= {
        "size": size, "age": max(0.0, now - newest),
        "oldest": max(0.0, now - min(mtime for _, mtime, _ in found)), "changed_at": newest,
    }  # fmt: skip
    values["stable"] = _stable(ask.last, size=size, newest=newest, now=now)
    values["same_since"] = now - values["stable"]
    return values


def _stable(last: Mapping[str, Value], *, size: int, newest: float, now: float) -> float:
    """Seconds since it last changed, as far as we have looked; its own time counts too."""
    unchanged_s = max(0.0, now - newest)
    if last.get("size") == size and last.get("changed_at") == newest:
        since = last.get("same_since")
        if isinstance(since, int | float):
            return max(unchanged_s, now - since)
    return unchanged_s


async def _here(path: str) -> list[tuple[int, float, str]]:
    return await asyncio.to_thread(_listed, path)


def _listed(path: str) -> list[tuple[int, float, str]]:
    if any(sign in path for sign in "*?["):
        root = Path(path).anchor or "."
        names = [str(one) for one in sorted(Path(root).glob(str(Path(path).relative_to(root))))]
    else:
        names = [path]
    found = []
    for name in names[:FILES_MAX]:
        try:
            status = os.stat(name)  # noqa: PTH116
        except OSError:
            continue
        found.append((status.st_size, status.st_mtime, name))
    return found


async def _by_ssh(place: Place, path: str) -> list[tuple[int, float, str]]:
    text = await place.say(_LIST % (pattern(path), FILES_MAX))
    found = []
    for line in text.splitlines():
        size, _, rest = line.partition(" ")
        mtime, _, name = rest.partition(" ")
        if size.isdigit() and name:
            found.append((int(size), float(mtime), name))
    return found


def pattern(path: str) -> str:
    """The path as a shell's word: everything quoted but `*`, `?` and `[…]`."""
    parts, plain = [], ""
    for sign in path:
        if sign in "*?[]":
            parts += [quoted(plain), sign]
            plain = ""
        else:
            plain += sign
    return "".join([*parts, quoted(plain)]) or "''"


def quoted(text: str) -> str:
    """A text as one word of a shell, whatever stands in it."""
    return "'" + text.replace("'", "'\\''") + "'" if text else ""


def _sha256(path: Path) -> str | None:
    """None for what is too large."""
    if path.stat().st_size > CHECKSUM_BYTES_MAX:
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
