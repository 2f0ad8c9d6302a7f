"""Heartbeats from the terminal: how they stand, and who makes, pauses and resumes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from mainstay.cli import show
from mainstay.cli.client import Json, part
from mainstay.cli.desk import Desk, Verbs, at_desk

PINGS = 10
"""Pings that `show` tells of."""
OUTPUT_LINES = 20
verbs = Verbs("watch")


@verbs.group()
def heartbeats() -> None:
    """Jobs that say that they ran: who did, who is late."""


@heartbeats.command("list")
@click.option("--state", type=click.Choice(["new", "up", "grace", "down", "paused", "unseen"]))
@click.option("--tag", help="Only those with this tag.")
@at_desk
def list_(desk: Desk, state: str | None, tag: str | None) -> None:
    """Every heartbeat, and how it stands.

    \b
    Example: mainstay heartbeats list --state down
    """
    look = desk.look
    desk.rows(
        desk.client().items("/heartbeats", state=state, tag=tag),
        {
            "heartbeat": lambda one: show.clean(one["name"]),
            "state": lambda one: show.state(one["state"]),
            "service": lambda one: show.clean(one.get("service")),
            "expected": lambda one: show.clean(_expected(one)),
            "last": lambda one: look.age(one["last_at"]) if one.get("last_at") else "never",
            "due": lambda one: look.when(one.get("due_at")),
            "why": lambda one: show.clean(one.get("why")),
        },
        empty="No heartbeats. Declare one in the estate, or: mainstay heartbeats create NAME",
    )


@heartbeats.command("show")
@click.argument("name")
@at_desk
def show_(desk: Desk, name: str) -> None:
    """One heartbeat, its last pings, and what the last one put out.

    \b
    Example: mainstay heartbeats show pay-db-backup
    """
    client = desk.client()
    beat = client.get(f"/heartbeats/{part(name)}")
    pings = client.items(f"/heartbeats/{part(name)}/pings", limit=PINGS)
    if desk.dump({**beat, "last_pings": pings}):
        return
    names = ("name", "state", "why", "service", "severity", "about", "ping_url")
    rows = show.named({key: value for key, value in beat.items() if value}, *names)
    rows.insert(2, ("expected", show.clean(_expected(beat))))
    show.pairs(desk.out, rows)
    look = desk.look
    heads = ["ping", "at", "what", "took", "from", "bytes"]
    if pings:
        desk.say("")
        show.table(desk.out, heads, [_cells(look, one) for one in pings])
    _output(desk, pings)


def _cells(look: show.Look, one: Mapping[str, Any]) -> list[show.Cell]:
    exit_ = f" ({one['exit']})" if one.get("exit") else ""
    took = f"{one['took_s']:g} s" if one.get("took_s") is not None else ""
    return [str(one["number"]), look.when(one["at"]), show.clean(f"{one['kind']}{exit_}"), took,
            show.clean(one["remote"]), str(one["bytes"])]  # fmt: skip


def _output(desk: Desk, pings: list[Json]) -> None:
    said = next((one for one in pings if one.get("output")), None)
    if said is None:
        return
    lines = str(said["output"]).splitlines()
    desk.say(f"\nOutput of ping {said['number']}:", "dim")
    for line in lines[-OUTPUT_LINES:]:
        desk.out.print(show.clean(line))


@heartbeats.command()
@click.argument("name")
@click.option("--service", help="What it is about; else the routes decide.")
@click.option("--period", metavar="1h", help="How often it pings.")
@click.option("--schedule", help='Instead of a period: "15 1 * * *", or OnCalendar.')
@click.option("--timezone", help="Of the schedule.")
@click.option("--grace", metavar="40m", help="How much later than that is still in time.")
@click.option("--severity", type=click.Choice(["critical", "error", "warning", "info"]))
@at_desk
def create(desk: Desk, name: str, **given: str | None) -> None:
    """A new heartbeat, and the URL that its job calls.

    \b
    Example: mainstay heartbeats create nightly-export --service pay-db --period 1d --grace 1h
    """
    body = {"name": name, **{key: value for key, value in given.items() if value is not None}}
    made = desk.client().post("/heartbeats", body)
    if desk.dump(made):
        return
    beat = made["heartbeat"]
    desk.say(made["sentence"])
    desk.out.file.write(f"curl -fsS -m 10 --retry 5 {show.clean(beat['ping_url'])}\n")


@heartbeats.command()
@click.argument("name")
@click.option("--reason", help="Why nobody should wait for it.")
@at_desk
def pause(desk: Desk, name: str, reason: str | None) -> None:
    """Nobody waits for it until it is resumed, or pings.

    \b
    Example: mainstay heartbeats pause nightly-export --reason "moved to the new host"
    """
    body = {"reason": reason} if reason else {}
    desk.answer(desk.client().post(f"/heartbeats/{part(name)}/pause", body))


@heartbeats.command()
@click.argument("name")
@at_desk
def resume(desk: Desk, name: str) -> None:
    """It is waited for again.

    \b
    Example: mainstay heartbeats resume nightly-export
    """
    desk.answer(desk.client().post(f"/heartbeats/{part(name)}/resume"))


@heartbeats.command()
@click.argument("name")
@at_desk
def remove(desk: Desk, name: str) -> None:
    """Nothing is expected any more.

    \b
    Example: mainstay heartbeats remove nightly-export
    """
    desk.answer(desk.client().delete(f"/heartbeats/{part(name)}"))


@heartbeats.command()
@click.argument("name")
@click.argument("uuid")
@at_desk
def adopt(desk: Desk, name: str, uuid: str) -> None:
    """The UUID that its job has from another system pings it too.

    \b
    Example: mainstay heartbeats adopt nightly-export 8f57b84b-86c2-4546-8923-03f83d27604a
    """
    desk.answer(desk.client().post(f"/heartbeats/{part(name)}/adopt", {"uuid": uuid}))


def _expected(beat: Mapping[str, Any]) -> str:
    if beat.get("schedule"):
        return f"{beat['schedule']} ({beat['timezone']}), {beat['grace']} of grace"
    return f"every {beat['period']}, {beat['grace']} of grace"
