"""`mainstay logs`: log files searched, counted, understood and compared; and logs kept."""

from __future__ import annotations

import os
import sys

import click

from mainstay.cli.logs import commands

__all__ = ["register"]

ELSEWHERE = {
    "keep": "Keep logs that are sent here: OTLP, Loki, _bulk, syslog, files. Needs [telemetry].",
    "kept": "Lines of the kept logs.",
}
"""Commands of `mainstay.logstore`, which has a process of its own and needs more to be installed."""


def register(group: click.Group) -> None:
    """Add the group to the program."""
    for name, words in ELSEWHERE.items():
        commands.logs.add_command(_elsewhere(name, words))
    group.add_command(commands.logs)


def _elsewhere(name: str, words: str) -> click.Command:
    """A command that goes on in `mainstay.logstore`, in this process, with the same words."""

    def go_on() -> None:
        given = sys.argv[sys.argv.index(name) + 1 :]
        os.execv(sys.executable, [sys.executable, "-m", "mainstay.logstore", name, *given])  # noqa: S606

    anything = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(
        name, callback=go_on, help=words, add_help_option=False, context_settings=anything
    )
