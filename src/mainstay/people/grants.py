"""Roles granted: who holds which, for which team, since when, by whom."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Forbidden, Invalid, NotFound
from mainstay.foundation.ids import Ids
from mainstay.foundation.nearest import hint
from mainstay.people import store
from mainstay.people.known import check_known
from mainstay.people.roles import ROLES, Grant
from mainstay.people.store import Held

ADMIN = Grant("admin")
GROUPS = "oidc"
"""The origin of roles that follow groups at the provider of single sign-on."""


def check_grant(grant: Grant, *, teams: Collection[str]) -> None:
    """Invalid for a role that there is not, NotFound for a team that the estate does not declare."""
    if grant.role not in ROLES:
        words = f"There is no role {grant.role!r}{hint(grant.role, ROLES)}; the roles are"
        raise Invalid(f"{words} {', '.join(ROLES)}.", pointer="/role")
    if grant.team is not None:
        check_known(grant.team, teams, what="team")


def grant(
    tx: Tx, ids: Ids, *, person: str, what: Grant, by: str, now: datetime, origin: str = "hand"
) -> Held:
    """The role is theirs from this commit on. Conflict when it is already."""
    row = Held(ids.new("grt", now), person, what, origin, now, by)
    if not store.insert_grant(tx, row):
        raise Conflict(f"{person} is {what} already.")
    return row


def end_grant(tx: Tx, grant_id: str, *, by: str, now: datetime) -> Held:
    """The role is theirs no more. Forbidden for the last administrator: somebody must be able to."""
    row = store.grant_by_id(tx, grant_id)
    if row is None:
        raise NotFound(f"No role {grant_id!r} is held; `mainstay people list` shows them all.")
    if row.what == ADMIN and [one.person for one in holders(tx)] == [row.person]:
        raise Forbidden(
            f"{row.person} is the last administrator. Make somebody else one first: "
            "mainstay people grant PERSON admin"
        )
    store.mark_grant_ended(tx, grant_id, by=by, now=now)
    return row


def follow(
    tx: Tx, ids: Ids, *, person: str, wanted: Collection[Grant], now: datetime
) -> tuple[list[Grant], list[Grant]]:
    """Roles that come from groups are exactly `wanted` from now on: what was given, what taken.

    What was granted by hand stays. The last administrator goes as well, if the groups say so: who
    may read the data folder makes another.
    """
    rows = store.grants(tx, person)
    by_groups = {one.what: one for one in rows if one.origin == GROUPS}
    known = {one.what for one in rows}
    given = [what for what in dict.fromkeys(wanted) if what not in known]
    taken = [what for what in by_groups if what not in wanted]
    for what in given:
        grant(tx, ids, person=person, what=what, by="groups", now=now, origin=GROUPS)
    for what in taken:
        store.mark_grant_ended(tx, by_groups[what].id, by="groups", now=now)
    return given, taken


def held(tx: Tx, person: str | None = None) -> tuple[Held, ...]:
    """The roles that a person (None: everybody) holds now, oldest first."""
    return store.grants(tx, person)


def held_as(tx: Tx, person: str, what: Grant) -> Held | None:
    """The row of one role of a person, if they hold it."""
    return next((one for one in store.grants(tx, person) if one.what == what), None)


def roles_of(tx: Tx, person: str) -> tuple[Grant, ...]:
    """What a person may act as."""
    return tuple(one.what for one in store.grants(tx, person))


def holders(tx: Tx) -> tuple[Held, ...]:
    """Who is administrator of every team."""
    return tuple(one for one in store.grants(tx) if one.what == ADMIN)
