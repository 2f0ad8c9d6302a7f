"""Who may ping: the UUID of each heartbeat, made and never stored; and what a door knows of them.

Whoever has a UUID can make a failing job look well, so it is a key. Each is made from the install's
own random seed, which lies sealed, and the heartbeat's id; the table holds its SHA-256 alone. UUIDs that came from
another system (`adopt`) are known by their digest too, and can not be shown again.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from mainstay.foundation.secrets import digest

SEED_BYTES = 32


def new_seed() -> str:
    """A fresh one, as hex."""
    return secrets.token_hex(SEED_BYTES)


def uuid_of(seed: str, beat_id: str) -> str:
    """The UUID that pings a heartbeat: HMAC-SHA256 of its id, as a version 4 UUID."""
    mac = hmac.digest(bytes.fromhex(seed), beat_id.encode(), "sha256")
    return str(UUID(bytes=mac[:16], version=4))


def normal_uuid(text: str) -> str | None:
    """`text` as a UUID is written; None when it is none."""
    if len(text) != 36:
        return None
    try:
        return str(UUID(text))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Known:
    """One heartbeat, as far as a ping must know it."""

    id: str
    post_only: bool


@dataclass(frozen=True, slots=True)
class Ring:
    """Every heartbeat that can be pinged, as a value: the door asks it and not the database.

    `stamp` changes with every change of one of them; while it is the same, so is the ring.
    """

    stamp: int = -1
    by_digest: Mapping[str, Known] = field(default_factory=dict)
    by_name: Mapping[str, Known] = field(default_factory=dict)

    def find(self, uuid: str) -> Known | None:
        """The heartbeat of a UUID, its own or an adopted one."""
        return self.by_digest.get(digest(uuid))
