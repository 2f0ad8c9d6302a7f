"""Accounts: who may sign in. An account belongs to a person, and knows no other name for them.

The estate declares people; an account may also be made for somebody whom it does not name: the
first administrator comes before any estate, an auditor is on no team. Once the estate has named
them, leaving it closes the account to them, as it does their tokens.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mainstay import people
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid, NotFound
from mainstay.foundation.record import Fact
from mainstay.people import Held
from mainstay.signin import sessions, store
from mainstay.signin.store import Account

State = Literal["open", "invited", "none", "closed", "left"]
"""`left`: the estate has named them and no longer does."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


def name_of(text: str) -> str:
    """A person's id as typed into a form; Invalid when it cannot be one."""
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        words = "A name here is the person's id in the estate: small letters, digits, - _ and ."
        raise Invalid(words, pointer="/person")
    return name


def make_account(
    tx: Tx, person: str, *, hashed: str | None, made_by: str, declared: Collection[str],
    now: datetime,
) -> None:  # fmt: skip
    """The account of a person, if they have none, and its password. `declared`: the estate's people."""
    found = store.account(tx, person)
    if found is None or found.closed_at is not None:
        row = Account(person, person in declared, False, False, now, made_by)
        store.insert_account(tx, row)
    if hashed is not None:
        store.write_password(tx, person, hashed, now=now)


def is_open(tx: Tx, person: str, *, declared: Collection[str]) -> bool:
    """Whether the account opens anything now. `declared`: the estate's people."""
    found = store.account(tx, person)
    if found is None or found.closed_at is not None:
        return False
    return person in declared or not found.declared


def close_account(tx: Tx, person: str, *, actor: str, now: datetime) -> Fact:
    """Nobody signs in to it any more, and its secrets are gone. NotFound when there is none."""
    if not store.close_account(tx, person, now=now):
        raise NotFound(f"{person} has no account; `mainstay people list` shows who has.")
    return Fact("account.closed", person, f"{actor} closed the account of {person}", actor=actor)


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the access review. `seen_at`: of a session that is not over."""

    person: str
    state: State
    roles: tuple[Held, ...]
    has_totp: bool
    made_at: datetime | None
    seen_at: datetime | None


def listed(
    tx: Tx, *, declared: Collection[str], now: datetime, only: str | None = None
) -> list[Listed]:
    """Everybody who may sign in, was invited or holds a role, and the estate's people; or one."""
    found = {one.person: one for one in store.all_accounts(tx)}
    invited = store.invited(tx, now=now)
    held: dict[str, tuple[Held, ...]] = {}
    for one in people.held(tx):
        held[one.person] = (*held.get(one.person, ()), one)
    seen: dict[str, datetime] = {}
    for session in sessions.live_sessions(tx, now=now):
        seen[session.person] = max(session.seen_at, seen.get(session.person, session.seen_at))
    everybody = sorted({*declared, *found, *held, *invited})
    return [
        Listed(
            person,
            _state(found.get(person), invited=person in invited, declared=person in declared),
            held.get(person, ()),
            person in found and found[person].has_totp,
            found[person].made_at if person in found else None,
            seen.get(person),
        )
        for person in everybody
        if only in (None, person)
    ]


def _state(found: Account | None, *, invited: bool, declared: bool) -> State:
    if found is not None and found.closed_at is None:
        return "open" if declared or not found.declared else "left"
    if invited:
        return "invited"
    return "none" if found is None else "closed"


def has_admin(tx: Tx) -> bool:
    """Whether somebody with an account administers this install: then set-up is over."""
    found = (store.account(tx, one.person) for one in people.holders(tx))
    return any(one is not None and one.closed_at is None for one in found)
