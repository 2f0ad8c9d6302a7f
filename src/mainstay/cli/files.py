"""The estate's files: write a first one, check, show what would change, load."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from mainstay import estate, oncall
from mainstay.cli import show
from mainstay.cli.client import Json
from mainstay.cli.desk import REFUSED, Desk, Verbs, at_desk, desk_of
from mainstay.foundation.errors import Conflict, Invalid, NotFound

PLAN_TIMEOUT_S = 60.0
"""Who would be on call for the coming weeks takes the server a while on a large estate."""
FOLDER = click.argument(
    "folder", default="estate", metavar="[FOLDER]", type=click.Path(path_type=Path)
)
VERB_STYLES = {"added": "green", "removed": "red", "changed": "yellow"}
VERB_MARKS = {"added": "+", "removed": "−", "changed": "~"}
verbs = Verbs("files")


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    for command in (init, check, plan, apply, schema):
        group.add_command(command)


@verbs.command()
@FOLDER
@at_desk
def init(desk: Desk, folder: Path) -> None:
    """Write a first estate to edit; never over files that are there.

    \b
    Example: mainstay init estate
    """
    there = sorted(file.name for file in folder.glob("*.y*ml")) if folder.is_dir() else []
    if there:
        raise Conflict(f"{folder} already holds {', '.join(there)}; nothing was written.")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in estate.starter().items():
        with (folder / name).open("x", encoding="utf-8") as file:
            file.write(text)
        written.append(str(folder / name))
    if not desk.dump({"written": written}):
        desk.say(f"Wrote {', '.join(written)}.")
        desk.say(f"Edit them, then: mainstay check {folder} && mainstay apply {folder}")


@verbs.command()
@FOLDER
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="For people, or for programs.",
)
@click.pass_context
def check(ctx: click.Context, folder: Path, form: str) -> None:
    """Every mistake in the files, with its place; needs no server.

    \b
    Example: mainstay check estate
    """
    desk = desk_of(ctx)
    found = _checked(desk, folder)
    if form == "json" or desk.json:
        facts = [one.as_facts() for one in found.problems]
        words = show.as_json({"ok": found.estate is not None, "problems": facts})
        desk.out.file.write(f"{words}\n")
    else:
        tell_problems(desk, found.problems)
        desk.say(_verdict(found, folder))
    if found.estate is None:
        ctx.exit(REFUSED)


def tell_problems(desk: Desk, problems: Sequence[estate.Problem]) -> None:
    """One line each: `path:line:col: E204 message`."""
    for one in problems:
        place = Text(f"{show.clean(one.path)}:{one.line}:{one.col}: ")
        code = Text(one.code, "bold red" if one.level == "error" else "yellow")
        desk.out.print(Text.assemble(place, code, f" {show.clean(one.message)}"))


def _verdict(found: estate.Checked, folder: Path) -> str:
    errors = sum(one.level == "error" for one in found.problems)
    warnings = len(found.problems) - errors
    words = [f"{errors} error{'s' * (errors != 1)}"] if errors else []
    words += [f"{warnings} warning{'s' * (warnings != 1)}"] if warnings else []
    if found.estate is None:
        return f"{folder}: {', '.join(words)}. Nothing can be applied."
    services, people = len(found.estate.services), len(found.estate.people)
    with_them = f", with {words[0]}" if words else ""
    return f"{folder} is good{with_them}: {services} services, {people} people."


@verbs.command()
@FOLDER
@at_desk
def plan(desk: Desk, folder: Path) -> None:
    """Check, then say what would change, for whom.

    \b
    Example: mainstay plan estate
    """
    compiled = _compiled(desk, folder)
    found = desk.client(timeout_s=PLAN_TIMEOUT_S).post("/estate/plan", {"estate": compiled})
    if not desk.dump(found):
        tell_plan(desk, found)


@verbs.command()
@FOLDER
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--rebase", is_flag=True, help="Escalations under way go on under the new version.")
@at_desk
def apply(desk: Desk, folder: Path, yes: bool, rebase: bool) -> None:
    """Show what would change, and put it in force.

    \b
    Example: mainstay apply estate --yes
    """
    compiled = _compiled(desk, folder)
    client = desk.client(timeout_s=PLAN_TIMEOUT_S)
    found = client.post("/estate/plan", {"estate": compiled})
    if not desk.json:
        tell_plan(desk, found)
    if found.get("version") and not found["differences"]:
        desk.dump({"sentence": "Nothing changed.", "version": found["version"]})
        return
    if not (yes or _agreed()):
        raise Invalid("Nothing was applied. Say --yes to apply without being asked.")
    desk.answer(client.post("/estate/apply", {"estate": compiled, "rebase": rebase}))


def _agreed() -> bool:
    """Whether the person at the terminal says so; False when there is none."""
    return sys.stdin.isatty() and click.confirm("Put it in force?", err=True)


def _checked(desk: Desk, folder: Path) -> estate.Checked:
    """What is wrong with the files, and the times of the coming four weeks that nobody covers."""
    found = estate.check(folder, today=desk.look.local(desk.now()).date())
    return oncall.with_gaps(found, start=desk.now())


def _compiled(desk: Desk, folder: Path) -> Json:
    """The estate of the folder as JSON. BadEstate with every problem; warnings go to stderr."""
    if not folder.exists():
        raise NotFound(f"There is no folder {folder}. Write a first one: mainstay init {folder}")
    found = _checked(desk, folder)
    if found.estate is None:
        raise estate.BadEstate(found.problems)
    for one in found.problems:
        click.echo(show.clean(one), err=True)
    compiled: Json = json.loads(found.estate.model_dump_json(by_alias=True))
    return compiled


def tell_plan(desk: Desk, found: Mapping[str, Any]) -> None:
    """A plan in words: what changes, who is on call instead, where nobody is."""
    differences = found["differences"]
    if not differences:
        desk.say(f"Nothing would change; version {found.get('version')} is in force.")
    for one in differences:
        verb = str(one["verb"])
        words = one.get("sentence") or " ".join(
            show.clean(part) for part in (verb, one["collection"], one["id"], one["what"]) if part
        )
        mark = Text(VERB_MARKS.get(verb, "·"), VERB_STYLES.get(verb, ""))
        desk.out.print(Text.assemble(mark, f" {show.clean(words)}"))
    _sentences(desk, "On call changes:", found.get("oncall") or [], "")
    _sentences(desk, "Nobody would be on call:", found.get("gaps") or [], "bold red")
    running = found.get("running") or 0
    if running and differences:
        what = "escalation goes" if running == 1 else "escalations go"
        desk.say(f"\n{running} {what} on under the version that they began with (or --rebase).")


def _sentences(desk: Desk, head: str, sentences: Sequence[object], style: str) -> None:
    if not sentences:
        return
    desk.say(f"\n{head}", style)
    for one in sentences:
        desk.say(f"  {show.clean(one)}")


@verbs.command()
@at_desk
def schema(desk: Desk) -> None:
    """The JSON Schema of estate files, for your editor.

    \b
    Example: mainstay schema > estate.schema.json
    """
    desk.out.file.write(show.as_json(estate.json_schema()) + "\n")
