"""The commands that run Mainstay itself, `serve` and `demo`: they load everything.

`mainstay serve` comes here by way of `__main__`, so that the commands that only ask need not wait
for a web server to load.
"""

from __future__ import annotations

import os
import sys

import click

from mainstay.cli import desk_of, program, run, shared
from mainstay.demo import demo
from mainstay.serve import serve as serve_until_told


def main() -> None:
    """Run the command line, these two included, and end the process with its exit code."""
    mainstay = program()
    mainstay.add_command(serve)
    mainstay.add_command(demo)
    sys.exit(run(mainstay, sys.argv[1:]))


@click.command(params=[*shared("--data", "--config", "--debug")])
@click.option("--listen", metavar="HOST:PORT", help="127.0.0.1:8460 if not given.")
@click.option(
    "--estate", metavar="FOLDER", help="Put this folder in force at start, and on SIGHUP."
)
@click.option("--database", metavar="URL", help="postgresql://user@host/name; else SQLite.")
@click.option("--public-url", metavar="URL", help="What acknowledge links begin with.")
@click.option("--tls-cert", metavar="FILE", help="Certificate chain, PEM.")
@click.option("--tls-key", metavar="FILE", help="Its key, PEM, 0600.")
@click.option("--behind-proxy", metavar="ADDRESS,…", help="Proxies that speak TLS for us.")
@click.option("--egress-allow", metavar="HOST:PORT,…", help="Private addresses.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="The least that is worth a line.",
)
@click.option("--log-format", type=click.Choice(["text", "json"]), help="json: one object a line.")
@click.option("--allow-root", is_flag=True, default=None, help="Run as root all the same.")
@click.pass_context
def serve(ctx: click.Context, /, **flags: object) -> None:
    """Run Mainstay: listen, page, keep. Every setting also has a variable and a line in
    mainstay.toml; `mainstay doctor` shows them.

    \b
    Example: mainstay serve --estate estate --data /var/lib/mainstay
    """
    flags["egress.allow"] = flags.pop("egress_allow")
    settings = desk_of(ctx, flags).settings().settings
    serve_until_told(settings, environment=os.environ, say=_say)


def _say(sentence: str) -> None:
    click.echo(sentence)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
