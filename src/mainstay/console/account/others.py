"""The accounts of others: who may sign in, as what, where; invitations and new passwords."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import Response

from mainstay import acts, people, signin
from mainstay.acts import commands
from mainstay.console.answering import show
from mainstay.console.gate import Visit
from mainstay.foundation.errors import MainstayError, Refused

STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "open": ("ok", "may sign in"),
        "invited": ("run", "invited"),
        "none": ("plain", "no account yet"),
        "closed": ("plain", "closed"),
        "left": ("warn", "left the estate"),
    }
)
"""How an account stands → the state that it is drawn in, and its word."""
SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "open": "may sign in.",
        "invited": "is invited, and has not come yet.",
        "none": "has no account yet.",
        "closed": "may no longer sign in.",
        "left": "has left the estate: the account opens nothing.",
    }
)


def everybody(
    visit: Visit, *, done: acts.Done | None = None, problem: MainstayError | None = None
) -> Response:
    """The screen; `done`: what a form of it has just done, with its link."""
    view = visit.call.view()
    listed = visit.call.read(
        lambda tx: signin.listed(tx, declared=view.estate.people, now=visit.now)
    )
    names = {name: one.name for name, one in view.estate.people.items()}
    opened = [one for one in listed if one.state == "open"]
    bare = sum(not one.has_totp for one in opened)
    return show(
        visit, "accounts.html", status=400 if problem else 200, listed_people=listed, names=names,
        title="Who may sign in", here="people", states=STATES,
        sentence=f"{len(opened)} of {len(listed)} people may sign in.",
        more=f"{bare} of them without one-time codes: a stolen password is enough." if bare else "",
        roles=people.ROLES, teams=sorted(view.estate.teams), done=done, problem=problem,
        may_do=_may_do(visit),
    )  # fmt: skip


def _may_do(visit: Visit) -> dict[str, bool]:
    return {name: visit.call.actor.has(name) for name in ("people.account", "people.grant")}


def one(
    visit: Visit, *, done: acts.Done | None = None, problem: MainstayError | None = None
) -> Response:
    """The screen of one person."""
    person, view = visit.path["person"], visit.call.view()
    listed = visit.call.read(
        lambda tx: signin.listed(tx, declared=view.estate.people, now=visit.now, only=person)
    )
    sessions = visit.call.read(lambda tx: signin.live_sessions(tx, person, now=visit.now))
    declared = view.estate.people.get(person)
    found = listed[0] if listed else None
    return show(
        visit, "accounts_one.html", status=400 if problem else 200, person=person,
        name=declared.name if declared else person, listed_one=found, states=STATES,
        title=declared.name if declared else person, here="people",
        sentence=SENTENCES[found.state] if found else "is nobody here.",
        sessions=sessions, roles=people.ROLES, teams=sorted(view.estate.teams), done=done,
        problem=problem, itself=person == visit.session.person, may_do=_may_do(visit),
    )  # fmt: skip


def invite(visit: Visit) -> Response:
    """An account for somebody, by a link that is shown this once."""
    role = visit.text("role") or None
    command = commands.Invite(
        visit.text("person"), role, (visit.text("team") or None) if role else None,
        outside=bool(visit.text("outside")),
    )  # fmt: skip
    try:
        return everybody(visit, done=visit.call.act(command))
    except Refused as error:
        return everybody(visit, problem=error)


def reset(visit: Visit) -> Response:
    """A link for a new password, shown this once."""
    return _did(visit, commands.MakeResetLink(visit.path["person"]))


def grant(visit: Visit) -> Response:
    """One more role."""
    role, team = visit.text("role"), visit.text("team") or None
    return _did(visit, commands.GrantRole(visit.path["person"], role, team, outside=True))


def end_role(visit: Visit) -> Response:
    """One role less."""
    role, team = visit.text("role"), visit.text("team") or None
    return _did(visit, commands.EndRole(visit.path["person"], role, team))


def sign_out(visit: Visit) -> Response:
    """Signed out everywhere."""
    return _did(visit, commands.EndSessions(visit.path["person"]))


def codes_off(visit: Visit) -> Response:
    """For somebody who lost their telephone."""
    return _did(visit, commands.TurnOffTotp(visit.path["person"]))


def close(visit: Visit) -> Response:
    """Nobody signs in to it any more."""
    return _did(visit, commands.CloseAccount(visit.path["person"]))


def _did(visit: Visit, command: acts.Command) -> Response:
    try:
        return one(visit, done=visit.call.act(command))
    except Refused as error:
        return one(visit, problem=error)
