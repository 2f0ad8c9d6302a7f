"""What every command on log files shares: which files, which stretch of time, progress, notes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, BinaryIO, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from mainstay.cli import show
from mainstay.cli.desk import Desk
from mainstay.foundation.clock import to_us
from mainstay.foundation.errors import Invalid
from mainstay.telemetry import files
from mainstay.telemetry.files import Query, Reading
from mainstay.telemetry.logs import Layouts, Level

LEVELS = click.Choice(["debug", "info", "warning", "error", "critical"])
FILES = click.argument("paths", nargs=-1, metavar="[FILE|FOLDER|-]...")
MIB = 1 << 20
Command = TypeVar("Command", bound=Callable[..., Any])


def question(command: Command) -> Command:
    """Decorator: the options that say which lines are meant."""
    for option in (
        click.option("--zone", metavar="ZONE", help="Zone of stamps that name none; else --utc's."),
        click.option("--until", metavar="TIME", help="Lines before it."),
        click.option("--since", metavar="TIME", help="Lines from it on: 14:00, 2026-11-22 14:00."),
        click.option("--level", type=LEVELS, help="Lines at least so bad."),
    ):
        command = option(command)
    return command


@dataclass(slots=True)
class Asked:
    """One command's files and its way through them."""

    desk: Desk
    paths: list[str]
    query: Query
    zone: tzinfo
    reading: Reading = field(default_factory=Reading)

    def reader(self) -> Layouts:
        """What reads the lines of one file."""
        return Layouts(now=self.desk.now(), zone=self.zone)

    def opened(self) -> Iterator[tuple[str, BinaryIO]]:
        """Each file in turn, open, with progress on a terminal; what was wrong is told at the end."""
        self.reading.bytes_total = files.size_of(self.paths)
        with progress(self.reading):
            for path in self.paths:
                if path == files.STDIN:
                    yield "stdin", sys.stdin.buffer
                else:
                    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (a raw file)
                        yield path, file
        self.tell_notes()

    def tell_notes(self) -> None:
        """What a person must know of the files, on stderr."""
        for words, times in sorted(self.reading.notes.items()):
            more = f" ({times} times)" if times > 1 else ""
            click.echo(f"mainstay: {show.clean(words)}{more}.", err=True)


def asked(desk: Desk, paths: tuple[str, ...], given: dict[str, Any], **query: Any) -> Asked:
    """From the options of `question`. Invalid and NotFound name what cannot be."""
    if not paths:
        if sys.stdin.isatty():
            raise Invalid("Name the files or folders to read, or - for what is piped in.")
        paths = (files.STDIN,)
    zone = zone_named(desk, given.get("zone"))
    level: Level = given.get("level") or ""
    found = Query(level=level, since_us=_us(desk, given.get("since"), zone),
                  until_us=_us(desk, given.get("until"), zone), **query)  # fmt: skip
    return Asked(desk, files.found_in(paths), found, zone)


def zone_named(desk: Desk, name: str | None) -> tzinfo:
    """The zone by its name; without one UTC if that was asked for, else this machine's."""
    if name is not None:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Invalid(f"{name!r} is no zone; write one as Europe/Berlin.") from None
    local = desk.now().astimezone().tzinfo
    assert local is not None
    return desk.zone or local


def time_given(desk: Desk, text: str, zone: tzinfo) -> datetime:
    """What a person typed for a time of the log."""
    return show.when_given(text, now=desk.now(), zone=zone)


def _us(desk: Desk, text: str | None, zone: tzinfo) -> int | None:
    return None if text is None else to_us(time_given(desk, text, zone))


@contextmanager
def progress(reading: Reading) -> Iterator[None]:
    """While it is read, say how far, on a terminal, at most once for each 16 MiB."""
    err = sys.stderr
    if not err.isatty() or reading.bytes_total < 64 * MIB:
        yield
        return
    told = 0

    def tell(now: Reading) -> None:
        nonlocal told
        if now.bytes_read - told >= 16 * MIB:
            told = now.bytes_read
            share = min(1.0, now.bytes_read / now.bytes_total)
            err.write(f"\r{share:4.0%} of {now.bytes_total // MIB:,} MiB")
            err.flush()

    reading.on_progress = tell
    try:
        yield
    finally:
        reading.on_progress = None
        err.write("\r" + " " * 40 + "\r")
