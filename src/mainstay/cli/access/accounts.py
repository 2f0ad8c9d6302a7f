"""People at the console: who may sign in, as what, and where they are signed in."""

from __future__ import annotations

import click

from mainstay.acts import commands
from mainstay.cli import show
from mainstay.cli.access.keys import LOCAL, hand_over, make
from mainstay.cli.client import Json, part
from mainstay.cli.desk import Desk, Verbs, at_desk
from mainstay.cli.install import act_here
from mainstay.foundation.errors import Invalid
from mainstay.people import ROLES

TEAM = click.option("--team", help="For this team alone.")
OUTSIDE = click.option("--outside", is_flag=True, help="Also if the estate names no such person.")
ROLE = click.Choice(ROLES)
verbs = Verbs("accounts")


@verbs.group()
def people() -> None:
    """Who may sign in to the console, and as what."""


@people.command("list")
@at_desk
def people_list(desk: Desk) -> None:
    """Everybody: whether they may sign in, and their roles.

    \b
    Example: mainstay people list
    """
    look = desk.look
    desk.rows(
        desk.client().items("/accounts"),
        {
            "person": lambda one: show.clean(one["person"]),
            "account": lambda one: show.clean(one["state"]),
            "roles": lambda one: show.clean(_roles(one["roles"])),
            "codes": lambda one: "yes" if one["one_time_codes"] else "",
            "last seen": lambda one: look.when(one.get("last_seen_at")),
            "name": lambda one: show.clean(one.get("name")),
        },
        empty="Nobody yet: mainstay people invite PERSON --role admin",
    )


def _roles(roles: list[Json]) -> str:
    return ", ".join(f"{r['role']} of {r['team']}" if r["team"] else r["role"] for r in roles)


@people.command("invite")
@click.argument("person")
@click.option("--role", type=ROLE, help="Give them this role as well.")
@TEAM
@OUTSIDE
@LOCAL
@at_desk
def people_invite(
    desk: Desk, person: str, role: str | None, team: str | None, outside: bool, local: bool
) -> None:
    """A one-time link by which somebody makes their account; shown once.

    \b
    Example: mainstay people invite ana --role responder --team payops
    """
    if team and not role:
        raise Invalid("--team limits a role; say --role too.")
    body: dict[str, object] = {"person": person, "outside": outside}
    body |= {"role": role} if role else {}
    body |= {"team": team} if team else {}
    link, where = make(
        desk,
        commands.Invite(person, role, team, outside),
        local=local,
        ask=lambda: desk.client().post("/accounts", body),
        name="link",
    )
    hand_over(desk, link, where, name="link", use=f"Send it to {person}; it opens for three days.")


@people.command("reset")
@click.argument("person")
@LOCAL
@at_desk
def people_reset(desk: Desk, person: str, local: bool) -> None:
    """A one-time link for a new password; shown once.

    \b
    Example: mainstay people reset ana
    """
    link, where = make(
        desk,
        commands.MakeResetLink(person),
        local=local,
        ask=lambda: desk.client().post(f"/accounts/{part(person)}/reset"),
        name="link",
    )
    hand_over(desk, link, where, name="link", use=f"Send it to {person}; it opens for two hours.")


@people.command("grant")
@click.argument("person")
@click.argument("role", type=ROLE)
@TEAM
@OUTSIDE
@at_desk
def people_grant(desk: Desk, person: str, role: str, team: str | None, outside: bool) -> None:
    """Give somebody a role; their sessions end.

    \b
    Example: mainstay people grant ana lead --team payops
    """
    body: dict[str, object] = {"person": person, "role": role, "outside": outside}
    body |= {"team": team} if team else {}
    desk.answer(desk.client().post("/roles", body))


@people.command("revoke")
@click.argument("person")
@click.argument("role", type=ROLE)
@TEAM
@at_desk
def people_revoke(desk: Desk, person: str, role: str, team: str | None) -> None:
    """Take a role from somebody; their sessions end.

    \b
    Example: mainstay people revoke ana lead --team payops
    """
    desk.answer(desk.client().delete(f"/people/{part(person)}/roles/{part(role)}", team=team))


@people.command("close")
@click.argument("person")
@at_desk
def people_close(desk: Desk, person: str) -> None:
    """Close an account: nobody signs in to it any more.

    \b
    Example: mainstay people close ana
    """
    desk.answer(desk.client().delete(f"/accounts/{part(person)}"))


@people.command("codes-off")
@click.argument("person")
@at_desk
def people_codes_off(desk: Desk, person: str) -> None:
    """Turn off one-time codes, for somebody who lost their telephone.

    \b
    Example: mainstay people codes-off ana
    """
    desk.answer(desk.client().delete(f"/accounts/{part(person)}/codes"))


@people.command("sessions")
@click.argument("person", required=False)
@at_desk
def people_sessions(desk: Desk, person: str | None) -> None:
    """Who is signed in, where, since when.

    \b
    Example: mainstay people sessions ana
    """
    look = desk.look
    desk.rows(
        desk.client().items("/sessions", person=person),
        {
            "session": lambda one: show.clean(one["id"]),
            "person": lambda one: show.clean(one["person"]),
            "device": lambda one: show.clean(one["device"]),
            "address": lambda one: show.clean(one["address"]),
            "by": lambda one: show.clean(one["how"]),
            "since": lambda one: look.when(one.get("made_at")),
            "last seen": lambda one: look.when(one.get("last_seen_at")),
        },
        empty="Nobody is signed in.",
    )


@people.command("sign-out")
@click.argument("person")
@click.option("--session", metavar="SESSION", help="Only this one of their sessions.")
@at_desk
def people_sign_out(desk: Desk, person: str, session: str | None) -> None:
    """End somebody's sessions, or one of them.

    \b
    Example: mainstay people sign-out ana
    """
    path = f"/sessions/{part(session)}" if session else f"/accounts/{part(person)}/sessions"
    desk.answer(desk.client().delete(path))


@verbs.command("setup-link")
@at_desk
def setup_link(desk: Desk) -> None:
    """A new one-time link for the first administrator, while there is none; shown once.

    \b
    Example: mainstay setup-link
    """
    done = act_here(desk, commands.MakeSetupLink())
    use = "Open it within 30 minutes. Earlier ones open nothing any more."
    hand_over(desk, str(done.secret), "database", name="link", use=use)
