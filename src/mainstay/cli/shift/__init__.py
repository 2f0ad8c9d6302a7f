"""`mainstay shift`: everything at a glance, live; and the keys to act on it."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from mainstay.cli.desk import Desk, Verb, at_desk
from mainstay.cli.shift.frame import frame
from mainstay.cli.shift.live import watch
from mainstay.cli.shift.screen import Answered, Screen, take

TIMEOUT_S = 4.0
"""For one answer: a colleague at 03:00 must soon see that there is none."""
PIPED_LINES = 10_000


def register(group: click.Group) -> None:
    """Add `shift`."""
    group.add_command(shift)


@click.command(cls=Verb)
@click.option("--once", is_flag=True, help="Print one frame and end.")
@at_desk
def shift(desk: Desk, once: bool) -> None:
    """Incidents, pages, who is on call: all at a glance, live.

    \b
    Example: mainstay shift
    """
    client = desk.client(timeout_s=TIMEOUT_S)
    if desk.out.is_terminal and sys.stdin.isatty() and not (once or desk.json):
        watch(desk, client)
        return
    found = client.get("/shift")
    if desk.dump(found):
        return
    now = desk.now()
    screen = replace(take(Screen(client.url), Answered(found), now=now), chosen=None)
    look, width = desk.look, desk.out.width
    for line in frame(screen, look=look, width=width, height=PIPED_LINES, keys=False):
        line.rstrip()
        desk.out.print(line)
