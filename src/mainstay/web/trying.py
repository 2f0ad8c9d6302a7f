"""A page to try out whether pages reach somebody: sent to every address, told what each provider said."""

from __future__ import annotations

from dataclasses import dataclass

from mainstay import people
from mainstay.foundation import record
from mainstay.foundation.errors import Invalid, MainstayError
from mainstay.foundation.record import Fact
from mainstay.paging.channels import Page
from mainstay.web.call import Call


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a test page to one address (its id)."""

    address: str
    kind: str
    sent: bool
    answer: str


def to_try(call: Call, person: str) -> tuple[people.Address, ...]:
    """The addresses of a person; Invalid when there is none."""
    found = call.read(lambda tx: people.addresses(tx, person))
    if not found:
        raise Invalid(f"{person} has no address that a page could go to.")
    return found


async def send_test(call: Call, address: people.Address) -> Tried:
    """Hand a test page to the channel of one address. In the loop that the channels live in."""
    key = call.app.ground.ids.new("test", call.now)
    page = Page(
        idempotency_key=key, repeat=False, person=address.person, person_name=address.person,
        incident="TEST", subject="TEST page from Mainstay",
        text=f"{call.actor.id} tries out whether pages reach you here. Nothing is wrong.",
        urgency="low", ack_url=None, reply_code=None, facts={"event": "test"},
    )  # fmt: skip
    outcome = await call.app.send(address, page)
    if isinstance(outcome, MainstayError):
        return Tried(address.id, address.kind, False, outcome.sentence)
    return Tried(address.id, address.kind, True, outcome.words)


def note_tried(call: Call, person: str, tried: list[Tried]) -> str:
    """The sentence, which stands in the record too."""
    sent = sum(one.sent for one in tried)
    words = f"{call.actor.id} sent a test page to {person}: {sent} of {len(tried)} were taken"
    fact = Fact("page.tested", person, words, actor=str(call.actor))
    version = call.view().version
    call.app.db.run(lambda tx: record.write(tx, [fact], now=call.now, estate_version=version))
    return words
