"""The command line: a client of the API, and the few commands that work on files or the database.

`program()` makes the group; `__main__` adds `serve` to it, which is on a floor above.
"""

from __future__ import annotations

import click

from mainstay import __version__
from mainstay.cli import access, alerts, files, incidents, install, keeping, rota, shift
from mainstay.cli.desk import TOKEN_FILE, Desk, Verb, Verbs, desk_of, run, shared
from mainstay.cli.install import OPERATOR
from mainstay.cli.show import clean

__all__ = [
    "OPERATOR",
    "TOKEN_FILE",
    "Desk",
    "Verb",
    "Verbs",
    "clean",
    "desk_of",
    "program",
    "run",
    "shared",
]


def program() -> Verbs:
    """The whole command line but `serve`, in the order in which `--help` lists it."""

    @click.group(cls=Verbs)
    @click.version_option(__version__, prog_name="mainstay", message="%(prog)s %(version)s")
    def mainstay() -> None:
        """Production support in one program.

        \b
        First steps:  mainstay serve   (and in another terminal)
                      mainstay init && mainstay apply
        Then:         mainstay shift   (everything at a glance, live)
        """

    assert isinstance(mainstay, Verbs)
    files.register(mainstay)
    mainstay.add_command(shift.shift)
    incidents.register(mainstay)
    alerts.register(mainstay)
    rota.register(mainstay)
    access.register(mainstay)
    install.register(mainstay)
    keeping.register(mainstay)
    return mainstay
