"""Heartbeats come and go: by the estate, or by whoever makes one through the API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from msgspec.structs import replace

from mainstay.checks.heartbeats import fold, keys, step, store
from mainstay.checks.heartbeats.beat import Beat, Origin, Status, Words
from mainstay.checks.heartbeats.fold import News
from mainstay.checks.heartbeats.plan import Counts, Plan
from mainstay.estate import Severity, schedule_kind
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Invalid, NotFound
from mainstay.foundation.ids import Ids
from mainstay.foundation.nearest import hint
from mainstay.foundation.sealing import Ring
from mainstay.foundation.secrets import digest

NAME_CHARS_MAX = 63
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_NOT_IN_NAME = re.compile(r"[^a-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Synced:
    """One heartbeat that the estate made, changed or removed."""

    verb: Literal["created", "changed", "removed"]
    beat: Beat
    news: News | None = None
    """What its own signals told is over: from here on it is a check, and tells as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What somebody says a heartbeat is."""

    name: str
    service: str | None
    severity: Severity
    plan: Plan
    words: Words


def create(
    tx: Tx, ids: Ids, wanted: Declared, *, origin: Origin, counts: Counts, ring: Ring, now: datetime
) -> Beat:
    """A new heartbeat. One of the estate is waited for at once, another from its first ping on.

    Conflict when the name is taken; Invalid when it or the schedule is no good.
    """
    check_name(wanted.name)
    if store.named(tx, wanted.name) is not None:
        raise Conflict(f"There is a heartbeat {wanted.name} already; choose another name.")
    beat = Beat(
        id=ids.new("hbt", now), name=wanted.name, origin=origin, service=wanted.service,
        severity=wanted.severity, plan=checked(wanted.plan), words=wanted.words,
        created_at=now, status_at=now,
    )  # fmt: skip
    if origin == "estate":
        beat = fold.expect(beat, now, counts=counts)
    store.insert(tx, beat, digest=digest(uuid_of(tx, beat, ring=ring, now=now)))
    return beat


def uuid_of(tx: Tx, beat: Beat, *, ring: Ring, now: datetime) -> str:
    """The UUID that pings it; the seed is made with the first one."""
    sealed = store.seed(tx)
    if sealed is None:
        made = ring.seal(tx, keys.new_seed(), store.SEED)
        sealed = store.keep_seed(tx, made, now=now)
    return keys.uuid_of(ring.open(sealed, store.SEED), beat.id)


def renew(tx: Tx, *, ring: Ring, now: datetime) -> int:
    """The seed was given up: each heartbeat has a UUID of a new one; how many there are.

    The UUIDs that their jobs know go on pinging them, and can no longer be shown.
    """
    beats = store.every(tx)
    for beat in beats:
        store.renew(tx, beat.id, digest=digest(uuid_of(tx, beat, ring=ring, now=now)), now=now)
    return len(beats)


def change(tx: Tx, beat: Beat, wanted: Declared, *, counts: Counts, now: datetime) -> Beat:
    """What is declared of it is another thing now; Conflict for one that the estate declares."""
    if beat.origin == "estate":
        raise Conflict(f"The estate declares {beat.name}; change it there, and apply it.")
    declared = replace(
        beat, service=wanted.service, severity=wanted.severity, plan=checked(wanted.plan),
        words=wanted.words,
    )  # fmt: skip
    changed = step.replan(beat, declared, now, counts=counts)
    store.change(tx, changed)
    return changed


def remove(tx: Tx, beat: Beat, *, now: datetime) -> News | None:
    """No longer there, and what was wrong with it is over; Conflict for one that the estate declares."""
    if beat.origin == "estate":
        raise Conflict(f"The estate declares {beat.name}; take it out there, and apply it.")
    store.remove(tx, beat.id, now=now)
    return fold.ended(beat, f"{beat.title} is no longer declared")


def pause(tx: Tx, beat: Beat, *, now: datetime) -> Beat:
    """Nobody waits for it. Conflict when it is paused already."""
    if beat.status is Status.PAUSED:
        raise Conflict(f"{beat.name} is paused already.")
    paused = fold.pause(beat, now)
    store.stand(tx, [paused])
    return paused


def resume(tx: Tx, beat: Beat, *, counts: Counts, now: datetime) -> Beat:
    """Waited for again. Conflict when it is not paused."""
    if beat.status is not Status.PAUSED:
        raise Conflict(f"{beat.name} is not paused.")
    resumed = fold.resume(beat, now, counts=counts)
    store.stand(tx, [resumed])
    return resumed


def adopt(tx: Tx, beat: Beat, uuid: str, *, now: datetime) -> None:
    """A UUID that its job has from another system pings it too.

    Invalid when it is none, Conflict when it pings another heartbeat.
    """
    normal = keys.normal_uuid(uuid)
    if normal is None:
        raise Invalid("A UUID is written 8f57b84b-86c2-4546-8923-03f83d27604a.", pointer="/uuid")
    if not store.adopt(tx, beat.id, digest=digest(normal), now=now):
        raise Conflict(f"This UUID pings a heartbeat already; nothing was added to {beat.name}.")


def get(tx: Tx, name: str) -> Beat:
    """By name or id. NotFound, with the nearest name."""
    found = store.find(tx, name) if name.startswith("hbt_") else store.named(tx, name)
    if found is None:
        known = [one.name for one in store.every(tx)]
        raise NotFound(f"There is no heartbeat {name[:80]!r}{hint(name[:80], known)}.")
    return found


def sync(
    tx: Tx, ids: Ids, declared: Sequence[Declared], *, counts: Counts, ring: Ring, now: datetime
) -> list[Synced]:
    """What the estate declares is as it says, and what it no longer does is gone.

    One that was made through the API
    under the same name becomes the estate's, with its UUID and its pings.
    """
    known = {one.name: one for one in store.every(tx)}
    wanted = {one.name: one for one in declared}
    done = []
    for name, one in wanted.items():
        before = known.get(name)
        if before is None:
            made = create(tx, ids, one, origin="estate", counts=counts, ring=ring, now=now)
            done.append(Synced("created", made))
            continue
        after = replace(
            before, origin="estate", service=one.service, severity=one.severity, plan=one.plan,
            words=one.words,
        )  # fmt: skip
        if after != before:
            store.change(tx, step.replan(before, after, now, counts=counts))
            taken_over = before.origin == "api"
            over = fold.ended(before, f"{before.title} is declared by the estate now")
            done.append(Synced("changed", after, over if taken_over else None))
    for name, beat in known.items():
        if beat.origin == "estate" and name not in wanted:
            store.remove(tx, beat.id, now=now)
            done.append(Synced("removed", beat))
    return done


def checked(plan: Plan) -> Plan:
    """The plan, if its schedule and spans can be kept. Invalid otherwise."""
    if (plan.every_s is None) == (plan.schedule is None):
        raise Invalid("A heartbeat has either a period or a schedule.", pointer="/schedule")
    if plan.schedule is not None:
        try:
            schedule_kind(plan.schedule)
        except ValueError as error:
            raise Invalid(f"{error}.", pointer="/schedule") from None
    return plan


def check_name(name: str) -> None:
    """Invalid unless it can stand in a path and in the estate."""
    if not _NAME.fullmatch(name) or keys.normal_uuid(name):
        raise Invalid(
            "A heartbeat's name has small letters, digits, '.', '_' and '-', at most "
            f"{NAME_CHARS_MAX}, a letter or digit first; got {name[:80]!r}.",
            pointer="/name",
        )


def name_for(title: str, taken: Mapping[str, object]) -> str:
    """A free name that says what `title` says."""
    plain = _NOT_IN_NAME.sub("-", title.lower()).strip("-._")[: NAME_CHARS_MAX - 4] or "heartbeat"
    number, name = 1, plain
    while name in taken:
        number += 1
        name = f"{plain}-{number}"
    return name
