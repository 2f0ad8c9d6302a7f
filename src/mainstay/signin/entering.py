"""Coming in: by name and password, or by a one-time link.

Signing in takes three steps, for the hash is compared between two transactions: `begin` counts the
try and says what to compare with, the door compares, `finish` opens a session or says nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from mainstay import people
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Unknown
from mainstay.foundation.ids import Ids
from mainstay.foundation.record import Fact
from mainstay.foundation.sealing import Ring
from mainstay.people import Actor, Grant
from mainstay.signin import accounts, links, sessions, store, totp, tries
from mainstay.signin.sessions import Opened, Origin
from mainstay.signin.store import Session

WRONG = "The name, the password or the code is not right."
"""Always these words: they do not tell which, nor whether there is such a person."""


@dataclass(frozen=True, slots=True)
class Try:
    """Somebody wants in. `hashed` None: there is no such account, and comparing takes as long."""

    id: str
    person: str
    hashed: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who stands behind a session, and whether they must set up one-time codes before all else."""

    actor: Actor
    session: Session
    has_totp: bool


def begin(tx: Tx, ids: Ids, *, name: str, origin: Origin, now: datetime) -> Try:
    """The try, counted. OverLimit (429) when there were too many."""
    person = name.strip().lower()[: tries.NAME_MAX]
    attempt = tries.begin_try(tx, ids, account=person, source=origin.address, now=now)
    found = store.secrets(tx, person)
    return Try(attempt, person, found.password if found else None)


def finish(
    tx: Tx, ids: Ids, attempt: Try, *, is_right: bool, code: str, origin: Origin,
    declared: Collection[str], ring: Ring, now: datetime,
) -> Opened | tuple[Fact, ...]:  # fmt: skip
    """A session, or the rows of a failure. `is_right`: the password fits `attempt.hashed`."""
    person = attempt.person
    found = store.secrets(tx, person)
    unchanged = found is not None and found.password == attempt.hashed
    if (
        found is None
        or not (is_right and unchanged)
        or not accounts.is_open(tx, person, declared=declared)
        or not totp.passes(tx, person, found, code, ring=ring, now=now)
    ):
        who = person if found is not None else "somebody whom nobody knows"
        words = f"a try to sign in as {who} from {origin.address} failed"
        subject = person if found is not None else "unknown"
        return (Fact("session.refused", subject, words),)
    store.delete_try(tx, attempt.id)
    if person in declared:
        store.mark_declared(tx, person)
    return sessions.open_session(tx, ids, person=person, how="password", origin=origin, now=now)


def end_try(tx: Tx, attempt: Try) -> None:
    """It was no guess: it does not count."""
    store.delete_try(tx, attempt.id)


def visitor(tx: Tx, secret: str, *, declared: Collection[str], now: datetime) -> Visitor | None:
    """Who holds this cookie, with the roles that they hold now; None: nobody."""
    session = sessions.session_of(tx, secret, now=now)
    if session is None or not accounts.is_open(tx, session.person, declared=declared):
        return None
    grants = people.roles_of(tx, session.person)
    actor = Actor("person", session.person, grants, session_id=session.id)
    found = store.secrets(tx, session.person)
    return Visitor(actor, session, found is not None and found.totp is not None)


def come_by_link(
    tx: Tx, ids: Ids, text: str, *, name: str | None, hashed: str, origin: Origin,
    declared: Collection[str], now: datetime,
) -> Opened:  # fmt: skip
    """Spend a one-time link: the account is made, or gets its new password; they are signed in.

    `name`: who they say they are, asked for at the first set-up alone. One-time codes stay: a link
    for a new password does not stand in for a lost telephone.
    """
    link = links.read_link(tx, text, now=now)
    person = accounts.name_of(name or "") if link.person is None else link.person
    if link.kind == "setup" and accounts.has_admin(tx):
        raise Conflict("Mainstay is set up already; an administrator invites further people.")
    if not store.end_link(tx, link.digest, now=now):
        raise Conflict("This link was used a moment ago.")
    who = f"person:{person}"
    accounts.make_account(
        tx, person, hashed=hashed, made_by=link.made_by, declared=declared, now=now
    )
    if not accounts.is_open(tx, person, declared=declared):
        raise Unknown(f"{person} is no longer in the estate.")
    facts = _first_admin(tx, ids, person, now=now) if link.kind == "setup" else ()
    words = f"{person} used a link {links.FOR[link.kind]} and chose a password"
    if link.kind == "reset":
        facts += (Fact("account.password", person, words, actor=who),)
    else:
        facts += (Fact("account.opened", person, words, actor=who),)
    because = "a new password"
    facts += sessions.end_sessions(tx, person, actor=who, because=because, now=now)
    store.delete_tries_of(tx, person)
    opened = sessions.open_session(tx, ids, person=person, how="link", origin=origin, now=now)
    return Opened(opened.session, opened.secret, (*facts, *opened.facts))


def _first_admin(tx: Tx, ids: Ids, person: str, *, now: datetime) -> tuple[Fact, ...]:
    if people.held_as(tx, person, people.ADMIN) is None:
        people.grant(tx, ids, person=person, what=Grant("admin"), by="setup", now=now)
    words = f"{person} is the first administrator, by the set-up link"
    return (Fact("role.granted", person, words, actor="setup"),)
