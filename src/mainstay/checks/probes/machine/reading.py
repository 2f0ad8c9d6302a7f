"""What is in files: certificates, and new lines of a log."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import re2

from mainstay.checks.probes.machine.files import dated, quoted
from mainstay.checks.probes.machine.there import Place, There
from mainstay.checks.probes.net import certificates
from mainstay.checks.result import Ask, Measured, Value
from mainstay.foundation.errors import BadReply, Invalid, Outside

CERTIFICATE_BYTES_MAX = 1024 * 1024
LOG_BYTES_MAX = 4 * 1024 * 1024
"""Of new lines in one look; more are passed over, and that is said."""
LINES_SHOWN = 20
LINE_CHARS_MAX = 500
_TAIL = """
path=%s
[ -r "$path" ] || { echo "cannot read $path" >&2; exit 1; }
stat -L -c '%%i %%s' -- "$path"
tail -c +%d -- "$path" | head -c %d
"""


class CertificateProbe:
    """Of the certificates in a file, the one that ends first."""

    def __init__(self, there: There) -> None:
        self._there = there

    async def measure(self, ask: Ask) -> Measured:
        """`cert_days`, `cert_name`, `cert_issuer`, `count`."""
        wanted = ask.check.certificate
        assert wanted is not None
        path, place = dated(wanted.path, ask.business_date), await self._there.of(ask)
        if place is None:
            data = await asyncio.to_thread(_head, self._there.check_readable(path))
        else:
            data = (await place.say(f"head -c {CERTIFICATE_BYTES_MAX} -- {quoted(path)}")).encode()
        try:
            found = certificates.of_file(data)
        except ValueError:
            raise BadReply(f"{path} holds no certificate that can be read.") from None
        first = min(found, key=lambda one: one.not_valid_after_utc)
        return Measured({"count": len(found), **certificates.of_certificate(first, ask.now)})


class LogProbe:
    """Lines since the look before; a log that was begun anew is read from its beginning."""

    def __init__(self, there: There) -> None:
        self._there = there

    async def measure(self, ask: Ask) -> Measured:
        """`found`, `lines` (both new), `last`: the last line that fits; evidence: those lines."""
        wanted = ask.check.log
        assert wanted is not None
        try:
            fits = re2.compile(wanted.pattern)
            unless = re2.compile(wanted.unless) if wanted.unless else None
        except re2.error as error:
            raise Invalid(
                f"{ask.name}: not a regular expression in RE2's syntax: {error}."
            ) from None
        path, place = dated(wanted.path, ask.business_date), await self._there.of(ask)
        if place is None:
            new = await asyncio.to_thread(_new_here, self._there.check_readable(path), ask)
        else:
            new = await _new_there(place, path, ask)
        text, values = new
        lines = text.decode("utf-8", "replace").splitlines()
        found = [one for one in lines if fits.search(one) and not (unless and unless.search(one))]
        values |= {"lines": len(lines), "found": len(found)}
        values["last"] = found[-1][:LINE_CHARS_MAX] if found else None
        shown = [line[:LINE_CHARS_MAX] for line in found[-LINES_SHOWN:]]
        return Measured(values, "\n".join(shown).encode())


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(CERTIFICATE_BYTES_MAX)
    except OSError as error:
        raise Outside(f"{path} cannot be read: {(error.strerror or '').lower()}.") from error


def _start(ask: Ask, identity: int, size: int) -> int:
    """Where the new lines begin. The first look ever sees none: what is old is not news."""
    if "log_id" not in ask.last:
        return size
    at = ask.last.get("log_at")
    is_same = ask.last["log_id"] == identity and isinstance(at, int) and at <= size
    return at if is_same and isinstance(at, int) else 0


def _whole_lines(data: bytes, start: int, identity: int, size: int) -> tuple[bytes, dict[str, Any]]:
    """Up to the last line that is whole, and where the next look begins."""
    end = data.rfind(b"\n") + 1
    values: dict[str, Value] = {"log_id": identity, "log_at": start + end}
    if len(data) >= LOG_BYTES_MAX and size > start + len(data):
        values |= {"log_at": size, "passed_over": size - start - end}
    return data[:end], values


def _new_here(path: Path, ask: Ask) -> tuple[bytes, dict[str, Value]]:
    try:
        with path.open("rb") as file:
            status = path.stat()
            start = _start(ask, status.st_ino, status.st_size)
            file.seek(start)
            data = file.read(LOG_BYTES_MAX)
    except OSError as error:
        raise Outside(f"{path} cannot be read: {(error.strerror or '').lower()}.") from error
    return _whole_lines(data, start, status.st_ino, status.st_size)


async def _new_there(place: Place, path: str, ask: Ask) -> tuple[bytes, dict[str, Value]]:
    """The runner keeps 64 KiB of an answer: so much in one look, the rest in the next."""
    at = ask.last.get("log_at")
    start = at if isinstance(at, int) else 0
    said = await place.say(_TAIL % (quoted(path), start + 1, 60_000))
    head, _, rest = said.partition("\n")
    identity, size = (int(word) for word in head.split())
    wanted = _start(ask, identity, size)
    if wanted != start or "log_id" not in ask.last:
        return b"", {"log_id": identity, "log_at": wanted}
    return _whole_lines(rest.encode(), start, identity, start + len(rest.encode()))
