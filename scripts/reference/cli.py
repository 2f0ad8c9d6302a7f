"""docs/reference/cli.md: every command, its usage and its options."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from mainstay.cli import program, shared
from mainstay.cli.desk import FAILED, INTERRUPTED, OK, REFUSED, TOKEN_FILE
from mainstay.demo import demo
from mainstay.people import OPERATOR
from mainstay.running import serve
from reference.markdown import anchor, code, fenced, joined, plain, table

INTRO = f"""# The command line

`mainstay` asks a running Mainstay through its [API](api.md). On the machine where `mainstay serve`
runs nothing has to be set: it writes `{TOKEN_FILE}` into its data folder, and whoever may read that
file acts as `{OPERATOR}`. Elsewhere give the address and a token: `MAINSTAY_URL` and
`MAINSTAY_TOKEN`. `init`, `check`, `schema`, `doctor` and `audit verify` need no server, and with
`--local` neither do `key create` and `token create`.

A TIME is `14:00`, `2026-11-22 14:00` or `+2h`, in this machine's zone. INCIDENT is `INC-12`, `12` or
`inc_01J…`."""
SHARED = "Options that every command takes"
EXITS = {
    OK: "Done.",
    FAILED: "The other side failed, or we did.",
    REFUSED: "Refused: something must be changed first. The message says what.",
    INTERRUPTED: "Stopped by Ctrl-C.",
}


def page(root: Path) -> str:
    """The whole page."""
    found = list(_commands())
    index = [
        [f"[{code(ctx.command_path)}]({anchor(ctx.command_path)})", _summary(command)]
        for command, ctx in found if not isinstance(command, click.Group)
    ]  # fmt: skip
    exits = table(["Code", "Meaning"], [[str(number), words] for number, words in EXITS.items()])
    options = [_option(one, found[0][1]) for one in shared()]
    return joined(
        INTRO,
        "## Commands", table(["Command", "What"], index),
        f"## {SHARED}", _without(found), table(["Option", "Meaning"], options),
        "## Exit codes", exits,
        *(_section(command, ctx) for command, ctx in found[1:]),
    )  # fmt: skip


def _commands() -> Iterator[tuple[click.Command, click.Context]]:
    """Every command, groups before what is in them, as `--help` lists them."""
    mainstay = program()
    mainstay.add_command(serve)
    mainstay.add_command(demo)
    yield from _walk(mainstay, click.Context(mainstay, info_name="mainstay"))


def _walk(
    command: click.Command, ctx: click.Context
) -> Iterator[tuple[click.Command, click.Context]]:
    yield command, ctx
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            assert inner is not None
            yield from _walk(inner, click.Context(inner, info_name=name, parent=ctx))


def _section(command: click.Command, ctx: click.Context) -> str:
    level = "##" if ctx.parent is not None and ctx.parent.parent is None else "###"
    words, example = _help(command)
    if isinstance(command, click.Group):
        return joined(f"{level} {ctx.command_path}", words)
    usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    known = _shared()
    own = [one for one in command.params if isinstance(one, click.Option)]
    options = [_option(one, ctx) for one in own if (one.opts[0], one.help) not in known]
    shown = table(["Option", "Meaning"], options) if options else ""
    return joined(f"{level} {ctx.command_path}", words, fenced(usage), shown,
                  f"Example:\n\n{fenced(example, 'console')}" if example else "")  # fmt: skip


def _shared() -> dict[tuple[str, str | None], None]:
    return dict.fromkeys((one.opts[0], one.help) for one in shared())


def _without(found: list[tuple[click.Command, click.Context]]) -> str:
    """The commands that do not take all of them."""
    lines = []
    for command, ctx in found:
        mine = {(one.opts[0], one.help) for one in command.params if isinstance(one, click.Option)}
        taken = [code(name) for name, help in _shared() if (name, help) in mine]
        if len(taken) < len(_shared()):
            lines.append(f"{code(ctx.command_path)} takes {', '.join(taken) or 'none'} of these.")
    return " ".join(lines)


def _summary(command: click.Command) -> str:
    """The first sentence."""
    first, end, _ = _help(command)[0].partition(". ")
    return first + end.strip()


def _help(command: click.Command) -> tuple[str, str]:
    """The words, and the example below them."""
    text = inspect.cleandoc(command.help or "").replace("\b", "")
    words, _, example = text.partition("Example:")
    lines = [line.strip() for line in example.strip().splitlines()]
    return plain(words), ("$ " + " \\\n    ".join(lines)) if example else ""


def _option(option: click.Option, ctx: click.Context) -> list[str]:
    number = isinstance(option.type, click.IntRange | click.FloatRange) and not option.metavar
    takes = "" if option.is_flag else " " + ("N" if number else option.make_metavar(ctx))
    words = [option.help or ""]
    if option.required:
        words.append("Required.")
    if isinstance(option.type, click.IntRange | click.FloatRange) and option.type.max is not None:
        words.append(f"{option.type.min} to {option.type.max}.")
    if not option.is_flag and option.show_default and option.default is not None:
        words.append(f"Default: {code(option.default)}.")
    return [code("/".join(option.opts) + takes), " ".join(filter(None, words)) or "–"]
