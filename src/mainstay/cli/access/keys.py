"""Who may send signals, and which programs may ask: intake keys and API tokens."""

from __future__ import annotations

from collections.abc import Callable

import click

from mainstay import acts
from mainstay.acts import commands
from mainstay.cli import show
from mainstay.cli.client import Json, part
from mainstay.cli.desk import Desk, Verbs, at_desk
from mainstay.cli.install import act_here
from mainstay.foundation.clock import to_text
from mainstay.foundation.errors import Unreachable
from mainstay.people import ROLES

LOCAL = click.option("--local", is_flag=True, help="On the database here, without the server.")
verbs = Verbs("keys")


# -- what is shown once ----------------------------------------------------------------------------


def make(
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


def hand_over(desk: Desk, secret: str, where: str, *, name: str, use: str) -> None:
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
    secret, where = make(
        desk,
        commands.CreateKey(source),
        local=local,
        ask=lambda: desk.client().post("/keys", {"source": source}),
        name="key",
    )
    use = "Prometheus and Alertmanager send it as a bearer token, PagerDuty's as routing_key."
    hand_over(desk, secret, where, name="key", use=use)


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
    secret, where = make(
        desk,
        commands.CreateToken(person, role, about, team, at),
        local=local,
        ask=lambda: desk.client().post("/tokens", body),
        name="token",
    )
    hand_over(desk, secret, where, name="token", use="Put it into MAINSTAY_TOKEN.")


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
