"""Who can be reached where, who may send signals, and who may ask: contacts, keys, tokens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import click
from rich.text import Text

from mainstay import acts
from mainstay.acts import commands
from mainstay.cli import show
from mainstay.cli.client import Json, part
from mainstay.cli.desk import FAILED, Desk, Verbs, at_desk, desk_of
from mainstay.cli.install import act_here
from mainstay.foundation.clock import to_text
from mainstay.foundation.errors import Invalid, Unreachable
from mainstay.foundation.spans import duration
from mainstay.people import ROLES

SEND_TIMEOUT_S = 60.0
"""A test page waits for each provider's answer."""
LOCAL = click.option("--local", is_flag=True, help="On the database here, without the server.")
verbs = Verbs("access")


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    for command in (contact, key, token):
        group.add_command(command)


# -- contacts --------------------------------------------------------------------------------------


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
        (show.clean(one["id"]), show.clean(one["kind"]), show.clean(one["address"]))
        for one in found["addresses"]
    ]
    show.table(desk.out, ["address", "kind", "where"], rows)
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


# -- what is shown once ----------------------------------------------------------------------------


def _make(
    desk: Desk, command: acts.Command, *, local: bool, ask: Callable[[], Json], name: str
) -> tuple[str, str]:
    """The new secret and where it was made: by the server, or here when none answers."""
    named = desk.url or desk.environment.get("MAINSTAY_URL")
    if not local:
        try:
            return str(ask()[name]), "server"
        except Unreachable:
            if named:
                raise
    done = act_here(desk, command)
    return str(done.secret), "database"


def _hand_over(desk: Desk, secret: str, where: str, *, name: str, use: str) -> None:
    """The secret alone on its line, so that it can be copied; what to do with it on stderr."""
    if desk.dump({name: secret, "made_on": where}):
        return
    desk.out.file.write(f"{secret}\n")
    by = "" if where == "server" else "; no server was asked, it reads it at its next start"
    click.echo(f"This is shown once{by}. {use}", err=True)


@verbs.group()
def key() -> None:
    """Intake keys: which source may send."""


@key.command("create")
@click.argument("source")
@LOCAL
@at_desk
def key_create(desk: Desk, source: str, local: bool) -> None:
    """A new key for a source; shown once.

    \b
    Example: mainstay key create prometheus
    """
    secret, where = _make(
        desk,
        commands.CreateKey(source),
        local=local,
        ask=lambda: desk.client().post("/keys", {"source": source}),
        name="key",
    )
    use = "Prometheus and Alertmanager send it as a bearer token, PagerDuty's as routing_key."
    _hand_over(desk, secret, where, name="key", use=use)


@key.command("list")
@at_desk
def key_list(desk: Desk) -> None:
    """Keys and their sources; never the key itself.

    \b
    Example: mainstay key list
    """
    look = desk.look
    desk.rows(
        desk.client().items("/keys"),
        {
            "key": lambda one: show.clean(one["id"]),
            "source": lambda one: show.clean(one["source"]),
            "made": lambda one: look.when(one.get("created_at")),
            "by": lambda one: show.clean(one.get("created_by")),
            "revoked": lambda one: look.when(one.get("revoked_at")),
        },
        empty="No keys yet: mainstay key create SOURCE",
    )


@key.command("revoke")
@click.argument("key_id", metavar="KEY")
@at_desk
def key_revoke(desk: Desk, key_id: str) -> None:
    """The key opens nothing any more.

    \b
    Example: mainstay key revoke key_01J…
    """
    desk.answer(desk.client().delete(f"/keys/{part(key_id)}"))


@verbs.group()
def token() -> None:
    """API tokens: who may ask, and what."""


@token.command("create")
@click.argument("person")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    default="responder",
    show_default=True,
    help="What it may do.",
)
@click.option("--about", required=True, help="What it is for, so that it is found again.")
@click.option("--team", help="Only for this team's services.")
@click.option("--expires", metavar="TIME", help="+90d, 2027-01-01 …")
@LOCAL
@at_desk
def token_create(
    desk: Desk,
    person: str,
    role: str,
    about: str,
    team: str | None,
    expires: str | None,
    local: bool,
) -> None:
    """A new token of a person; shown once.

    \b
    Example: mainstay token create ana --role lead --about "ana's laptop" --expires +90d
    """
    at = desk.time(expires) if expires else None
    body: dict[str, object] = {"person": person, "role": role, "about": about}
    body |= {"team": team} if team else {}
    body |= {"expires_at": to_text(at)} if at else {}
    secret, where = _make(
        desk,
        commands.CreateToken(person, role, about, team, at),
        local=local,
        ask=lambda: desk.client().post("/tokens", body),
        name="token",
    )
    _hand_over(desk, secret, where, name="token", use="Put it into MAINSTAY_TOKEN.")


@token.command("list")
@at_desk
def token_list(desk: Desk) -> None:
    """Tokens and whose they are; never the token itself.

    \b
    Example: mainstay token list
    """
    look = desk.look
    desk.rows(
        desk.client().items("/tokens"),
        {
            "token": lambda one: show.clean(one["id"]),
            "person": lambda one: show.clean(one["person"]),
            "role": lambda one: show.clean(one["role"]),
            "team": lambda one: show.clean(one.get("team")),
            "last used": lambda one: look.when(one.get("last_used_at")),
            "expires": lambda one: look.when(one.get("expires_at")),
            "revoked": lambda one: look.when(one.get("revoked_at")),
            "about": lambda one: show.clean(one.get("about")),
        },
        empty="No tokens yet: mainstay token create PERSON --about …",
    )


@token.command("revoke")
@click.argument("token_id", metavar="TOKEN")
@at_desk
def token_revoke(desk: Desk, token_id: str) -> None:
    """The token opens nothing any more.

    \b
    Example: mainstay token revoke tok_01J…
    """
    desk.answer(desk.client().delete(f"/tokens/{part(token_id)}"))
