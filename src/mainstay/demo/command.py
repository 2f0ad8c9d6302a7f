"""`mainstay demo`: what `make run` starts."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import click

from mainstay.demo.phones import Phones
from mainstay.demo.play import Play
from mainstay.demo.stage import set_up
from mainstay.demo.telling import Teller
from mainstay.foundation.clock import SystemClock


@click.command()
@click.option(
    "--data", "folder", default="run", show_default=True, metavar="FOLDER",
    type=click.Path(path_type=Path), help="Where the demo keeps its data.",
)  # fmt: skip
@click.option("--fresh", is_flag=True, help="Empty that folder first.")
@click.option("--seconds", type=click.FloatRange(min=0), help="End by itself after so long.")
def demo(folder: Path, fresh: bool, seconds: float | None) -> None:
    """Mainstay, live: the example estate, a simulated production, phones that ring.

    \b
    Example: mainstay demo
    """
    os.umask(0o077)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    clock = SystemClock()
    stage = set_up(folder.resolve(), fresh=fresh)
    journal = stage.folder / "pages.jsonl"
    phones = Phones(stage.phones_port, secret=stage.secret, journal=journal, now=clock.now)
    play = Play(stage, teller=Teller(sys.stdout), phones=phones, clock=clock)
    try:
        play.run(seconds=seconds)
    except KeyboardInterrupt:
        again = (
            "`make run` goes on from there" if stage.shown == "run" else "the next start uses it"
        )
        click.echo(f"\nStopped. What happened is kept in {stage.shown}/; {again}.")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
