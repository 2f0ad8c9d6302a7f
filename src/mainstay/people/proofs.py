"""Whether an address is its owner's: a code is sent there, and its owner says it here.

An address counts as good when somebody else, who may set anybody's, has set it, or its owner has
proved it. One that its owner has set and not proved is paged only where they have no good one: a
page that goes astray is bad, and a page that goes nowhere is worse.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Invalid, NotFound, OverLimit
from mainstay.foundation.secrets import digest
from mainstay.people import store
from mainstay.people.store import Address

DIGITS = 8
VALID = timedelta(minutes=15)
AGAIN = timedelta(minutes=1)
"""Between two codes to one address: it may be a stranger's."""
TRIES_MAX = 5


def begin_proof(
    tx: Tx, address_id: str, *, now: datetime, person: str | None
) -> tuple[Address, str]:
    """The address and the code to send there; an earlier code is void. `person`: only theirs."""
    row = _open(tx, address_id, person)
    found = store.proof(tx, address_id)
    if found is not None and now - found.made_at < AGAIN:
        raise OverLimit(
            "A code was sent there a moment ago; it may take a minute to arrive.",
            limit=1, unit="code a minute", retry_after_s=AGAIN.total_seconds(),
        )  # fmt: skip
    code = str(secrets.randbelow(10**DIGITS)).zfill(DIGITS)
    store.write_proof(tx, address_id, digest=digest(f"{address_id}:{code}"), now=now)
    return row, code


def count_try(tx: Tx, address_id: str, *, now: datetime, person: str | None) -> None:
    """Before a code is looked at, in a transaction of its own: a wrong one must count."""
    _open(tx, address_id, person)
    found = store.proof(tx, address_id)
    if found is None or now - found.made_at >= VALID:
        raise Conflict("No code is awaited for this address now; have one sent.")
    if not store.count_proof_try(tx, address_id, most=TRIES_MAX):
        raise Conflict(f"{TRIES_MAX} wrong codes: have another one sent.")


def prove(tx: Tx, address_id: str, code: str, *, now: datetime, person: str | None) -> Address:
    """The address, its owner's from now on. Invalid for another code than the one that was sent."""
    row = _open(tx, address_id, person)
    found = store.proof(tx, address_id)
    sent = digest(f"{address_id}:{code.replace(' ', '')}")
    if found is None or now - found.made_at >= VALID or found.digest != sent:
        raise Invalid("This is not the code that was sent there.", pointer="/code")
    store.mark_verified(tx, address_id, now=now)
    return row


def is_good(row: Address) -> bool:
    """Whether pages may go there while there are others."""
    return row.verified_at is not None or row.added_by != f"person:{row.person}"


def good_ones(rows: tuple[Address, ...]) -> tuple[Address, ...]:
    """Those that pages go to: the good ones, or where there is none, all of them."""
    return tuple(row for row in rows if is_good(row)) or rows


def _open(tx: Tx, address_id: str, person: str | None) -> Address:
    row = store.address(tx, address_id)
    if row is None or row.removed_at is not None or person not in (None, row.person):
        raise NotFound(f"There is no address {address_id!r} of yours.")
    if row.verified_at is not None:
        raise Conflict(f"{row.person} has proved this address already.")
    return row
