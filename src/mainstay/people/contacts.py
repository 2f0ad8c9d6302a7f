"""Where a person is reached, and in which order: addresses and rules, and the plan they make."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Invalid, NotFound, OverLimit
from mainstay.foundation.ids import Ids
from mainstay.foundation.secrets import check_reference
from mainstay.people import store
from mainstay.people.known import check_known
from mainstay.people.proofs import good_ones
from mainstay.people.store import Address, Rule

Urgency = Literal["high", "low"]
URGENCIES: tuple[Urgency, ...] = ("high", "low")
DELAY_S_MAX = 86_400
ADDRESSES_MAX = 20
"""For each person; each may be paged at once."""
RULES_MAX = 100
"""For each person."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One line of a plan: after `delay_s` seconds, this address."""

    delay_s: int
    address: Address


@dataclass(frozen=True, slots=True)
class Removed:
    """An address that is gone, and the rules that went with it."""

    address: Address
    rules: tuple[Rule, ...]
    sentence: str


def add_address(
    tx: Tx,
    ids: Ids,
    *,
    person: str,
    kind: str,
    address: str,
    check: Callable[[str, str], str],
    people: Collection[str],
    now: datetime,
    secret: str | None = None,
    by: str | None = None,
) -> Address:
    """A new address of `person`.

    `check(kind, address)`: the address in its normal form, or Invalid; the channels know. `people`:
    the ids that the estate declares. `secret`: a reference, for channels that sign or log in. `by`:
    who sets it, as the record names them.
    """
    check_known(person, people, what="person")
    if kind == store.DEVICE:
        words = "A device is set up at the device itself: in the console, under Your settings."
        raise Invalid(words, pointer="/kind")
    normal = check(kind, address)
    if secret is not None:
        _check_secret(secret)
    check_room(tx, person)
    row = Address(ids.new("adr", now), person, kind, normal, secret, now, added_by=by)
    if not store.insert_address(tx, row):
        raise Conflict(f"{person} already has the {kind} address {normal}.")
    return row


def check_room(tx: Tx, person: str) -> None:
    """OverLimit when the person has as many addresses as one may have."""
    if len(store.addresses(tx, person)) >= ADDRESSES_MAX:
        words = f"{person} has {ADDRESSES_MAX} addresses, the most that one person may have."
        raise OverLimit(f"{words} Remove one first.", limit=ADDRESSES_MAX, unit="addresses")


def remove_address(tx: Tx, address_id: str, *, now: datetime, person: str | None = None) -> Removed:
    """Remove an address with the rules that use it; `sentence` says what that means.

    `person`: only if it is theirs. NotFound otherwise, also when it is already removed. Waiting
    sends to it are not touched here.
    """
    row = store.address(tx, address_id)
    if row is None or (person is not None and row.person != person):
        raise _no_address(address_id, person)
    if not store.mark_removed(tx, address_id, now=now):
        raise NotFound(f"The {row.kind} address {row.address} of {row.person} is already removed.")
    gone = store.delete_rules_of(tx, address_id)
    left = len(store.addresses(tx, row.person))
    return Removed(row, gone, _what_went(row, gone, left=left))


def add_rule(
    tx: Tx,
    ids: Ids,
    *,
    person: str,
    urgency: str,
    delay_s: int,
    address: str,
    now: datetime,
) -> Rule:
    """A new rule of `person`; `address` is the id of one of their addresses, `delay_s` 0–86,400."""
    if urgency not in URGENCIES:
        raise Invalid(f"The urgency is high or low, not {urgency!r}.", pointer="/urgency")
    if not 0 <= delay_s <= DELAY_S_MAX:
        words = f"The delay is 0 to {DELAY_S_MAX} seconds (a day), not {delay_s}."
        raise Invalid(words, pointer="/delay_s")
    at = store.address(tx, address)
    if at is None or at.person != person or at.removed_at is not None:
        raise _no_address(address, person)
    if len(store.rules(tx, person)) >= RULES_MAX:
        words = f"{person} has {RULES_MAX} rules, the most that one person may have."
        raise OverLimit(f"{words} Remove one first.", limit=RULES_MAX, unit="rules")
    rule = Rule(ids.new("rul", now), person, urgency, delay_s, address, now)
    if not store.insert_rule(tx, rule):
        words = f"{person} already has this rule: {urgency}, after {delay_s} s, {at.address}."
        raise Conflict(words)
    return rule


def remove_rule(tx: Tx, rule_id: str, *, person: str | None = None) -> Rule:
    """The rule, as it was. `person`: only if it is theirs; NotFound otherwise."""
    rule = store.rule(tx, rule_id)
    if rule is None or (person is not None and rule.person != person):
        whose = f"{person} has no" if person else "There is no"
        raise NotFound(f"{whose} rule {rule_id!r}.")
    store.delete_rule(tx, rule_id)
    return rule


def masked(address: str) -> str:
    """Enough to tell two addresses apart, not enough to use one: a webhook's URL is a secret."""
    return f"{address[:2]}…{address[-2:]}" if len(address) > 6 else "…"


def plan_for(
    tx: Tx, person: str, urgency: Urgency, *, channel: str | None = None
) -> tuple[Contact, ...]:
    """How to reach `person`, by delay, then age of the address; empty when they have no address.

    `channel`: only their addresses of this kind, at once, if they have one. Else their rules for
    this urgency. Without any: every address at once when high; the first mail, else the first
    address, when low. Addresses that are not proved are left out where there are good ones.
    """
    known = good_ones(store.addresses(tx, person))
    if of_kind := [row for row in known if row.kind == channel]:
        return tuple(Contact(0, row) for row in of_kind)
    by_id = {row.id: row for row in known}
    ruled = [
        Contact(rule.delay_s, by_id[rule.address])
        for rule in store.rules(tx, person)
        if rule.urgency == urgency and rule.address in by_id
    ]
    if ruled:
        return tuple(sorted(ruled, key=lambda contact: (contact.delay_s, contact.address.id)))
    if urgency == "high":
        return tuple(Contact(0, row) for row in known)
    mails = [row for row in known if row.kind == "mail"]
    return tuple(Contact(0, row) for row in (mails or known)[:1])


def _check_secret(text: str) -> None:
    try:
        check_reference(text)
    except ValueError as error:
        raise Invalid(f"The secret is not a reference: {error}.", pointer="/secret") from None


def _no_address(address_id: str, person: str | None) -> NotFound:
    whose = f"{person} has no" if person else "There is no"
    return NotFound(f"{whose} address {address_id!r}; the list of addresses shows their ids.")


def _what_went(row: Address, gone: tuple[Rule, ...], *, left: int) -> str:
    words = f"Removed the {row.kind} address {row.address} of {row.person}"
    if gone:
        told = ", ".join(f"{rule.urgency} after {rule.delay_s} s" for rule in gone)
        words += f", and the {'rule' if len(gone) == 1 else 'rules'} that used it: {told}"
    words += "."
    if left == 0:
        words += f" {row.person} has no address left: no page can reach them."
    return words
