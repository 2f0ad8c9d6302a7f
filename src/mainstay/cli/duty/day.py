"""The start of day from the terminal: how it stands, answers, files, waivers, the signature."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from mainstay.cli import show
from mainstay.cli.client import Client, part
from mainstay.cli.desk import Desk, Verbs, at_desk
from mainstay.foundation.clock import to_text
from mainstay.foundation.errors import Invalid

verbs = Verbs("day")
USUAL = "start-of-day"
"""The checklist that is meant where none is named, if there are several."""
FILE_BYTES_MAX = 700_000
ASK_TIMES, ASK_EVERY_S = 120, 0.5
"""How often the terminal asks whether the checks are through: for a minute."""
_STATES = {
    "ok": "green", "ready": "green", "signed": "green", "waived": "magenta", "at risk": "yellow",
    "half signed": "yellow", "failing": "bold red", "not ready": "bold red", "not seen": "yellow",
    "missed": "bold red", "healthy": "green", "muted": "magenta",
}  # fmt: skip
CHECKLIST = click.option(
    "-c", "--checklist", metavar="ID", help="Which; start-of-day if not given."
)


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    group.add_command(start_of_day)


def state(word: str) -> Text:
    """A state in its colour."""
    return Text(show.clean(word), style=_STATES.get(word, ""))


@verbs.group("start-of-day", invoke_without_command=True)
@click.pass_context
def start_of_day(ctx: click.Context) -> None:
    """The checklist of the business day: look, answer, sign."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(status)


@start_of_day.command()
@CHECKLIST
@at_desk
def status(desk: Desk, checklist: str | None) -> None:
    """How it stands, item by item, and who may sign.

    \b
    Example: mainstay start-of-day status
    """
    client = desk.client()
    run = _run(client, checklist)
    if desk.dump(run):
        return
    when = desk.look.when
    desk.say(f"{run['name']}, {run['day']}: {run['state']}, due {when(run['due_at'])}")
    desk.say(run["sentence"])
    show.table(
        desk.out,
        ["item", "state", "what", "seen", "who"],
        [
            [show.clean(one["item"]), state(one["state"]), show.clean(_title(one)),
             show.clean(one["because"]), show.clean(one.get("author"))]
            for one in run["items"]
        ],
    )  # fmt: skip
    for one in run["signatures"]:
        note = f": {one['note']}" if one["note"] else ""
        desk.say(f"Signed by {one['person']} {when(one['at'])}{note}")
    if run["signers"]:
        desk.say(f"To be signed by {' or '.join(run['signers'])}, or a lead of {run['team']}.")


@start_of_day.command("list")
@at_desk
def list_all(desk: Desk) -> None:
    """Every checklist, and when the next one opens.

    \b
    Example: mainstay start-of-day list
    """
    when = desk.look.when

    def of_run(one: Mapping[str, Any], name: str) -> str:
        return str((one.get("run") or {}).get(name) or "")

    desk.rows(
        desk.client().items("/checklists"),
        {
            "checklist": lambda one: show.clean(one["checklist"]),
            "team": lambda one: show.clean(one["team"]),
            "day": lambda one: show.clean(of_run(one, "day")),
            "state": lambda one: state(of_run(one, "state")),
            "verdict": lambda one: state(of_run(one, "verdict")),
            "next opens": lambda one: when(one.get("next_opens_at")),
            "next due": lambda one: when(one.get("next_due_at")),
        },
        empty="The estate declares no checklist.",
    )


@start_of_day.command()
@CHECKLIST
@click.option("--day", metavar="DATE", help="The business day; today's if not given.")
@at_desk
def begin(desk: Desk, checklist: str | None, day: str | None) -> None:
    """Begin it before it opens by itself.

    \b
    Example: mainstay start-of-day begin
    """
    client = desk.client()
    name = _named(client, checklist)
    desk.answer(client.post(f"/checklists/{part(name)}/runs", {"day": day} if day else {}))


@start_of_day.command()
@click.argument("item")
@click.argument("answers", nargs=-1, metavar="[NAME=VALUE]…")
@CHECKLIST
@click.option("--failed", is_flag=True, help="It is not as it should be; say why with --words.")
@click.option("--words", default="", help="What you saw.")
@at_desk
def answer(
    desk: Desk, item: str, answers: tuple[str, ...], checklist: str | None, failed: bool, words: str
) -> None:  # fmt: skip
    """You have looked at ITEM, and this is what you saw.

    \b
    Example: mainstay start-of-day answer card-payment amount=1.50
    """
    client = desk.client()
    run = _run(client, checklist)
    body = {"answers": dict(map(_pair, answers)), "failed": failed, "words": words}
    done = client.post(f"/checklist-runs/{part(run['id'])}/items/{part(item)}", body)
    desk.answer(done)


