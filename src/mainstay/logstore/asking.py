"""Questions about what is kept, while it is kept or not: `mainstay logs kept` for people, and `ask`,
the query door for programs.

`python -m mainstay.logstore ask --folder FOLDER` reads one `Asked` as JSON and answers with JSON, an
object a line: `{"kind": "line", "window": 0, "at_us", "rank", "service", "host", "source", "body"}`,
`{"kind": "span", "window": 0, …}` as `KeptSpan` has it, `{"kind": "series", "name", "service",
"labels", "points"}`, and `{"kind": "cut", "window": 0, "service"}` where more is kept than was asked
for. A process of its own answers, so that whoever asks carries no DuckDB.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
import msgspec

from mainstay.cli import clean, console, paragraphs, when_given
from mainstay.foundation.clock import SystemClock, from_us, text_of_us, to_us
from mainstay.foundation.errors import Invalid, NotFound
from mainstay.telemetry.logs import RANK, Level
from mainstay.telemetry.store import (
    Kept,
    KeptSamples,
    KeptSpans,
    Record,
    Span,
    Wanted,
)

LEVELS: tuple[Level, ...] = ("", "debug", "info", "warning", "error", "critical")
STYLES = ("", "dim", "", "yellow", "red", "bold red")


@click.command()
@click.argument("text", default="")
@click.option(
    "--folder", type=click.Path(path_type=Path), required=True, help="Where they are kept."
)
@click.option("--regex", is_flag=True, help="TEXT is a pattern (RE2).")
@click.option("--service", default="", help="Of this service alone.")
@click.option("--level", type=click.Choice(LEVELS[1:]), help="At least so bad.")
@click.option("--since", metavar="TIME", help="From it on: 14:00, 2026-11-22 14:00.")
@click.option("--until", metavar="TIME", help="Before it.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("-c", "--count", is_flag=True, help="Only how many.")
@click.option("--json", "as_json", is_flag=True, help="One object a line, for programs.")
def kept(
    text: str, folder: Path, regex: bool, service: str, level: Level | None, since: str | None,
    until: str | None, limit: int, count: bool, as_json: bool,
) -> None:  # fmt: skip
    """The newest kept lines with a text; without one, of any.

    \b
    Example: mainstay logs kept timeout --folder /var/lib/mainstay/logs --level error
    """
    if not (folder / "hot").is_dir():
        raise NotFound(f"No logs are kept in {folder}.")
    now = SystemClock().now()
    times = [
        None if one is None else to_us(when_given(one, now=now, zone=None))
        for one in (since, until)
    ]
    words = {"pattern": text} if regex else {"text": text}
    wanted = Wanted(
        rank=RANK[level or ""], service=service, since_us=times[0], until_us=times[1], **words
    )
    store = Kept(folder, only_ask=True)
    try:
        if count:
            click.echo(store.count(wanted))
            return
        for one in store.search(wanted, limit=limit):
            tell(one, as_json=as_json)
    finally:
        store.close()


class Asked(msgspec.Struct, frozen=True):
    """What a program asks: of these services, in these windows ([since, until) in microseconds)."""

    services: list[str]
    windows: list[tuple[int, int]]
    lines: int = 0
    """The newest so many log lines of each service in each window."""
    spans: int = 0
    """The newest so many spans, likewise."""
    metrics: list[str] = []
    """All series of these metrics, from the first window's begin to the last one's end."""


@click.command(hidden=True)
@click.option("--folder", type=click.Path(path_type=Path), required=True)
def ask(folder: Path) -> None:
    """Answer one question on standard input, an object a line."""
    try:
        asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Invalid(f"The question cannot be read: {error}.") from None
    if asked.lines:
        _ask_lines(folder, asked)
    if asked.spans:
        _ask_spans(folder / "traces", asked)
    if asked.metrics and asked.windows:
        _ask_series(folder / "metrics", asked)


def _ask_lines(folder: Path, asked: Asked) -> None:
    if not (folder / "hot").is_dir():
        raise NotFound(f"No logs are kept in {folder}.")
    store = Kept(folder, only_ask=True)
    for number, (since, until) in enumerate(asked.windows):
        for service in asked.services:
            wanted = Wanted(service=service, since_us=since, until_us=until)
            found = store.search(wanted, limit=asked.lines)
            for one in found:
                _answer({"kind": "line", "window": number, **one._asdict()})
            if len(found) >= asked.lines:
                _answer({"kind": "cut", "window": number, "service": service})
    store.close()


def _ask_spans(folder: Path, asked: Asked) -> None:
    if not (folder / "hot").is_dir():
        return
    store = KeptSpans(folder, only_ask=True)
    for number, (since, until) in enumerate(asked.windows):
        for service in asked.services:
            for one in store.search(Span(service, since, until), limit=asked.spans):
                _answer({"kind": "span", "window": number, **one._asdict()})
    store.close()


def _ask_series(folder: Path, asked: Asked) -> None:
    if not (folder / "hot").is_dir():
        return
    store = KeptSamples(folder, only_ask=True)
    since, until = min(one for one, _ in asked.windows), max(one for _, one in asked.windows)
    for service in asked.services:
        have = store.names(Span(service, since, until))
        for name in [one for one in asked.metrics if one in have]:
            for labels, points in store.series(name, span=Span(service, since, until)).items():
                _answer({"kind": "series", "name": name, "service": service, "labels": labels, "points": points})  # fmt: skip
    store.close()


def _answer(found: object) -> None:
    click.echo(msgspec.json.encode(found))


def tell(one: Record, *, as_json: bool) -> None:
    """A record, harmless for a terminal."""
    if as_json:
        facts = {"at": text_of_us(one.at_us), "level": LEVELS[one.rank], "service": one.service,
                 "host": one.host, "source": one.source, "body": one.body}  # fmt: skip
        click.echo(paragraphs(msgspec.json.encode(facts).decode()))
        return
    out = console(sys.stdout, os.environ)
    local = from_us(one.at_us).astimezone()
    names = " ".join(clean(name) for name in (one.host, one.service) if name)
    out.print(f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d} {names} {paragraphs(one.body)}",
              style=STYLES[one.rank] or None)  # fmt: skip
