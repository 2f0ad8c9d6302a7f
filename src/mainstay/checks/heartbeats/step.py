"""What is done with pings that came, and with those that did not: one transaction at a time.

Pings first, then who is late: one that came in time is never overtaken by its own deadline.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from mainstay.checks.heartbeats import fold, store
from mainstay.checks.heartbeats.beat import Beat, Ping, Status
from mainstay.checks.heartbeats.fold import Judge, News
from mainstay.checks.heartbeats.plan import Counts
from mainstay.foundation.db import Tx

PINGS_AT_ONCE = 1_000
"""Folded in one transaction: about 60 ms."""
LATE_AT_ONCE = 500
"""Looked at in one transaction."""
UNDER_WAY = timedelta(milliseconds=100)
"""Somebody is late so much after the deadline: a ping that came just before it is being kept."""
PINGS_KEPT = 100
"""Of each heartbeat, the newest."""
OUTPUTS_KEPT = 20
"""So many of them have their output, too: each may be 100 kB."""
FORGET_EVERY = 20
"""Older ones are dropped so many at a time."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What folding asks of the rest: business days, and whether a report is as expected."""

    counts: Counts
    judge: Judge


def is_due(tx: Tx, now: datetime) -> bool:
    """Whether there is something to do now."""
    at = store.next_look(tx)
    return store.is_waiting(tx) or (at is not None and at + UNDER_WAY <= now)


def next_at(tx: Tx) -> datetime | None:
    """When somebody is late next, unless they ping."""
    at = store.next_look(tx)
    return None if at is None else at + UNDER_WAY


def listen(tx: Tx, rules: Rules) -> tuple[list[News], bool]:
    """Fold the pings that wait; True: there are more."""
    waiting = store.waiting(tx, PINGS_AT_ONCE)
    by_beat: dict[str, list[Ping]] = {}
    for ping in waiting:
        by_beat.setdefault(ping.beat, []).append(ping)
    news: list[News] = []
    after: list[Beat] = []
    heard: list[Ping] = []
    for beat_id, pings in by_beat.items():
        before = store.find(tx, beat_id)
        if before is None:  # it was removed meanwhile
            heard += [replace(ping, n=0) for ping in pings]
            continue
        beat, numbered, told = _hear(before, pings, rules)
        after.append(beat)
        heard += numbered
        news += told
        _forget(tx, before, beat)
    store.number(tx, heard)
    keep_standing(tx, after, news)
    for beat_id in by_beat.keys() - {beat.id for beat in after}:
        store.forget(tx, beat_id, upto=0)
    return news, len(waiting) == PINGS_AT_ONCE


def _hear(beat: Beat, pings: Sequence[Ping], rules: Rules) -> tuple[Beat, list[Ping], list[News]]:
    """One heartbeat after its pings; each with its number, and the news that they make."""
    numbered, news = [], []
    for ping in pings:
        beat, told = fold.hear(beat, ping, counts=rules.counts, judge=rules.judge)
        ends = ping.kind in ("success", "fail")
        took = beat.ran_us if ends else None
        numbered.append(replace(ping, n=beat.pings_n, took_us=took))
        news += [told] if told is not None else []
    return beat, numbered, news


def _forget(tx: Tx, before: Beat, beat: Beat) -> None:
    if beat.pings_n // FORGET_EVERY != before.pings_n // FORGET_EVERY:
        store.forget_outputs(tx, beat.id, upto=beat.pings_n - OUTPUTS_KEPT)
        store.forget(tx, beat.id, upto=beat.pings_n - PINGS_KEPT)


def find_late(tx: Tx, now: datetime) -> list[News]:
    """Those that should have been heard of by now, so many at once; call it again while `is_due`."""
    due = store.overdue(tx, now - UNDER_WAY, LATE_AT_ONCE)
    told = [fold.look(beat, now) for beat in due]
    news = [one for _, one in told if one is not None]
    keep_standing(tx, [beat for beat, _ in told], news)
    return news


def keep_standing(tx: Tx, beats: Iterable[Beat], news: Iterable[News]) -> None:
    """Keep how they stand, and in their history when they went down or came up."""
    store.stand(tx, beats)
    flips = [(one.beat.id, one.beat.status_at, one.over) for one in news if one.turned]
    store.keep_flips(tx, flips)


# -- what we could not hear ------------------------------------------------------------------------


def spare(tx: Tx, since: datetime, until: datetime, *, counts: Counts) -> list[Beat]:
    """Mainstay heard nothing in this time: nobody is late for it. Those that nothing is known of."""
    spared, unseen = [], []
    for beat in store.every(tx):
        after, is_unseen = fold.away(beat, since, until, counts=counts)
        spared += [after] if after != beat else []
        unseen += [after] if is_unseen else []
    store.stand(tx, spared)
    return unseen


def set_back(tx: Tx, by: timedelta, now: datetime, *, counts: Counts) -> None:
    """The clock was set back, to `now`."""
    store.stand(tx, [fold.set_back(one, by, now, counts=counts) for one in store.every(tx)])


def replan(beat: Beat, declared: Beat, now: datetime, *, counts: Counts) -> Beat:
    """A heartbeat whose declaration has changed; waited for anew where its plan did."""
    changed = replace(
        beat, origin=declared.origin, service=declared.service, severity=declared.severity,
        plan=declared.plan, words=declared.words,
    )  # fmt: skip
    if declared.plan == beat.plan or beat.status in (Status.DOWN, Status.PAUSED):
        return changed
    if beat.due_at is None and beat.last_at is None:
        return changed
    return fold.expect(changed, now, counts=counts)
