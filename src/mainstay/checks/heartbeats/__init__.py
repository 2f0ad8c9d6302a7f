"""Heartbeats: a job says that it ran; whoever does not say so in time is late.

The door keeps pings as they come (`keep`); `listen` folds them, `find_late` finds who has not been
heard of. `Ring` is what the door knows, `declare` how heartbeats come and go.
"""

from mainstay.checks.heartbeats.beat import Beat, Kind, Origin, Ping, Run, Status, Words
from mainstay.checks.heartbeats.declare import (
    Declared,
    Synced,
    adopt,
    change,
    create,
    get,
    name_for,
    pause,
    remove,
    renew,
    resume,
    sync,
    uuid_of,
)
from mainstay.checks.heartbeats.fold import Judge, News
from mainstay.checks.heartbeats.keys import Known, Ring, normal_uuid
from mainstay.checks.heartbeats.plan import Counts, Plan
from mainstay.checks.heartbeats.step import (
    PINGS_KEPT,
    Rules,
    find_late,
    is_due,
    listen,
    next_at,
    set_back,
    spare,
)
from mainstay.checks.heartbeats.store import (
    by_digest,
    every,
    find,
    flips,
    is_in_clear,
    keep,
    named,
    pings,
    purge,
    reseal,
    ring,
)

__all__ = [
    "PINGS_KEPT",
    "Beat",
    "Counts",
    "Declared",
    "Judge",
    "Kind",
    "Known",
    "News",
    "Origin",
    "Ping",
    "Plan",
    "Ring",
    "Rules",
    "Run",
    "Status",
    "Synced",
    "Words",
    "adopt",
    "by_digest",
    "change",
    "create",
    "every",
    "find",
    "find_late",
    "flips",
    "get",
    "is_due",
    "is_in_clear",
    "keep",
    "listen",
    "name_for",
    "named",
    "next_at",
    "normal_uuid",
    "pause",
    "pings",
    "purge",
    "remove",
    "renew",
    "reseal",
    "resume",
    "ring",
    "set_back",
    "spare",
    "sync",
    "uuid_of",
]