@start_of_day.command()
@click.argument("item")
@CHECKLIST
@at_desk
def redo(desk: Desk, item: str, checklist: str | None) -> None:
    """ITEM is to be looked at again.

    \b
    Example: mainstay start-of-day redo card-payment
    """
    client = desk.client()
    run = _run(client, checklist)
    desk.answer(client.delete(f"/checklist-runs/{part(run['id'])}/items/{part(item)}"))


@start_of_day.command()
@click.argument("item")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as", "name", metavar="NAME", required=True, help="Which answer it is.")
@CHECKLIST
@at_desk
def attach(desk: Desk, item: str, file: Path, name: str, checklist: str | None) -> None:
    """Attach a picture, a PDF or plain text to ITEM.

    \b
    Example: mainstay start-of-day attach card-payment receipt.png --as receipt
    """
    with file.open("rb") as opened:
        content = opened.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise Invalid(f"{file.name} is larger than {FILE_BYTES_MAX:,} bytes; send a smaller one.")
    client = desk.client()
    run = _run(client, checklist)
    body = {"answer": name, "name": file.name, "content": base64.b64encode(content).decode()}
    desk.answer(client.post(f"/checklist-runs/{part(run['id'])}/items/{part(item)}/files", body))


@start_of_day.command()
@CHECKLIST
@at_desk
def run(desk: Desk, checklist: str | None) -> None:
    """Have its checks looked at now, and wait until all are.

    \b
    Example: mainstay start-of-day run
    """
    client = desk.client()
    one = _run(client, checklist)
    path = f"/checklist-runs/{part(one['id'])}"
    asked = client.post(f"{path}/checks")
    for _ in range(ASK_TIMES):
        one = client.get(path)
        left = [
            item for item in one["items"]
            if item["kind"] == "check" and (item["at"] or "") < asked["asked_at"]
        ]  # fmt: skip
        if not left or not asked["checks"]:
            break
        time.sleep(ASK_EVERY_S)
    if desk.dump(one):
        return
    for item in one["items"]:
        if item["kind"] == "check":
            desk.out.print(Text.assemble(state(item["state"]), f"  {show.clean(item['title'])}: "
                           f"{show.clean(item['because'])}"))  # fmt: skip
    desk.say(one["sentence"])


@start_of_day.command()
@CHECKLIST
@click.option("--note", default="", help="What the next ones should know.")
@at_desk
def sign(desk: Desk, checklist: str | None, note: str) -> None:
    """Sign for it: what was seen is frozen, and its hash goes into the record.

    \b
    Example: mainstay start-of-day sign --note "card scheme is slow, watching it"
    """
    client = desk.client()
    run = _run(client, checklist)
    desk.answer(client.post(f"/checklist-runs/{part(run['id'])}/sign", {"note": note}))


@start_of_day.command()
@CHECKLIST
@click.option("--reason", required=True, help="What is to change.")
@at_desk
def reopen(desk: Desk, checklist: str | None, reason: str) -> None:
    """Take the first of two signatures back.

    \b
    Example: mainstay start-of-day reopen --reason "the file came after all"
    """
    client = desk.client()
    run = _run(client, checklist)
    desk.answer(client.post(f"/checklist-runs/{part(run['id'])}/reopen", {"reason": reason}))


@start_of_day.command()
@click.argument("item")
@click.option("--owner", metavar="PERSON", required=True, help="Who sees to it.")
@click.option("--reason", required=True, help="Why it may stand.")
@click.option("--until", metavar="TIME", required=True, help="When it counts again.")
@CHECKLIST
@at_desk
def waive(
    desk: Desk, item: str, owner: str, reason: str, until: str, checklist: str | None
) -> None:  # fmt: skip
    """ITEM counts as done until then.

    \b
    Example: mainstay start-of-day waive settlement-file --owner ben --until +2d
             --reason "vendor case 4711"
    """
    client = desk.client()
    name = _named(client, checklist)
    ends_at = to_text(desk.time(until))
    body = {"item": item, "owner": owner, "reason": reason, "ends_at": ends_at}
    desk.answer(client.post(f"/checklists/{part(name)}/waivers", body))


