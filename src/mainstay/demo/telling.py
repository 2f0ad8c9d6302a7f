"""What the demo says on its terminal: where things are, what to try, then one line per event."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from mainstay.cli import clean
from mainstay.demo.phones import Rang
from mainstay.demo.stage import PHONES_PORT, PORT, Stage
from mainstay.foundation.clock import from_us, to_us

WHO_WIDTH = 12
INDENT = len("12:00:00") + 2 + WHO_WIDTH + 1
UNTOLD = frozenset(
    {
        "alert.opened",  # the incident's own line tells it
        "alert.resolved",
        "alert.unknown",
        "alert.worsened",
        "paging.started",
        "paging.stopped",
        "page.sent",  # the phone tells it
        "key.created",
        "link.made",
        "session.opened",
        "session.ended",
        "token.created",
        "address.added",
        "address.removed",
    }
)
"""Rows of the record that would tell a newcomer nothing new."""
STYLES = {"production": "cyan", "Mainstay": "bold", "you": "bold green", "server": "yellow"}


class Teller:
    """Writes to one terminal; coloured there, plain when piped."""

    def __init__(self, file: TextIO) -> None:
        plain = not file.isatty() or "NO_COLOR" in os.environ
        self._out = Console(
            file=file, highlight=False, markup=False, emoji=False,
            color_system=None if plain else "auto", soft_wrap=True,
        )  # fmt: skip
        self._width = self._out.width if file.isatty() else 10_000

    def opening(self, stage: Stage) -> None:
        """Where everything is, and what to try."""
        here = stage.shown
        self._line("Mainstay, live: the company Alpenpay, its production simulated", "bold")
        self._line("")
        self._line(f"  server   http://127.0.0.1:{stage.port}  (its log: {here}/server.log)")
        self._line(
            f"  phones   http://127.0.0.1:{stage.phones_port}  (what rang: {here}/pages.jsonl)"
        )
        kept = "found from an earlier start" if stage.reused else "new"
        self._line(f"  data     {here}/  ({kept}; kept when you leave, --fresh empties it)")
        self._line("")
        self._warnings(stage)
        self._line("Try this in a second terminal, in this folder:", "bold")
        incident = "INC-1" if not stage.reused else "INC-…"
        for n, (command, words) in enumerate(_invitations(here, incident), 1):
            self._out.print(Text.assemble(f"  {n}. ", (f"{command:<36}", "green"), f"  {words}"))
        self._line("")
        self._line(
            "Ctrl-C ends everything. The guide goes on from here: docs/guide/01-first-page.md"
        )
        self._line("")

    def console(self, stage: Stage, link: str | None) -> None:
        """Where a browser goes; `link`: the way in for the first one who comes."""
        if link is None:
            self._line(f"  console  http://127.0.0.1:{stage.port}  (sign in as before)")
        else:
            self._line(f"  console  {link}", "bold")
            self._line("           (in a browser, once, within 30 minutes: you say who you are)")

    def _warnings(self, stage: Stage) -> None:
        if stage.port != PORT:
            self._line(f"  Port {PORT} is taken, so the server has {stage.port}.", "yellow")
        if stage.phones_port != PHONES_PORT:
            words = f"Port {PHONES_PORT} is taken, so the phones have {stage.phones_port}."
            self._line(f"  {words}", "yellow")
        if os.geteuid() == 0:
            words = (
                "You are root. The demo allows it; a server of yours should run as its own user."
            )
            self._line(f"  {words}", "yellow")
        self._line(
            f"  Mainstay calls no private address by itself; here 127.0.0.1:{stage.phones_port} is "
            "opened for the phones (egress.allow).", "dim"
        )  # fmt: skip
        self._line("")

    def event(self, at: datetime, who: str, sentence: str, *, style: str = "") -> None:
        """One line: when, who, what."""
        width = max(self._width - INDENT - 1, 30)
        words = textwrap.wrap(clean(sentence), width, break_on_hyphens=False) or [""]
        text = Text.assemble(
            (f"{at.astimezone():%H:%M:%S}  ", "dim"),
            (f"{who:<{WHO_WIDTH}} ", STYLES.get(who, "magenta")),
            (f"\n{' ' * INDENT}".join(words), style),
        )
        self._out.print(text)

    def fact(self, fact: Mapping[str, Any]) -> bool:
        """A row of the record; whether it was worth a line."""
        if fact["kind"] in UNTOLD:
            return False
        at = datetime.fromisoformat(fact["at"])
        sentence, style = str(fact["because"]), ""
        if fact["kind"] == "incident.resolved":
            style = "green"
        elif fact["kind"] in ("incident.opened", "incident.reopened"):
            style = "bold"
        self.event(at, _who(str(fact["actor"])), sentence, style=style)
        return True

    def rang(self, rang: Rang, *, at: datetime) -> None:
        """A page arrived. News for a program stays in the journal."""
        if rang.update:
            return
        again = "  (a copy: the first may have been lost)" if rang.copy else ""
        at = from_us(to_us(at))
        self.event(at, f"{rang.person}'s phone", f"rings: {rang.subject}{again}", style="magenta")

    def hint(self, words: str) -> None:
        """A suggestion between two events."""
        self._line(f"{' ' * INDENT}{words}", "dim")

    def _line(self, words: str, style: str = "") -> None:
        self._out.print(Text(words, style))


def _invitations(here: str, incident: str) -> list[tuple[str, str]]:
    return [
        (f"{here}/mainstay shift", "everything at a glance, live; q leaves"),
        (f"{here}/mainstay diagnose {incident}", "the likely cause, with what speaks for it"),
        (f"{here}/mainstay ack {incident}", "you have it: paging stops, and soon it is mended"),
        (f"{here}/mainstay trace {incident}", "what happened, and why, step by step"),
        (f"kill -9 $(cat {here}/mainstay.pid)", "the next page still comes"),
        (f"{here}/mainstay --help", "silence, override, report, audit …"),
    ]


def _who(actor: str) -> str:
    if actor == "mainstay":
        return "Mainstay"
    return "you" if actor == "person:operator" else actor.partition(":")[2] or actor
