"""People, where they can be reached and in which order, and a page to try it out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from mainstay import people, web
from mainstay.acts import commands
from mainstay.api import asking
from mainstay.api.routes import shapes
from mainstay.api.routes.shapes import Listed, Sentence
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import NotFound
from mainstay.web import Call, prove, require, send_code


class Person(BaseModel):
    """Somebody whom the estate declares."""

    id: str
    name: str
    timezone: str
    teams: list[str]


class Address(BaseModel):
    """Where a person can be reached; masked for those who may not see it."""

    id: str
    kind: str
    address: str
    secret: str | None = None
    good: bool = True
    """False: its owner set it and has not proved it yet; it is paged only if there is no other."""
    verified: bool = False


class Rule(BaseModel):
    """Use `address` (an id) this many seconds after a page of this urgency is due."""

    id: str
    urgency: str
    delay_s: int
    address: str


class Contacts(BaseModel):
    """All of one person."""

    addresses: list[Address]
    rules: list[Rule]


class NewAddress(shapes.Asked):
    """`secret`: where a secret for this address is (`env:NAME`, `file:/path`), never one itself.

    Only who may `people.secret` names one: what it points to is sent to the address.
    """

    kind: str
    address: str
    secret: str | None = None


class NewRule(shapes.Asked):
    """When to use which address (an id)."""

    urgency: people.Urgency
    delay_s: Annotated[int, Field(ge=0, le=86_400)]
    address: str


class AddressMade(Sentence):
    """The new address."""

    address: Address


class RuleMade(Sentence):
    """The new rule."""

    rule: Rule


class Tried(BaseModel):
    """What became of a test page to one address."""

    address: str
    kind: str
    sent: bool
    answer: str


def list_people(call: asking.Asked) -> Listed[Person]:
    """Everybody whom the estate declares."""
    declared = call.view().estate
    found = [
        Person(
            id=name,
            name=person.name,
            timezone=person.timezone or declared.org.timezone,
            teams=[team for team, one in declared.teams.items() if name in one.members],
        )
        for name, person in declared.people.items()
    ]
    return Listed(items=found)


def get_contacts(call: asking.Asked, id: str) -> Contacts:
    """Where one person is reached, and in which order."""
    _known(call, id)
    open_to = call.actor.id == id or call.actor.has("people.contact_any")
    shown = str if open_to else people.masked

    def look(tx: Tx) -> Contacts:
        return Contacts(
            addresses=[
                Address(id=one.id, kind=one.kind, address=shown(one.address),
                        secret=one.secret if open_to else None,
                        good=people.is_good(one), verified=one.verified_at is not None)
                for one in people.addresses(tx, id)
            ],
            rules=[_rule(one) for one in people.rules(tx, id)],
        )  # fmt: skip

    return call.read(look)


def add_address(call: asking.Asked, id: str, body: NewAddress) -> AddressMade:
    """A new address for somebody."""
    done = call.act(commands.AddAddress(id, body.kind, body.address, body.secret))
    row: people.Address = done.value
    made = Address(id=row.id, kind=row.kind, address=row.address, secret=row.secret,
                   good=people.is_good(row))  # fmt: skip
    return AddressMade(sentence=done.sentence, address=made)


class Code(shapes.Asked):
    """What arrived at the address."""

    code: Annotated[str, Field(max_length=40)]


async def send_proof(request: Request, id: str) -> Sentence:
    """Send a code to an address, so that its owner can prove it."""
    said = await send_code(asking.call_of(request), id)
    return Sentence(sentence=f"A code is on its way: {said}")


def prove_address(call: asking.Asked, id: str, body: Code) -> Sentence:
    """It is its owner's: this is the code that arrived there."""
    return Sentence(sentence=prove(call, id, body.code))


def remove_address(call: asking.Asked, id: str) -> Sentence:
    """Remove an address; the rules that use it go with it."""
    return Sentence(sentence=call.act(commands.RemoveAddress(id)).sentence)


def add_rule(call: asking.Asked, id: str, body: NewRule) -> RuleMade:
    """A new rule: when to use which address."""
    done = call.act(commands.AddRule(id, body.urgency, body.delay_s, body.address))
    return RuleMade(sentence=done.sentence, rule=_rule(done.value))


def remove_rule(call: asking.Asked, id: str) -> Sentence:
    """Remove a rule."""
    return Sentence(sentence=call.act(commands.RemoveRule(id)).sentence)


async def send_test_page(request: Request, id: str) -> Listed[Tried]:
    """Send a test page to every address of a person, and tell what each provider said."""
    call = asking.call_of(request)
    known = await run_in_threadpool(_addresses, call, id)
    tried = [await web.send_test(call, one) for one in known]
    await run_in_threadpool(web.note_tried, call, id, tried)
    return Listed(items=[Tried(**asdict(one)) for one in tried])


def _addresses(call: Call, person: str) -> tuple[people.Address, ...]:
    if call.actor.id != person:
        what = "POST /mainstay/v1/people/{id}/test-page"
        require(call, "people.contact_any", what=what)
    _known(call, person)
    return web.to_try(call, person)


def _known(call: Call, person: str) -> None:
    if person not in call.view().estate.people:
        raise NotFound(f"The estate has no person {person!r}.")


def _rule(row: people.Rule) -> Rule:
    return Rule(id=row.id, urgency=row.urgency, delay_s=row.delay_s, address=row.address)
