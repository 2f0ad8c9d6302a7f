"""The program's entry: the command line. `serve` and `demo` become another process image."""

from __future__ import annotations

import os
import sys

import click

from mainstay.cli import program, run

HEAVY = {
    "serve": "Run Mainstay: listen, page, keep.",
    "demo": "A small simulated production around a real Mainstay, to try it.",
}
"""Commands that need the web server and all; `mainstay.running` has them whole."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    mainstay = program()
    for name, words in HEAVY.items():
        mainstay.add_command(_elsewhere(name, words))
    sys.exit(run(mainstay, sys.argv[1:]))


def _elsewhere(name: str, words: str) -> click.Command:
    """A command that goes on in `mainstay.running`, in this process, with the same words."""

    def go_on() -> None:
        os.execv(sys.executable, [sys.executable, "-m", "mainstay.running", *sys.argv[1:]])  # noqa: S606

    anything = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(
        name, callback=go_on, help=words, add_help_option=False, context_settings=anything
    )


if __name__ == "__main__":
    main()
