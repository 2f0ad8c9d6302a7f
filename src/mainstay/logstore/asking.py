"""`mainstay logs kept`: lines of the kept logs, while they are kept or not."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
import msgspec

from mainstay.cli import clean, console, paragraphs, when_given
from mainstay.foundation.clock import SystemClock, from_us, text_of_us, to_us
from mainstay.foundation.errors import NotFound
from mainstay.telemetry.logs import RANK, Level
from mainstay.telemetry.store import Kept, Record, Wanted

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
