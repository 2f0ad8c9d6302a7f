"""Who may come in: intake keys, API tokens, and people's accounts, roles and sessions."""

from __future__ import annotations

from pydantic import BaseModel

from mainstay import people, signals, signin
from mainstay.acts import commands
from mainstay.api import asking
from mainstay.api.routes import shapes
from mainstay.api.routes.shapes import At, Listed, Sentence, When
from mainstay.foundation.clock import text_of_us, to_text
from mainstay.web import require


class Key(BaseModel):
    """An intake key, without the key."""

    id: str
    source: str
    created_at: At
    created_by: str
    revoked_at: At | None


class ForSource(shapes.Asked):
    """The source whose signals it lets in."""

    source: str


class KeyMade(Sentence):
    """`key` is shown this once."""

    key: str


class Token(BaseModel):
    """An API token, without the token. `team` null: every team."""

    id: str
    person: str
    role: str
    team: str | None
    about: str
    created_at: At
    expires_at: At | None
    last_used_at: At | None
    revoked_at: At | None


class NewToken(shapes.Asked):
    """Whose it is, what it may do, and what it is for."""

    person: str
    role: str
    about: str
    team: str | None = None
    expires_at: When | None = None


class TokenMade(Sentence):
    """`token` is shown this once; `id` revokes it."""

    id: str
    token: str


def list_keys(call: asking.Asked) -> Listed[Key]:
    """Every intake key, newest first, revoked ones too."""
    found = call.read(signals.list_keys)
    items = [
        Key(id=one.id, source=one.source, created_at=shapes.at(one.created_at_us),
            created_by=one.created_by, revoked_at=text_of_us(one.revoked_at_us))
        for one in found
    ]  # fmt: skip
    return Listed(items=items)


def create_key(call: asking.Asked, body: ForSource) -> KeyMade:
    """A new intake key of a source, shown this once."""
    done = call.act(commands.CreateKey(body.source))
    return KeyMade(sentence=done.sentence, key=done.secret or "")


def revoke_key(call: asking.Asked, id: str) -> Sentence:
    """Revoke a key: it opens nothing any more."""
    return Sentence(sentence=call.act(commands.RevokeKey(id)).sentence)


def list_tokens(call: asking.Asked) -> Listed[Token]:
    """Every API token, oldest first, expired and revoked ones too."""
    found = call.read(people.tokens_of)
    items = [
        Token(id=one.id, person=one.person, role=one.role, team=one.team, about=one.about,
              created_at=to_text(one.created_at),
              expires_at=shapes.text_of(one.expires_at),
              last_used_at=shapes.text_of(one.last_used_at),
              revoked_at=shapes.text_of(one.revoked_at))
        for one in found
    ]  # fmt: skip
    return Listed(items=items)


def create_token(call: asking.Asked, body: NewToken) -> TokenMade:
    """A new API token of a person, shown this once."""
    command = commands.CreateToken(body.person, body.role, body.about, body.team, body.expires_at)
    done = call.act(command)
    return TokenMade(sentence=done.sentence, id=done.subject, token=done.secret or "")


def revoke_token(call: asking.Asked, id: str) -> Sentence:
    """Revoke a token: it opens nothing any more."""
    return Sentence(sentence=call.act(commands.RevokeToken(id)).sentence)


# -- people's accounts -----------------------------------------------------------------------------


class Role(BaseModel):
    """A role that a person holds. `team` null: for every team."""

    role: str
    team: str | None
    since: At
    granted_by: str
    origin: str


class Account(BaseModel):
    """Whether a person may sign in, and as what. `last_seen_at`: of a session that is not over."""

    person: str
    name: str | None
    state: signin.State
    roles: list[Role]
    one_time_codes: bool
    made_at: At | None
    last_seen_at: At | None


class Session(BaseModel):
    """Somebody signed in, at one browser."""

    id: str
    person: str
    how: str
    device: str
    address: str
    made_at: At
    last_seen_at: At


