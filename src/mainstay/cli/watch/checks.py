"""Checks: how they stand, their history, and looking now with live progress."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mainstay.cli import show
from mainstay.cli.client import Client, part
from mainstay.cli.desk import Desk, Verbs, at_desk
from mainstay.cli.watch.past import stretches
from mainstay.foundation.errors import Invalid, TimedOut

verbs = Verbs("checks")
ASK_EVERY_S = 0.3
MARKS = {"ok": "✓", "warn": "!", "fail": "✗", "not seen": "?", "waiting": "·"}
NOT_WELL = 1
"""The exit code when a check that was run is not well; 0 when all are, or only warn."""
TAG = click.option("--tag", help="Those with this tag, or on hosts with it.")
SERVICE = click.option("--service", help="Those of one service.")


@verbs.group()
def checks() -> None:
    """What must be so in production."""


@checks.command("list")
@TAG
@SERVICE
@click.option("--state", type=click.Choice(list(MARKS)), help="Those that stand so.")
@at_desk
def list_(desk: Desk, tag: str | None, service: str | None, state: str | None) -> None:
    """How the checks stand.

    \b
    Example: mainstay checks list --state fail
    """
    found = desk.client().get("/checks", tag=tag, service=service, state=state).get("items", [])
    look = desk.look
    desk.rows(
        found,
        {
            "check": lambda one: show.clean(one["name"]),
            "state": lambda one: word(one),
            "since": lambda one: look.when(one["since"]),
            "service": lambda one: show.clean(one["service"]),
            "seen": lambda one: look.age(one.get("measured_at")),
            "what was found": lambda one: show.clean(one["sentence"]),
        },
        empty="The estate has no such check.",
    )


@checks.command("show")
@click.argument("name", metavar="CHECK")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@at_desk
def show_(desk: Desk, name: str, limit: int) -> None:
    """One check: how it stands, what was measured, and its history.

    \b
    Example: mainstay checks show pay-db-disk@pg-01
    """
    client = desk.client()
    one = client.get(f"/checks/{part(name)}")
    looks = client.get(f"/checks/{part(name)}/history", limit=limit).get("items", [])
    if desk.dump({**one, "history": looks}):
        return
    desk.say(f"{one['name']} is {one['state']}: {one['sentence']}")
    for condition in one["expect"]:
        desk.say(f"  expects {condition}")
    for key, value in one["values"].items():
        desk.say(f"  {show.clean(key)}: {show.clean(value)}")
    look = desk.look
    desk.rows(
        looks,
        {
            "measured": lambda row: look.when(row["measured_at"]),
            "verdict": lambda row: show.state(row["verdict"]),
            "took": lambda row: f"{row['duration_ms']:.0f} ms",
            "what was found": lambda row: show.clean(row["sentence"]),
        },
        empty="It has no history yet.",
    )


@checks.command()
@click.argument("name", metavar="CHECK")
@click.option(
    "--days", type=click.IntRange(1, 400), default=30, show_default=True, help="Looked back."
)
@click.option("--by", type=click.Choice(["day", "week", "month"]), default="day", show_default=True)
@at_desk
def availability(desk: Desk, name: str, days: int, by: str) -> None:
    """How a check stood over time: the share of what was seen in which it did not fail.

    \b
    Example: mainstay checks availability pay-db-disk@pg-01 --by week
    """
    found = desk.client().get(f"/checks/{part(name)}/availability", days=days, by=by)["items"]
    stretches(desk, found)


@checks.command("run")
@click.argument("names", metavar="CHECK", nargs=-1)
@TAG
@SERVICE
@click.option("--all", "every", is_flag=True, help="All of them.")
@click.option(
    "--wait", "wait_s", type=click.IntRange(1, 3600), default=120, show_default=True,
    help="Seconds, at most.",
)  # fmt: skip
@at_desk
@click.pass_context
def run_(
    ctx: click.Context,
    desk: Desk,
    names: Sequence[str],
    tag: str | None,
    service: str | None,
    every: bool,
    wait_s: int,
) -> None:
    """Look now, and show what is found as it comes. Exit 1 when one of them fails.

    \b
    Example: mainstay checks run --tag db
    """
    if not (names or tag or service or every):
        raise Invalid("Which checks? Name some, or give --tag, --service or --all.")
    client = desk.client()
    asked = client.post("/looks", {"checks": list(names), "tag": tag, "service": service})
    wanted = list(asked["names"])
    if not wanted:
        raise Invalid("No check fits that can be looked at; heartbeats cannot be asked.")
    found = _watched(desk, client, wanted, asked["asked_at"], wait_s)
    bad = [one for one in found if one["verdict"] == "fail"]
    if not desk.dump(found):
        well = len(found) - len(bad)
        desk.say(f"{well} of {len(found)} are well." if bad else f"All {len(found)} are well.")
    if bad:
        ctx.exit(NOT_WELL)


def _watched(
    desk: Desk, client: Client, wanted: list[str], asked_at: str, wait_s: int
) -> list[Mapping[str, Any]]:
    """Ask until every one has been seen since; drawn live at a terminal, line by line elsewhere."""
    seen: dict[str, Mapping[str, Any]] = {}
    end = time.monotonic() + wait_s
    live = Live(console=desk.out, auto_refresh=False, transient=False)
    draws = desk.out.is_terminal and not desk.json
    if draws:
        live.start()
    try:
        while len(seen) < len(wanted):
            for one in _stand(client, [name for name in wanted if name not in seen]):
                if one["measured_at"] and one["measured_at"] >= asked_at:
                    seen[one["name"]] = one
                    if not (draws or desk.json):
                        desk.out.print(line(one))
            if draws:
                live.update(table(wanted, seen), refresh=True)
            if len(seen) < len(wanted):
                if time.monotonic() > end:
                    left = ", ".join(name for name in wanted if name not in seen)
                    raise TimedOut(f"Not seen within {wait_s} s: {left}.")
                time.sleep(ASK_EVERY_S)
    finally:
        if draws:
            live.stop()
    return [seen[name] for name in wanted]


def _stand(client: Client, names: Sequence[str]) -> list[Mapping[str, Any]]:
    """How these stand; all are asked for where many are wanted."""
    query: dict[str, Any] = {"check": list(names)} if len(names) <= 20 else {}
    found = client.get("/checks", **query).get("items", [])
    return [one for one in found if one["name"] in set(names)]


def table(wanted: Sequence[str], seen: Mapping[str, Mapping[str, Any]]) -> Table:
    """What is known so far, in the order of the estate."""
    drawn = Table.grid(padding=(0, 2))
    for name in wanted:
        one = seen.get(name)
        if one is None:
            drawn.add_row(
                Text("…", style="dim"), show.clean(name), Text("is looked at", style="dim")
            )
        else:
            drawn.add_row(word(one), show.clean(name), show.clean(one["sentence"]))
    drawn.add_row("", Text(f"{len(seen)} of {len(wanted)}", style="dim"), "")
    return drawn


def line(one: Mapping[str, Any]) -> Text:
    """One check as a line of text."""
    return Text.assemble(
        word(one), "  ", show.clean(one["name"]), "  ", show.clean(one["sentence"])
    )


def word(one: Mapping[str, Any]) -> Text:
    """Its mark and its state; a failure that does not count yet is marked by its verdict."""
    shown = one["verdict"] if one["state"] == "ok" and one["verdict"] else one["state"]
    drawn = show.state(shown)
    return Text.assemble(MARKS.get(shown, "·"), " ", drawn)
