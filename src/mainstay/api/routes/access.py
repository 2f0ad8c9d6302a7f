"""Intake keys and API tokens: made, listed without their secrets, revoked."""

from __future__ import annotations

from pydantic import BaseModel

from mainstay import people, signals
from mainstay.acts import commands
from mainstay.api import asking
from mainstay.api.routes import shapes
from mainstay.api.routes.shapes import At, Listed, Sentence, When
from mainstay.foundation.clock import text_of_us, to_text


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
