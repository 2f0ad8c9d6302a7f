"""Signals: what came in, kept raw, and read the same way every time.

A request enters by a door (`formats`), is read into items and stored as one row (`admit`) before
its sender hears 2xx; `waiting` and `read_again` give the items to whoever settles them.
"""

from mainstay.signals.admit import (
    PURGE_ROWS,
    Arrived,
    admit,
    blank_credentials,
    failed,
    find,
    purge,
    quarantined_n,
    read_again,
    release,
    settled,
    waiting,
    waiting_n,
    waiting_since,
    with_problems,
)
from mainstay.signals.body import tree as json_tree
from mainstay.signals.formats import DOORS, choose, door_named
from mainstay.signals.formats.door import Door, Reply, check_headers
from mainstay.signals.formats.json_map import compile_map
from mainstay.signals.formats.labels import fingerprint
from mainstay.signals.item import Arrival, Bad, Item, Kind, Reading, Verdict
from mainstay.signals.keys import (
    KeyRing,
    create_key,
    key_ring,
    list_keys,
    revoke,
    source_of,
)
from mainstay.signals.store import Key, Request

__all__ = [
    "DOORS",
    "PURGE_ROWS",
    "Arrival",
    "Arrived",
    "Bad",
    "Door",
    "Item",
    "Key",
    "KeyRing",
    "Kind",
    "Reading",
    "Reply",
    "Request",
    "Verdict",
    "admit",
    "blank_credentials",
    "check_headers",
    "choose",
    "compile_map",
    "create_key",
    "door_named",
    "failed",
    "find",
    "fingerprint",
    "json_tree",
    "key_ring",
    "list_keys",
    "purge",
    "quarantined_n",
    "read_again",
    "release",
    "revoke",
    "settled",
    "source_of",
    "waiting",
    "waiting_n",
    "waiting_since",
    "with_problems",
]
