"""Browsers that take pages: set up by their owner, signed in at that very browser.

A device's address is its name. What its push service needs is kept beside it and shown nowhere;
when the device goes, so does that.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Collection
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Invalid
from mainstay.foundation.ids import Ids
from mainstay.foundation.sealing import Ring
from mainstay.foundation.secrets import same
from mainstay.people import store
from mainstay.people.contacts import check_room
from mainstay.people.known import check_known
from mainstay.people.store import DEVICE, Address, Device

NAME_CHARS_MAX = 60
SECRET_BYTES = 16
"""RFC 8291 §3.2."""
_BROKEN = re.compile(r"[^\w .,'()\-]+")


def add_device(
    tx: Tx,
    ids: Ids,
    *,
    person: str,
    name: str,
    device: Device,
    check: Callable[[str, str], str],
    people: Collection[str],
    ring: Ring,
    by: str,
    now: datetime,
) -> tuple[Address, Address | None]:
    """The device as an address of `person`, theirs beyond doubt; and the one that it was before.

    Set up again, it keeps its place; whoever else had it has it no longer, for it rings for one
    person. `check` as for any address; `by` as the record names them.
    """
    check_known(person, people, what="person")
    endpoint = check(DEVICE, device.endpoint)
    _check_keys(device)
    before = store.address_of_device(tx, endpoint)
    if before is not None and before.device is not None:
        if not same(device_secret(before, ring=ring), device.secret):
            words = (
                "This device is set up with another secret; remove it first, where it is listed."
            )
            raise Conflict(words)
        if before.person == person:
            return before, before
        store.mark_removed(tx, before.id, now=now)
        store.delete_rules_of(tx, before.id)
    check_room(tx, person)
    address = ids.new("adr", now)
    sealed = ring.seal(tx, device.secret, store.device_cell(address))
    row = Address(
        address, person, DEVICE, _free_name(tx, person, name), None, now,
        added_by=by, verified_at=now, device=Device(endpoint, device.key, sealed),
    )  # fmt: skip
    store.insert_address(tx, row)
    store.insert_device(tx, row)
    store.mark_verified(tx, row.id, now=now)
    return row, before


def device_secret(row: Address, *, ring: Ring) -> str:
    """The secret of a device as its browser gave it."""
    assert row.device is not None
    return ring.open(row.device.secret, store.device_cell(row.id))


def _free_name(tx: Tx, person: str, wanted: str) -> str:
    """The name, with a number if the person has one of this name already."""
    name = " ".join(_BROKEN.sub(" ", wanted).split())[:NAME_CHARS_MAX] or "This device"
    taken = {one.address for one in store.addresses(tx, person) if one.kind == DEVICE}
    names = [name, *(f"{name} {number}" for number in range(2, len(taken) + 2))]
    return next(one for one in names if one not in taken)


def _check_keys(device: Device) -> None:
    """Invalid unless a message can be sealed with them."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _raw(device.key))
    except ValueError:
        raise Invalid("The browser's key is not a point of P-256.", pointer="/key") from None
    try:
        secret = _raw(device.secret)
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise Invalid("The browser's secret is not 16 bytes in base64url.", pointer="/secret")


def _raw(text: str) -> bytes:
    if len(text) > 200 or not text.isascii():
        raise ValueError
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
