"""One's own settings: where pages go and in which order, a page to try it, how screens look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mainstay import paging, people
from mainstay.acts import commands
from mainstay.console.desk.now.today import next_shift
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Form, Showing, Went
from mainstay.foundation import record
from mainstay.foundation.clock import from_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid
from mainstay.foundation.secrets import digest
from mainstay.paging.channels import Push
from mainstay.web import prove

RINGS = {
    "ntfy": "Give the Mainstay topic an urgent priority channel, and let it pass Do Not Disturb.",
    "sms": "Save the sending number as a contact and let that contact pass Do Not Disturb.",
    "push": "Let notifications of this site sound, and pass Do Not Disturb, in the phone's settings.",
    "mail": "Mail rarely rings at night: have another way beside it.",
    "slack": "Slack obeys its own Do Not Disturb: have another way beside it.",
    "webhook": "What the other side does with it decides whether anything rings.",
}
"""What each way needs so that it rings on a muted phone."""


def own(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The screen."""
    me = reader.actor.id
    addresses = people.addresses(tx, me)
    rules = people.rules(tx, me)
    plan = {urgency: people.plan_for(tx, me, urgency) for urgency in ("high", "low")}
    tested = next(
        (row for row in record.by_subject(tx, me)[::-1] if row["kind"] == "page.tested"), None
    )
    known = me in reader.view.estate.people
    if not known:
        sentence = "You are not in the estate, so no page is ever for you."
    elif addresses:
        sentence = (
            f"A page reaches you by {', then '.join(dict.fromkeys(one.kind for one in addresses))}."
        )
    else:
        sentence = "No page can reach you: add an address."
    return {
        "title": "Your settings", "where": "Your settings", "sentence": sentence, "addresses": addresses,
        "rules": rules, "plan": plan, "good": {one.id for one in addresses if people.is_good(one)},
        "kinds": sorted(set(reader.app.channels) - {people.DEVICE}), "known": known,
        "push": _push(reader, tx, addresses),
        "by_id": {one.id: one for one in addresses}, "rings": RINGS, "tested": tested,
        "tested_at": from_us(tested["at"]) if tested is not None else None,
        "next": next_shift(reader, tx, me) if known else None,
        "typed": {name: reader.text(name) for name in ("kind", "address")},
        "roles": [str(grant) for grant in reader.actor.grants],
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Installed:
    """A device of one's own. `mark`: by it the browser knows itself again, and nobody else it."""

    address: people.Address
    mark: str
    used_at: datetime | None


def _push(
    reader: Reader, tx: Tx, addresses: tuple[people.Address, ...]
) -> Mapping[str, Any] | None:
    """What "This device" needs; None where nothing is pushed."""
    channel = reader.app.channels.get(people.DEVICE)
    if not isinstance(channel, Push):
        return None
    devices = [
        Installed(one, digest(one.device.endpoint)[:16], _used_at(tx, one))
        for one in addresses
        if one.device is not None
    ]
    return {"key": channel.public_key, "devices": devices}


def _used_at(tx: Tx, address: people.Address) -> datetime | None:
    last = paging.last_sent_to(tx, address.id)
    return from_us(last.sent_at) if last is not None and last.sent_at is not None else None


def add_address(reader: Reader) -> Went:
    """One more way to be reached."""
    command = commands.AddAddress(reader.actor.id, reader.text("kind"), reader.text("address"))
    return Went("/settings", reader.act(command).sentence)


def prove_address(reader: Reader) -> Went:
    """The code that was sent there, said back: it is theirs."""
    return Went("/settings", prove(reader.call, reader.query["id"], reader.text("code").strip()))


def remove_address(reader: Reader) -> Went:
    """No longer there."""
    return Went("/settings", reader.act(commands.RemoveAddress(reader.query["id"])).sentence)


def add_rule(reader: Reader) -> Went:
    """When to use which way."""
    minutes = reader.text("minutes") or "0"
    if not (minutes.isdecimal() and len(minutes) < 5):
        raise Invalid("After how many minutes? 0 is at once.", pointer="/minutes")
    command = commands.AddRule(
        reader.actor.id, reader.text("urgency"), int(minutes) * 60, reader.text("address")
    )
    return Went("/settings", reader.act(command).sentence)


def remove_rule(reader: Reader) -> Went:
    """No longer so."""
    return Went("/settings", reader.act(commands.RemoveRule(reader.query["id"])).sentence)


SCREEN = Showing("/settings", "incidents.read", own, "settings.html", here="settings")
SHOWINGS = (SCREEN,)
_MAY = "people.contact_own"
FORMS = (
    Form("/settings/addresses", _MAY, add_address, back=SCREEN),
    Form("/settings/addresses/{id}/prove", _MAY, prove_address, back=SCREEN),
    Form("/settings/addresses/{id}/remove", _MAY, remove_address, back=SCREEN),
    Form("/settings/rules", _MAY, add_rule, back=SCREEN),
    Form("/settings/rules/{id}/remove", _MAY, remove_rule, back=SCREEN),
)
