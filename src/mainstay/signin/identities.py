"""Coming in by single sign-on: which person a provider speaks of, and which roles follow from it.

The first sign-in ties the provider's lasting id (`sub`) to the person; from then on that tie counts
and no name does, so that a name that is given to somebody else there opens nothing here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mainstay import people
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Forbidden
from mainstay.foundation.ids import Ids
from mainstay.foundation.record import Fact
from mainstay.foundation.sealing import Ring
from mainstay.people import Grant
from mainstay.signin import accounts, sessions, store
from mainstay.signin.sessions import Opened, Origin

MAIL = "mail"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider says, verified. `name`: the claim that the settings take for the person.

    `is_address`: that is a mail address, which counts only if the provider has verified it.
    `hint`: the ID token, to sign out there.
    """

    issuer: str
    subject: str
    name: str
    is_address: bool
    is_verified: bool
    groups: tuple[str, ...]
    hint: str = field(repr=False)


def come_by_provider(
    tx: Tx, ids: Ids, claims: Claims, *, roles: Mapping[str, tuple[Grant, ...]], origin: Origin,
    declared: Collection[str], teams: Collection[str], ring: Ring, now: datetime,
) -> Opened:  # fmt: skip
    """A session for whoever the provider speaks of. Forbidden when that is nobody here.

    `roles`: group → the roles that its members have. Whoever the estate names needs no invitation;
    who was invited from outside comes in too. Roles that were given by hand are not touched.
    """
    person = _person(tx, claims, declared=declared)
    who = f"person:{person}"
    if store.identity(tx, issuer=claims.issuer, subject=claims.subject) is None:
        store.insert_identity(
            tx, issuer=claims.issuer, subject=claims.subject, person=person, now=now
        )
    accounts.make_account(tx, person, hashed=None, made_by=who, declared=declared, now=now)
    if not accounts.is_open(tx, person, declared=declared):
        raise Forbidden(f"{person} is no longer in the estate.")
    if person in declared:
        store.mark_declared(tx, person)
    wanted = [
        one for group in claims.groups for one in roles.get(group, ())
        if one.team is None or one.team in teams
    ]  # fmt: skip
    facts: tuple[Fact, ...] = ()
    if roles:
        facts = _follow(tx, ids, person, wanted, now=now)
    opened = sessions.open_session(tx, ids, person=person, how="oidc", origin=origin, now=now)
    session = opened.session.id
    store.write_hint(tx, session, ring.seal(tx, claims.hint, store.hint_cell(session)))
    return Opened(opened.session, opened.secret, (*facts, *opened.facts))


def _person(tx: Tx, claims: Claims, *, declared: Collection[str]) -> str:
    tied = store.identity(tx, issuer=claims.issuer, subject=claims.subject)
    if tied is not None:
        return tied
    person = _by_address(tx, claims) if claims.is_address else claims.name.strip().lower()
    invited = store.account(tx, person)
    is_open = invited is not None and invited.closed_at is None
    if not person or (person not in declared and not is_open):
        raise Forbidden(
            f"The provider calls you {claims.name[:100]!r}, and nobody is called so here. "
            "An administrator names you in the estate, or invites you."
        )
    if store.is_tied(tx, issuer=claims.issuer, person=person):
        raise Forbidden(
            f"{person} signs in as somebody else at this provider. If that has changed, an "
            "administrator closes the account, and you come in anew."
        )
    return person


def _by_address(tx: Tx, claims: Claims) -> str:
    """Whose mail address it is; nobody's unless the provider has verified it, and it is one's."""
    if not claims.is_verified:
        raise Forbidden("The provider has not verified your mail address; it does not count here.")
    wanted = claims.name.strip().lower()
    found = {
        one.person for one in people.addresses(tx)
        if one.kind == MAIL and one.address.lower() == wanted
    }  # fmt: skip
    return found.pop() if len(found) == 1 else ""


def _follow(
    tx: Tx, ids: Ids, person: str, wanted: Collection[Grant], *, now: datetime
) -> tuple[Fact, ...]:
    """Roles that follow groups are what the groups say now."""
    given, taken = people.follow(tx, ids, person=person, wanted=wanted, now=now)
    facts = [
        Fact("role.granted", person, f"{person} is {one}, by a group at the provider")
        for one in given
    ]
    facts += [
        Fact("role.ended", person, f"{person} is no longer {one}: no group at the provider says so")
        for one in taken
    ]
    if facts:
        because = "other roles"
        who = f"person:{person}"
        facts += sessions.end_sessions(tx, person, actor=who, because=because, now=now)
    return tuple(facts)
