"""People: who is in the estate, in which teams, what they may, whether a page can reach them; tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mainstay import acts, people
from mainstay.acts import commands
from mainstay.console.desk.now.standing import duties
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Form, Showing, Went
from mainstay.foundation.db import Tx


def everybody(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The screen."""
    estate = reader.view.estate
    ways: dict[str, list[str]] = {}
    for one in people.addresses(tx):
        ways.setdefault(one.person, []).append(one.kind)
    on_duty: dict[str, list[str]] = {}
    for duty in duties(reader, tx):
        if duty.person:
            on_duty.setdefault(duty.person, []).append(duty.schedule)
    unreachable = [one.name for name, one in estate.people.items() if name not in ways]
    n = len(estate.people)
    sentence = f"{n} people are declared; a page can reach {n - len(unreachable)} of them."
    rows = [
        {
            "id": name, "name": one.name, "zone": one.timezone or estate.org.timezone,
            "teams": [team for team, t in estate.teams.items() if name in t.members],
            "ways": sorted(set(ways.get(name, []))), "duty": on_duty.get(name, []),
            "roles": [str(grant) for grant in people.roles_of(tx, name)],
        }
        for name, one in estate.people.items()
    ]  # fmt: skip
    may_tokens = reader.may("people.token")
    return {
        "title": "People", "where": "People", "sentence": sentence, "rows": rows,
        "tokens": people.tokens_of(tx) if may_tokens else None, "roles": people.ROLES,
        "teams": list(estate.teams),
    }  # fmt: skip


def make_token(reader: Reader) -> Went:
    """An API token, shown once."""
    command = commands.CreateToken(
        reader.text("person"),
        reader.text("role"),
        reader.text("about"),
        reader.text("team") or None,
    )
    done = reader.act(command)
    return Went("/people", f"{done.sentence}. It is shown once; copy it now.", done.secret)


def revoke(reader: Reader) -> Went:
    """The token opens nothing any more."""
    return Went("/people", reader.act(commands.RevokeToken(reader.query["id"])).sentence)


_SCREEN = Showing("/people", "people.read", everybody, "people.html", here="people")
SHOWINGS = (_SCREEN,)
FORMS = (
    Form("/tokens", acts.PERMISSION[commands.CreateToken], make_token, back=_SCREEN),
    Form("/tokens/{id}/revoke", acts.PERMISSION[commands.RevokeToken], revoke, back=_SCREEN),
)