@start_of_day.command()
@at_desk
def waivers(desk: Desk) -> None:
    """Waivers in force.

    \b
    Example: mainstay start-of-day waivers
    """
    desk.rows(
        desk.client().items("/waivers"),
        {
            "waiver": lambda one: show.clean(one["id"]),
            "checklist": lambda one: show.clean(one["checklist"]),
            "item": lambda one: show.clean(one["item"]),
            "owner": lambda one: show.clean(one["owner"]),
            "until": lambda one: desk.look.when(one["ends_at"]),
            "reason": lambda one: show.clean(one["reason"]),
        },
        empty="Nothing is waived.",
    )


@start_of_day.command("end-waiver")
@click.argument("waiver")
@at_desk
def end_waiver(desk: Desk, waiver: str) -> None:
    """It counts again from now on.

    \b
    Example: mainstay start-of-day end-waiver wvr_01J…
    """
    desk.answer(desk.client().delete(f"/waivers/{part(waiver)}"))


@start_of_day.command()
@CHECKLIST
@click.option(
    "--days", type=click.IntRange(1, 366), default=30, show_default=True, help="How many."
)
@at_desk
def history(desk: Desk, checklist: str | None, days: int) -> None:
    """The last days, and what was red at its time.

    \b
    Example: mainstay start-of-day history --days 10
    """
    client = desk.client()
    name = _named(client, checklist)
    found = client.get(f"/checklists/{part(name)}/history", limit=days)
    if desk.dump(found):
        return
    desk.rows(
        found["days"],
        {
            "day": lambda one: show.clean(one["day"]),
            "state": lambda one: state(one["state"]),
            "at its time": lambda one: state(one.get("due_state") or ""),
            "signed by": lambda one: show.clean(", ".join(s["person"] for s in one["signatures"])),
            "red": lambda one: show.clean(
                ", ".join(k for k, v in one["items"].items() if v != "ok")
            ),
        },
        empty="No day is known yet.",
    )
    for trend in found["trends"]:
        desk.say(f"{trend['item']} was red on {trend['red']} of {len(trend['states'])} days.")


@start_of_day.command()
@CHECKLIST
@click.option("--html", is_flag=True, help="As HTML, which a browser prints as PDF.")
@at_desk
def report(desk: Desk, checklist: str | None, html: bool) -> None:
    """The run as a document, in Markdown or HTML.

    \b
    Example: mainstay start-of-day report --html > start-of-day.html
    """
    client = desk.client()
    run = _run(client, checklist)
    text = client.text(
        f"/checklist-runs/{part(run['id'])}/report", format="html" if html else "markdown"
    )
    if not desk.dump({"report": text}):
        desk.out.file.write(text)


def _named(client: Client, checklist: str | None) -> str:
    """The checklist that is meant."""
    if checklist is not None:
        return checklist
    known = [str(one["checklist"]) for one in client.items("/checklists")]
    if len(known) == 1 or USUAL in known:
        return USUAL if USUAL in known else known[0]
    if not known:
        raise Invalid("The estate declares no checklist; docs/guide/15-start-of-day.md shows one.")
    raise Invalid(f"Which one? Name it with --checklist: {', '.join(known)}.")


def _run(client: Client, checklist: str | None) -> dict[str, Any]:
    """The newest run of the checklist that is meant, whole."""
    name = _named(client, checklist)
    found = next((one for one in client.items("/checklists") if one["checklist"] == name), None)
    if found is None:
        raise Invalid(f"There is no checklist {name!r}; mainstay start-of-day list names them.")
    if found.get("run") is None:
        raise Invalid(f"{name} has not opened yet. Begin it with: mainstay start-of-day begin")
    return client.get(f"/checklist-runs/{part(str(found['run']['id']))}")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Invalid(f"Write an answer as NAME=VALUE, got {text!r}.")
    return name, value


def _title(one: Mapping[str, Any]) -> str:
    """What is to be done, and what of it is still asked for."""
    asked = [f"{name}={what['type']}" for name, what in one["asks"].items()]
    return (
        f"{one['title']} ({', '.join(asked)})"
        if asked and one["state"] == "waiting"
        else one["title"]
    )