class Invited(shapes.Asked):
    """Who, and as what. `outside`: also if the estate names no such person."""

    person: str
    role: str | None = None
    team: str | None = None
    outside: bool = False


class OneRole(shapes.Asked):
    """Whose, and which. `outside`: also if the estate names no such person."""

    person: str
    role: str
    team: str | None = None
    outside: bool = False


class LinkMade(Sentence):
    """`link` is shown this once; it opens once."""

    link: str


def list_accounts(call: asking.Asked) -> Listed[Account]:
    """Everybody who may sign in, was invited or holds a role, and the estate's people."""
    declared = call.view().estate.people
    found = call.read(lambda tx: signin.listed(tx, declared=declared, now=call.now))
    items = [
        Account(
            person=one.person,
            name=declared[one.person].name if one.person in declared else None,
            state=one.state,
            roles=[_role(role) for role in one.roles],
            one_time_codes=one.has_totp,
            made_at=shapes.text_of(one.made_at),
            last_seen_at=shapes.text_of(one.seen_at),
        )
        for one in found
    ]
    return Listed(items=items)


def invite(call: asking.Asked, body: Invited) -> LinkMade:
    """A one-time link by which somebody makes their account."""
    done = call.act(commands.Invite(body.person, body.role, body.team, body.outside))
    return LinkMade(sentence=done.sentence, link=done.secret or "")


def reset(call: asking.Asked, id: str) -> LinkMade:
    """A one-time link for a new password."""
    done = call.act(commands.MakeResetLink(id))
    return LinkMade(sentence=done.sentence, link=done.secret or "")


def close_account(call: asking.Asked, id: str) -> Sentence:
    """Nobody signs in to it any more."""
    return Sentence(sentence=call.act(commands.CloseAccount(id)).sentence)


def turn_off_codes(call: asking.Asked, id: str) -> Sentence:
    """Sign in without one-time codes again: for somebody who lost their telephone."""
    return Sentence(sentence=call.act(commands.TurnOffTotp(id)).sentence)


def grant_role(call: asking.Asked, body: OneRole) -> Sentence:
    """One more role; their sessions end."""
    command = commands.GrantRole(body.person, body.role, body.team, body.outside)
    return Sentence(sentence=call.act(command).sentence)


def end_role(call: asking.Asked, id: str, role: str, team: str | None = None) -> Sentence:
    """One role less; their sessions end. `team` left out: the role for every team."""
    return Sentence(sentence=call.act(commands.EndRole(id, role, team)).sentence)


def list_sessions(call: asking.Asked, person: str | None = None) -> Listed[Session]:
    """One's own sessions; who may review them sees everybody's, or one person's."""
    if not call.actor.has("people.review"):
        if person not in (None, call.actor.id):
            require(call, "people.review", what="GET /mainstay/v1/sessions")
        person = call.actor.id
    found = call.read(lambda tx: signin.live_sessions(tx, person, now=call.now))
    items = [
        Session(id=one.id, person=one.person, how=one.how, device=one.device, address=one.address,
                made_at=to_text(one.made_at), last_seen_at=to_text(one.seen_at))
        for one in found
    ]  # fmt: skip
    return Listed(items=items)


def end_session(call: asking.Asked, id: str) -> Sentence:
    """Signed out there; one's own, or anybody's for who may."""
    return Sentence(sentence=call.act(commands.EndSession(id)).sentence)


def end_sessions(call: asking.Asked, id: str) -> Sentence:
    """Signed out everywhere; oneself, or anybody for who may."""
    return Sentence(sentence=call.act(commands.EndSessions(id)).sentence)


def _role(one: people.Held) -> Role:
    return Role(role=one.what.role, team=one.what.team, since=to_text(one.granted_at),
                granted_by=one.granted_by, origin=one.origin)  # fmt: skip
