"""The command line: a client of the API, and the few commands that work on files or the database.

`program()` makes the group; `__main__` adds `serve` to it, which is on a floor above.
"""

from __future__ import annotations

from importlib import import_module

import click

from mainstay import __version__
from mainstay.cli.desk import TOKEN_FILE, Desk, Verb, Verbs, desk_of, run, shared
from mainstay.cli.show import clean, console, paragraphs, when_given

__all__ = [
    "TOKEN_FILE",
    "Desk",
    "Verb",
    "Verbs",
    "clean",
    "console",
    "desk_of",
    "paragraphs",
    "program",
    "run",
    "shared",
    "when_given",
]


VERBS = {
    "files": "init check plan apply schema",
    "logs": "logs",
    "shift": "shift",
    "incidents": (
        "incidents ack unack resolve reopen note assign move escalate page trace"
    ),
    "alerts": "report alerts silence signals",
    "watch": "checks heartbeats calendar import",
    "rota": "oncall override",
    "duty": "start-of-day handover shift-log health",
    "access": "people contact key token setup-link",
    "install": "status nodes shadow doctor",
    "diagnose": "diagnose find",
    "simulate": "simulate",
    "keeping": "backup restore audit migrate secrets",
}  # fmt: skip
"""Module → the commands that it registers, in the order in which `--help` lists them."""
_MODULE = {verb: module for module, verbs in VERBS.items() for verb in verbs.split()}


class Program(Verbs):
    """Imports the module of a command when it is asked for: whoever acknowledges at night does not
    wait for the calendars of holidays."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(dict.fromkeys([*_MODULE, *self.commands]))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands and cmd_name in _MODULE:
            import_module(f"{__name__}.{_MODULE[cmd_name]}").register(self)
        return super().get_command(ctx, cmd_name)


def program() -> Program:
    """The whole command line but `serve`."""

    @click.group(cls=Program)
    @click.version_option(__version__, prog_name="mainstay", message="%(prog)s %(version)s")
    def mainstay() -> None:
        """Production support in one program.

        \b
        First steps:  mainstay serve   (and in another terminal)
                      mainstay init && mainstay apply
        Then:         mainstay shift   (everything at a glance, live)
        """

    assert isinstance(mainstay, Program)
    return mainstay
