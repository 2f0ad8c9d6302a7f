"""Where checkpoints are kept outside: an append-only file, or a syslog server.

What is outside cannot be changed by whoever changes the database. Each sink has its own position,
so none is skipped while a sink is away; the same line may come twice, which harms nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from mainstay.foundation.clock import from_us, to_text
from mainstay.foundation.db import Database, Tx
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import Unreachable
from mainstay.foundation.record.checkpoints import Checkpoint, checkpoints_after
from mainstay.foundation.record.facts import mark, marked

AT_ONCE = 500
"""Checkpoints handed to a sink in one go."""
_UPTO = "checkpoint.upto "
SYSLOG_PRIORITY = 13 * 8 + 5
"""Facility 13 (log audit), severity 5 (notice): RFC 5424, 6.2.1."""


@dataclass(frozen=True, slots=True)
class Sink:
    """One place outside, as the settings name it."""

    name: str
    """`file:/path` or `syslog+tcp://host:port`."""
    place: str
    """The node that a file is on: each node's own has every line. A server has them once: empty."""
    write: Callable[[Sequence[Checkpoint]], None]
    """Hand these over, durable as far as the place can tell; raises `Outside` if it cannot."""


def sinks_of(names: Sequence[str], *, node: str, egress: Egress) -> tuple[Sink, ...]:
    """The sinks that the settings name; nothing is opened yet."""
    return tuple(_sink(name, node, egress) for name in names)


def places_of(names: Sequence[str]) -> list[str]:
    """The `host:port` of each syslog server among them, as `egress.allow` writes it."""
    return [urlsplit(name).netloc.lower() for name in names if name.startswith("syslog+")]


def _sink(name: str, node: str, egress: Egress) -> Sink:
    if name.startswith("file:"):
        path = Path(name.removeprefix("file:"))
        return Sink(name, node, lambda found: append(path, found))
    parts = urlsplit(name)
    host, port = parts.hostname or "", parts.port or 0

    def write(found: Sequence[Checkpoint]) -> None:
        messages = [syslog_message(one, node=node) for one in found]
        if parts.scheme == "syslog+udp":
            return egress.send_datagrams(host, port, messages)
        return _stream(egress, host, port, messages, tls=parts.scheme == "syslog+tls")

    return Sink(name, "", write)


def deliver(db: Database, sink: Sink) -> int:
    """Hand the sink what it has not had; how many that were."""
    position = _position(sink.name, sink.place)
    found = db.read(lambda tx: checkpoints_after(tx, marked(tx, position) or 0, limit=AT_ONCE))
    if found:
        sink.write(found)
        db.run(lambda tx: mark(tx, position, found[-1].number))
    return len(found)


def waiting_for(tx: Tx, names: Sequence[str]) -> Mapping[str, int]:
    """Sink → how many checkpoints it has not had; of a file on each node, the one that has most."""
    newest = tx.value("SELECT max(number) FROM foundation_checkpoint") or 0
    rows = tx.all("SELECT name, value FROM foundation_mark WHERE name LIKE :like", like=f"{_UPTO}%")
    upto = {row["name"]: row["value"] for row in rows}
    return {
        name: newest - max((n for mark, n in upto.items() if _is_of(mark, name)), default=0)
        for name in names
    }


def append(path: Path, found: Sequence[Checkpoint]) -> None:
    """Add lines to a file, durable. Only its owner reads it, if we made it."""
    lines = "".join(f"{one.as_line()}\n" for one in found).encode("ascii")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        number = os.open(path, flags, 0o600)
        try:
            while lines:
                lines = lines[os.write(number, lines) :]
            os.fsync(number)
        finally:
            os.close(number)
    except OSError as error:
        words = f"Checkpoints cannot be written to {path}: {error.strerror}."
        raise Unreachable(words) from error


def _stream(egress: Egress, host: str, port: int, messages: Sequence[bytes], *, tls: bool) -> None:
    """Over TCP with octet counting (RFC 6587, 3.4.1), or over TLS (RFC 5425)."""
    try:
        plain = egress.connect_socket(host, port)
        with (
            egress.tls_context().wrap_socket(plain, server_hostname=host) if tls else plain as line
        ):
            line.sendall(b"".join(b"%d %b" % (len(one), one) for one in messages))
    except OSError as error:
        words = f"Checkpoints cannot be sent to {host}:{port}: {error.strerror or error}."
        raise Unreachable(words) from error


def syslog_message(one: Checkpoint, *, node: str) -> bytes:
    """RFC 5424: version 1, our time, node, program, no process, the message's kind, no data."""
    host = "".join(c for c in node if "!" <= c <= "~")[:255] or "-"
    head = f"<{SYSLOG_PRIORITY}>1 {to_text(from_us(one.at_us))} {host} mainstay - checkpoint -"
    return f"{head} {one.as_line()}".encode("ascii")


def _position(name: str, place: str) -> str:
    """The mark of how far a sink is."""
    return f"{_UPTO}{name} {place}"


def _is_of(position: str, name: str) -> bool:
    return position.startswith(f"{_UPTO}{name} ")
