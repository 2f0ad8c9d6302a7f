"""API tokens: shown once, stored as a digest, limited to a role and perhaps a team."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mainstay.foundation.clock import to_text
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Invalid, NotFound
from mainstay.foundation.ids import Ids
from mainstay.foundation.nearest import hint
from mainstay.foundation.secrets import TOKEN_PREFIX, digest, new_token
from mainstay.people import store
from mainstay.people.grants import roles_of
from mainstay.people.known import check_known
from mainstay.people.roles import ROLES, Actor, Grant
from mainstay.people.store import Token

TOUCH_EVERY = timedelta(minutes=1)
"""How exact `last_used_at` is: a write for each request would be one fsync for each request."""
ABOUT_MAX = 200


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made. `secret` is shown once, and is nowhere else."""

    token: Token
    secret: str = field(repr=False)


def create_token(
    tx: Tx,
    ids: Ids,
    *,
    person: str,
    role: str,
    about: str,
    people: Collection[str],
    now: datetime,
    team: str | None = None,
    teams: Collection[str] = (),
    expires_at: datetime | None = None,
) -> NewToken:
    """A new token of `person`. `people`, `teams`: the ids that the estate declares.

    NotFound for a person or team that it does not, Invalid for the rest; the words say what fits.
    """
    check_known(person, people, what="person")
    if role not in ROLES:
        words = f"There is no role {role!r}{hint(role, ROLES)}; the roles are {', '.join(ROLES)}."
        raise Invalid(words, pointer="/role")
    if team is not None:
        check_known(team, teams, what="team")
    if not about.strip() or len(about) > ABOUT_MAX:
        words = f"Say in 1 to {ABOUT_MAX} characters what the token is for, so that it can be found"
        raise Invalid(f"{words} again when it must go.", pointer="/about")
    if expires_at is not None and expires_at <= now:
        words = f"The token would have expired at {to_text(expires_at)}; choose a time to come."
        raise Invalid(words, pointer="/expires_at")
    secret = new_token()
    token = Token(ids.new("tok", now), person, role, team, about.strip(), now, expires_at)
    store.insert_token(tx, token, digest=digest(secret))
    return NewToken(token, secret)


def verify_token(
    tx: Tx, secret: str, *, now: datetime, people: Collection[str] | None = None
) -> Actor | None:
    """The person behind a token, or None: not ours, expired, revoked, or its person has left.

    A token of somebody who was ever granted a role gives no more than they hold now. `people`: the
    ids that the estate declares now; None leaves that out. The look-up is by digest,
    so its time tells nothing about the token.
    """
    if not secret.startswith(TOKEN_PREFIX):
        return None
    token = store.token_by_digest(tx, digest(secret))
    if token is None or token.revoked_at is not None:
        return None
    if token.expires_at is not None and token.expires_at <= now:
        return None
    if people is not None and token.person not in people:
        return None
    own = (Grant(token.role, token.team),)
    ceiling = roles_of(tx, token.person) if store.ever_granted(tx, token.person) else None
    return Actor("person", token.person, own, ceiling=ceiling, token_id=token.id)


def is_stale(tx: Tx, token_id: str, *, now: datetime) -> bool:
    """Whether `touch_token` would write; a read, so that most requests need no write at all."""
    token = store.token_by_id(tx, token_id)
    if token is None:
        return False
    return token.last_used_at is None or token.last_used_at < now - TOUCH_EVERY


def touch_token(tx: Tx, token_id: str, *, now: datetime) -> bool:
    """Note that the token was used; True when written, at most once a minute."""
    return store.mark_used(tx, token_id, now=now, unless_since=now - TOUCH_EVERY)


def revoke_token(tx: Tx, token_id: str, *, now: datetime) -> Token:
    """The token, as it was; from this commit on nobody can use it.

    NotFound for an unknown id, Conflict when it was revoked before.
    """
    token = store.token_by_id(tx, token_id)
    if token is None:
        words = f"There is no token {token_id!r}; `mainstay token list` shows them all."
        raise NotFound(words)
    if not store.mark_revoked(tx, token_id, now=now):
        at = f" at {to_text(token.revoked_at)}" if token.revoked_at else ""
        raise Conflict(f"Token {token_id} of {token.person} was already revoked{at}.")
    return token
