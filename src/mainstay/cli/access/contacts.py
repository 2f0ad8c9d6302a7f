"""Where people can be reached, and when to use which address."""

from __future__ import annotations

from datetime import timedelta

import click
from rich.text import Text

from mainstay.cli import show
from mainstay.cli.client import Json, part
from mainstay.cli.desk import FAILED, Desk, Verbs, at_desk, desk_of
from mainstay.foundation.errors import Invalid
from mainstay.foundation.spans import duration

SEND_TIMEOUT_S = 60.0
"""A test page waits for each provider's answer."""
verbs = Verbs("contacts")


@verbs.group()
def contact() -> None:
    """Where people can be reached, and when to use which."""


@contact.command("list")
@click.argument("person", required=False)
@at_desk
def contact_list(desk: Desk, person: str | None) -> None:
    """People; or one person's addresses and rules.

    \b
    Example: mainstay contact list ana
    """
    client = desk.client()
    if person is None:
        desk.rows(
            client.items("/people"),
            {
                "person": lambda one: show.clean(one["id"]),
                "teams": lambda one: show.clean(one.get("teams")),
                "zone": lambda one: show.clean(one.get("timezone")),
                "name": lambda one: show.clean(one.get("name")),
            },
            empty="The estate has no people.",
        )
        return
    found = client.get(f"/people/{part(person)}/contacts")
    if not desk.dump(found):
        _contacts(desk, person, found)


def _contacts(desk: Desk, person: str, found: Json) -> None:
    if not found["addresses"]:
        desk.say(f"Nobody can reach {person} yet. Add an address with:")
        desk.say(f"  mainstay contact add {person} mail {person}@example.com")
        return
    rows = [
        (show.clean(one["id"]), show.clean(one["kind"]), show.clean(one["address"]), _standing(one))
        for one in found["addresses"]
    ]
    show.table(desk.out, ["address", "kind", "where", ""], rows)
    if not found["rules"]:
        desk.say(
            "\nNo rules: pages of high urgency (P1, P2) go to every address at once, "
            "others to the mail, or else to the first address."
        )
        return
    desk.say("")
    rules = [
        (show.clean(one["id"]), show.clean(one["urgency"]), _after(one["delay_s"]),
         show.clean(one["address"]))
        for one in found["rules"]
    ]  # fmt: skip
    show.table(desk.out, ["rule", "urgency", "after", "address"], rules)


def _standing(address: Json) -> str:
    if address.get("verified"):
        return "proved"
    return "" if address.get("good", True) else "not proved: mainstay contact verify"


def _after(delay_s: int) -> str:
    return show.span(timedelta(seconds=delay_s)) if delay_s else "at once"


@contact.command("add")
@click.argument("person")
@click.argument("kind")
@click.argument("address")
@click.option("--secret", metavar="env:NAME|file:/PATH", help="Where the channel's secret is.")
@at_desk
def contact_add(desk: Desk, person: str, kind: str, address: str, secret: str | None) -> None:
    """Add an address: mail, webhook, slack, ntfy, sms …

    \b
    Example: mainstay contact add ana mail ana@example.com
    """
    body: dict[str, object] = {"kind": kind, "address": address}
    if secret:
        body["secret"] = secret
    desk.answer(desk.client().post(f"/people/{part(person)}/addresses", body))


@contact.command("verify")
@click.argument("address_id", metavar="ADDRESS")
@click.argument("code", required=False)
@at_desk
def contact_verify(desk: Desk, address_id: str, code: str | None) -> None:
    """Send a code to an address; or, with the CODE that arrived, prove that it is yours.

    \b
    Example: mainstay contact verify adr_01J… 12345678
    """
    client = desk.client(timeout_s=SEND_TIMEOUT_S)
    path = f"/addresses/{part(address_id)}"
    if code is None:
        desk.answer(client.post(f"{path}/proof"))
    else:
        desk.answer(client.post(f"{path}/verify", {"code": code}))


@contact.command("remove")
@click.argument("address_id", metavar="ADDRESS")
@at_desk
def contact_remove(desk: Desk, address_id: str) -> None:
    """Take an address away, by its id.

    \b
    Example: mainstay contact remove adr_01J…
    """
    desk.answer(desk.client().delete(f"/addresses/{part(address_id)}"))


@contact.command("test")
@click.argument("person")
@click.pass_context
def contact_test(ctx: click.Context, person: str) -> None:
    """Send a test page to every address of a person; fails when none took it.

    \b
    Example: mainstay contact test ana
    """
    desk = desk_of(ctx)
    client = desk.client(timeout_s=SEND_TIMEOUT_S)
    items = client.post(f"/people/{part(person)}/test-page").get("items", [])
    desk.rows(
        items,
        {
            "kind": lambda one: show.clean(one["kind"]),
            "sent": lambda one: Text("✓", "green") if one["sent"] else Text("✗", "bold red"),
            "address": lambda one: show.clean(one["address"]),
            "answer": lambda one: show.clean(one["answer"]),
        },
        empty=f"{person} has no address: mainstay contact add {person} mail …",
    )
    if not any(one["sent"] for one in items):
        ctx.exit(FAILED)


@contact.group()
def rule() -> None:
    """When to use which address: high urgency pages at once, low may wait."""


@rule.command("add")
@click.argument("person")
@click.argument("urgency", type=click.Choice(["high", "low"]))
@click.argument("address_id", metavar="ADDRESS")
@click.option(
    "--after",
    "delay",
    metavar="5m",
    default="0m",
    show_default=True,
    help="Counted from when the page is due.",
)
@at_desk
def rule_add(desk: Desk, person: str, urgency: str, address_id: str, delay: str) -> None:
    """Use ADDRESS for pages of this urgency, so long after their start.

    \b
    Example: mainstay contact rule add ana high adr_01J… --after 5m
    """
    try:
        delay_s = int(duration(delay).total_seconds())
    except ValueError as error:
        raise Invalid(f"--after: {error}.") from None
    body = {"urgency": urgency, "delay_s": delay_s, "address": address_id}
    desk.answer(desk.client().post(f"/people/{part(person)}/rules", body))


@rule.command("remove")
@click.argument("rule_id", metavar="RULE")
@at_desk
def rule_remove(desk: Desk, rule_id: str) -> None:
    """Take a rule away, by its id.

    \b
    Example: mainstay contact rule remove rul_01J…
    """
    desk.answer(desk.client().delete(f"/rules/{part(rule_id)}"))
