"""What changes how checks stand: planning looks, asking for one now, taking results in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from mainstay.checks import store, times
from mainstay.checks.fold import Folded, Tell, fold, unseen
from mainstay.checks.result import Ask, Result, Standing, State
from mainstay.checks.sheet import Sheet, Watched
from mainstay.checks.states import is_stale, waiting
from mainstay.foundation import due
from mainstay.foundation.db import Tx

LOOK_DUE = "check.look"
"""The kind of the due rows: one for each check that looks by itself."""
FIRST_LOOK = timedelta(minutes=1)
"""A check that is new is looked at within this time, however seldom it looks."""
PURGE_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Telling:
    """What the corridor must hear: an alert of a check opens, gets worse, or closes."""

    standing: Standing
    watched: Watched | None
    """None: the estate no longer declares it."""
    tell: Tell


@dataclass(frozen=True, slots=True)
class Taken:
    """What follows from results: what to tell, and when each is to be looked at next."""

    tellings: tuple[Telling, ...]
    next_looks: Mapping[str, datetime]


def plan(tx: Tx, sheet: Sheet, *, now: datetime) -> tuple[Telling, ...]:
    """Bring the plan to what this version declares; what it no longer does is closed."""
    kept = store.every(tx)
    fresh = []
    for one in sheet.watched.values():
        if one.name not in kept:
            fresh.append(waiting(one, now))
        if one.is_beat:
            continue
        at = times.next_look(one, sheet, after=now)
        if one.name not in kept and one.check.schedule is None and one.check.by is None:
            soon = times.spread(one.name, min(one.check.interval, FIRST_LOOK), after=now)
            at = times.opening(one, sheet, soon)
        due.plan(tx, LOOK_DUE, one.name, at=at)
    store.write(tx, fresh)
    gone = [standing for name, standing in kept.items() if name not in sheet.watched]
    for standing in gone:
        due.cancel(tx, LOOK_DUE, standing.name)
        store.forget(tx, standing.name)
    return tuple(Telling(one, None, "close") for one in gone if one.told is not None)


def run_now(
    tx: Tx,
    sheet: Sheet,
    *,
    now: datetime,
    ids: tuple[str, ...] = (),
    tag: str | None = None,
    service: str | None = None,
) -> list[str]:
    """Have the chosen checks looked at now, whatever their times; returns the names that will be.

    Each has its result in `states` once its `at` is `now` or later. A heartbeat cannot be asked:
    it is left out. Its evidence is kept, also when it is well.
    """
    names = [
        one.name
        for one in sheet.choose(ids=ids, tag=tag, service=service)
        if not one.is_beat
    ]  # fmt: skip
    for name in names:
        due.plan(tx, LOOK_DUE, name, at=now, facts={"asked": True})
    return names


def asks(tx: Tx, sheet: Sheet, names: Sequence[str], *, now: datetime) -> dict[str, Ask]:
    """What the probe of each is told."""
    kept = store.of_names(tx, names)
    return {
        name: Ask(
            name, one.check, one.host_id, one.host, now, sheet.business_date(one, now),
            kept[name].values if name in kept else {}, sheet.estate.org.prometheus,
        )
        for name in names
        if (one := sheet.watched[name])
    }  # fmt: skip


def take(
    tx: Tx,
    sheet: Sheet,
    results: Sequence[Result],
    *,
    now: datetime,
    asked: frozenset[str] = frozenset(),
    lost: Collection[str] = (),
) -> Taken:
    """Take results in, of looks and of heartbeats alike: history, standing, what is to be told.

    `asked`: names whose evidence is kept also when they are well. A result of what is no longer
    declared is dropped; so is one of `lost`, whose lease has ended, if a newer look is in already.
    """
    known = [one for one in results if one.name in sheet.watched]
    before = store.of_names(tx, sorted({one.name for one in known}))
    after: dict[str, Folded] = {}
    tellings: list[Telling] = []
    kept = []
    for result in known:
        one = sheet.watched[result.name]
        standing = after[one.name].standing if one.name in after else before.get(one.name)
        standing = standing or waiting(one, now)
        if one.name in lost and standing.at is not None and result.at < standing.at:
            continue
        why = partial(_why_muted, tx, sheet, one)
        folded = fold(standing, result, attempts=_attempts(one), why_muted=why)
        after[one.name] = folded
        if folded.tell is not None:
            tellings.append(Telling(folded.standing, one, folded.tell))
        if folded.began:
            _look_at_causes(tx, sheet, one, now)
        if is_worth_keeping(standing, result, is_asked=one.name in asked):
            kept.append(result)
    store.write(tx, [folded.standing for folded in after.values()])
    store.add(tx, kept)
    looks = {
        name: _next(sheet.watched[name], sheet, folded, now)
        for name, folded in after.items()
        if not sheet.watched[name].is_beat
    }
    return Taken(tuple(tellings), looks)


def sweep(tx: Tx, sheet: Sheet, *, now: datetime) -> tuple[Telling, ...]:
    """What was not looked at in time is not seen, and that is told."""
    found = []
    for name, standing in store.every(tx).items():
        one = sheet.watched.get(name)
        if one is None or standing.state is State.NOT_SEEN:
            continue
        if is_stale(one, standing, sheet, now=now):
            folded = unseen(standing, now=now, why_muted=partial(_why_muted, tx, sheet, one))
            store.write(tx, [folded.standing])
            if folded.tell is not None:
                found.append(Telling(folded.standing, one, folded.tell))
    return tuple(found)


def is_worth_keeping(before: Standing, result: Result, *, is_asked: bool) -> bool:
    """Failures, changes, what was asked for; of what stays well, the first look of each minute."""
    if is_asked or result.verdict != "ok" or before.verdict != "ok" or before.at is None:
        return True
    return before.at.replace(second=0, microsecond=0) != result.at.replace(second=0, microsecond=0)


def lay_aside(
    tx: Tx, sheet: Sheet, sentences: Mapping[str, str], *, state: State, now: datetime
) -> tuple[Telling, ...]:
    """Nobody looks at these for a while, or nothing is known of them: why, and what that closes."""
    tellings = []
    for name, before in store.of_names(tx, sorted(sentences)).items():
        after = replace(before, state=state, since=now, sentence=sentences[name], told=None)
        store.write(tx, [after])
        if before.told is not None:
            tellings.append(Telling(after, sheet.watched.get(name), "close"))
    return tuple(tellings)


def _attempts(one: Watched) -> int:
    """A deadline is a deadline: what must be there by a time is not asked three times."""
    return 1 if one.is_beat or one.check.by is not None else one.check.attempts


def _next(one: Watched, sheet: Sheet, folded: Folded, now: datetime) -> datetime:
    at = times.next_look(one, sheet, after=now)
    if folded.is_soft:
        return min(at, times.retry_look(one, after=now))
    if one.check.by is not None and folded.standing.state is not State.OK:
        return min(at, now + one.check.interval)  # it is late: until it has come
    return at


def _why_muted(tx: Tx, sheet: Sheet, one: Watched) -> str | None:
    """What fails beneath it, if anything does."""
    for name, standing in _causes(tx, sheet, one).items():
        if standing.state in (State.FAIL, State.NOT_SEEN) or standing.verdict == "fail":
            return f"{name} fails, on which it depends"
    return None


def _causes(tx: Tx, sheet: Sheet, one: Watched) -> dict[str, Standing]:
    wanted = set(one.check.unless_failing)
    names = [other.name for other in sheet.watched.values() if other.id in wanted] if wanted else []
    return store.of_names(tx, names)


def _look_at_causes(tx: Tx, sheet: Sheet, one: Watched, now: datetime) -> None:
    """So that it is known what fails beneath it before its own failure counts."""
    for name in _causes(tx, sheet, one):
        due.sooner(tx, LOOK_DUE, name, at=now)


def purge(tx: Tx, before: datetime) -> int:
    """Delete old results, some at a time; call again while it returns `PURGE_ROWS`."""
    return store.purge(tx, before, limit=PURGE_ROWS)
