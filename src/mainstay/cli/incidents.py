"""Incidents from the terminal: see them, take them, end them, and follow what happened."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import click
from rich.text import Text

from mainstay.cli import show
from mainstay.cli.client import Client, part
from mainstay.cli.desk import Desk, Verbs, at_desk

TIMELINE_MAX = 500
SENTENCE_MIN = 20
"""Columns below which a sentence is left to the terminal."""


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    for command in (
        incidents, ack, unack, resolve, reopen, note, assign, move, escalate, page, trace
    ):  # fmt: skip
        group.add_command(command)


verbs = Verbs("incidents")
NAME = click.argument("name", metavar="INCIDENT")


@verbs.command()
@click.argument("name", metavar="[INCIDENT]", required=False)
@click.option("--all", "every", is_flag=True, help="Closed ones too.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="How many at most.",
)
@at_desk
def incidents(desk: Desk, name: str | None, every: bool, limit: int) -> None:
    """Open incidents; or everything about one.

    \b
    Example: mainstay incidents INC-12
    """
    client = desk.client()
    if name is not None:
        _one(desk, client, name)
        return
    found = list(client.pages("/incidents", limit=limit, state="all" if every else "open"))
    look = desk.look
    desk.rows(
        found,
        {
            "incident": lambda one: show.clean(one["name"]),
            "priority": _priority,
            "service": lambda one: show.clean(one["service"]),
            "state": lambda one: show.state(said(one["state"])),
            "who has it": who_has_it,
            "age": lambda one: look.age(one["opened_at"]),
            "title": lambda one: show.clean(one["title"]),
        },
        empty="No incidents." if every else "No incident is open.",
    )


def said(state: object) -> str:
    """A state as people write it: `on hold`."""
    return show.clean(state).replace("_", " ")


def who_has_it(one: Mapping[str, Any]) -> Text:
    """Who acknowledged it, else whose it is, else `nobody` in red."""
    who = one.get("acknowledged_by") or one.get("assignee")
    return Text(show.clean(who)) if who else show.state("nobody")


def _priority(one: Mapping[str, Any]) -> Text:
    rank = show.clean(one["priority"])
    return Text(show.clean(one.get("label") or rank), show.STYLES.get(rank, ""))


def _one(desk: Desk, client: Client, name: str) -> None:
    one = client.get(f"/incidents/{part(name)}")
    told = list(client.pages(f"/incidents/{part(name)}/timeline", limit=TIMELINE_MAX))
    if desk.dump({**one, "timeline": told}):
        return
    look = desk.look
    name_of, title = (show.clean(one["name"]), "bold"), show.clean(one["title"])
    others = [s for s in one.get("services", []) if s != one["service"]]
    until = one.get("acknowledged_until")
    desk.out.print(Text.assemble(name_of, "  ", _priority(one), "  ", title))
    show.pairs(
        desk.out,
        [
            ("service", show.clean(one["service"])),
            *([("also", show.clean(others))] if others else []),
            ("state", show.state(said(one["state"]))),
            ("who has it", who_has_it(one)),
            *([("until", look.when(until))] if until else []),
            ("opened", f"{look.when(one['opened_at'])} ({look.age(one['opened_at'])} ago)"),
            *[("escalation", _escalation(look, e)) for e in one.get("escalations", [])],
        ],
    )
    _parts(desk, one)
    desk.say("\nWhat happened", "dim")
    lines = [(look.when(f["at"]), show.clean(f["actor"]), show.clean(f["because"])) for f in told]
    show.table(desk.out, ["at", "who", "what"], lines)


def _escalation(look: show.Look, one: Mapping[str, Any]) -> str:
    following = one.get("next_at")
    after = f", next step {look.when(following)}" if following else ""
    shadow = ", in shadow: nothing is sent" if one.get("shadow") else ""
    return f"{show.clean(one['policy'])}: {show.clean(one['state'])}{after}{shadow}"


def _parts(desk: Desk, one: Mapping[str, Any]) -> None:
    """Its alerts and its pages."""
    look = desk.look
    if one.get("alerts"):
        desk.say("\nAlerts", "dim")
        show.table(
            desk.out,
            ["alert", "severity", "state", "age", "summary"],
            [
                (show.clean(a["id"]), show.state(a["severity"]), show.state(a["state"]),
                 look.age(a["opened_at"]), show.clean(a["summary"]))
                for a in one["alerts"]
            ],
        )  # fmt: skip
    if one.get("pages"):
        desk.say("\nPages", "dim")
        show.table(
            desk.out,
            ["due", "person", "channel", "state", "answer"],
            [
                (look.when(p["due_at"]), show.clean(p["person"]), show.clean(p["channel"]),
                 show.state(p["state"]), show.clean(p.get("answer")))
                for p in one["pages"]
            ],
        )  # fmt: skip


def _act(desk: Desk, name: str, verb: str, **body: object) -> None:
    given = {key: value for key, value in body.items() if value is not None}
    desk.answer(desk.client().post(f"/incidents/{part(name)}/{verb}", given))


@verbs.command()
@click.argument("names", metavar="INCIDENT...", nargs=-1, required=True)
@at_desk
def ack(desk: Desk, names: tuple[str, ...]) -> None:
    """Acknowledge: you have it, and paging stops.

    \b
    Example: mainstay ack INC-12
    """
    for name in names:
        _act(desk, name, "acknowledge")


@verbs.command()
@NAME
@at_desk
def unack(desk: Desk, name: str) -> None:
    """You no longer have it: paging starts again.

    \b
    Example: mainstay unack INC-12
    """
    _act(desk, name, "unacknowledge")


@verbs.command()
@NAME
@click.option("--note", "text", help="What it was.")
@at_desk
def resolve(desk: Desk, name: str, text: str | None) -> None:
    """It is over; alerts that are still open are closed by hand.

    \b
    Example: mainstay resolve INC-12 --note "disk replaced"
    """
    _act(desk, name, "resolve", note=text)


@verbs.command()
@NAME
@click.option("--reason", required=True, help="Why; the timeline keeps it.")
@at_desk
def reopen(desk: Desk, name: str, reason: str) -> None:
    """It is not over.

    \b
    Example: mainstay reopen INC-12 --reason "it is back"
    """
    _act(desk, name, "reopen", reason=reason)


@verbs.command()
@NAME
@click.argument("text", nargs=-1, required=True)
@at_desk
def note(desk: Desk, name: str, text: tuple[str, ...]) -> None:
    """Write a line into the timeline.

    \b
    Example: mainstay note INC-12 "replica rebuilt, watching"
    """
    _act(desk, name, "notes", text=" ".join(text))


@verbs.command()
@NAME
@click.argument("person")
@at_desk
def assign(desk: Desk, name: str, person: str) -> None:
    """Give it to a person, who is paged.

    \b
    Example: mainstay assign INC-12 ben
    """
    _act(desk, name, "assign", person=person)


@verbs.command()
@NAME
@click.argument("state")
@click.option("--hold", help="What it waits for: caller, change, problem or vendor.")
@at_desk
def move(desk: Desk, name: str, state: str, hold: str | None) -> None:
    """Set where the work stands.

    \b
    Example: mainstay move INC-12 on_hold --hold vendor
    """
    _act(desk, name, "move", state=state.replace("-", "_"), hold=hold)


@verbs.command()
@NAME
@click.option("--reason", required=True, help="Why; the timeline keeps it.")
@at_desk
def escalate(desk: Desk, name: str, reason: str) -> None:
    """Do not wait for the next step.

    \b
    Example: mainstay escalate INC-12 --reason "I need the database team"
    """
    _act(desk, name, "escalate", reason=reason)


@verbs.command()
@NAME
@click.argument("target", metavar="TARGET")
@click.option("--reason", required=True, help="Why; the timeline keeps it.")
@at_desk
def page(desk: Desk, name: str, target: str, reason: str) -> None:
    """Page a person, team or schedule beside any policy.

    \b
    Example: mainstay page INC-12 person:ana --reason "knows the ledger"
    """
    _act(desk, name, "page", target=target, reason=reason)


@verbs.command()
@click.argument("subject", metavar="ID")
@at_desk
def trace(desk: Desk, subject: str) -> None:
    """Where did my alert go? ID: a receipt, an alert or an incident.

    \b
    Example: mainstay trace rcp_01J…
    """
    found = desk.client().get(f"/trace/{part(subject)}")
    if not desk.dump(found):
        width = desk.out.width if desk.out.is_terminal else None
        for line in story(found, desk.look, width=width):
            desk.out.print(line)


def story(found: Mapping[str, Any], look: show.Look, *, width: int | None = None) -> list[Text]:
    """A trace as lines: the answer, then what happened, each with its time.

    Long sentences go on below themselves when there are only `width` columns.
    """
    answer = _wrapped(show.clean(found["answer"]), width, indent=0)
    lines = [*(Text(words, "bold") for words in answer), Text()]
    wide = max((len(look.when(line["at"])) for line in found["lines"]), default=0)
    for line in found["lines"]:
        at = Text(f"{look.when(line['at']):<{wide}}  ", "dim")
        first, *rest = _wrapped(show.clean(line["sentence"]), width, indent=wide + 2)
        lines.append(Text.assemble(at, first))
        lines += [Text(" " * (wide + 2) + more) for more in rest]
    return lines


def _wrapped(sentence: str, width: int | None, *, indent: int) -> list[str]:
    room = (width or 0) - indent
    if width is None or room < SENTENCE_MIN:
        return [sentence]
    return textwrap.wrap(sentence, room, break_on_hyphens=False) or [sentence]
