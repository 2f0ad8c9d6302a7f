"""A code to an address, and back: whether it is its owner's. For every door that shows addresses."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool

from mainstay import people
from mainstay.acts import commands
from mainstay.foundation.errors import MainstayError
from mainstay.paging.channels import Page
from mainstay.web.call import Call


async def send_code(call: Call, address_id: str) -> str:
    """Send a fresh code there; what the provider said. Raises what the channel failed with."""
    done = await run_in_threadpool(call.act, commands.BeginProof(address_id))
    address: people.Address = done.value
    page = Page(
        idempotency_key=call.app.ground.ids.new("proof", call.now), repeat=False,
        person=address.person, person_name=address.person, incident="CODE",
        subject=f"Mainstay code {done.secret}",
        text=f"{done.secret} proves to Mainstay that pages reach {address.person} here. If you "
        "did not ask for it, do nothing.",
        urgency="low", ack_url=None, reply_code=None, facts={"event": "code"},
    )  # fmt: skip
    outcome = await call.app.send(address, page)
    if isinstance(outcome, MainstayError):
        raise outcome
    return outcome.words


def prove(call: Call, address_id: str, code: str) -> str:
    """The sentence, once the code fits. A wrong one counts, five are the most."""
    own = None if call.actor.has("people.contact_any") else call.actor.id
    call.app.db.run(lambda tx: people.count_try(tx, address_id, now=call.now, person=own))
    return call.act(commands.ProveAddress(address_id, code)).sentence
