"""What a ping, or the passing of time, does to a heartbeat: pure functions of values.

`hear` folds one ping in, `look` says whether something that was promised has not come, `away` what
a stretch does in which Mainstay itself could hear nothing. Each returns the heartbeat as it stands
then, and the news that others must be told, if there is any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from mainstay.checks.heartbeats.beat import RUNS_MAX, Beat, Ping, Run, Status
from mainstay.checks.heartbeats.plan import Counts, first_due, next_due
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.spans import duration_text

SHORT = timedelta(minutes=1)
"""A restart: a ping that comes meanwhile is as a rule tried again."""
Judge = Callable[[Beat, Ping, str | None], str | None]
"""What is wrong with a finish: told what it says itself, the answer counts; None: it is well."""


@dataclass(frozen=True, slots=True)
class News:
    """What others must hear: it fires, or (`over`) it is over. `ping`: the one that said so.

    `turned`: it was well until then, or it was not; else this is one more of the same.
    """

    beat: Beat
    over: bool
    sentence: str
    ping: Ping | None = None
    turned: bool = True


Told = tuple[Beat, News | None]


# -- a ping ----------------------------------------------------------------------------------------


def hear(beat: Beat, ping: Ping, *, counts: Counts, judge: Judge) -> Told:
    """The heartbeat after one more ping; pings are folded in the order in which they came."""
    beat = replace(beat, pings_n=beat.pings_n + 1)
    if ping.kind in ("log", "ign"):
        return beat, None
    if beat.status is Status.PAUSED and beat.words.manual_resume:
        return beat, None
    at = from_us(ping.at_us)
    if ping.kind == "start":
        return _start(beat, ping, at, counts=counts), None
    took = _took(beat, ping)
    runs = tuple(run for run in beat.runs if run.rid != ping.rid)
    beat = replace(
        beat, last_at=at, runs=runs, ran_us=took, spared_until=None,
        due_at=next_due(beat.plan, at, counts),
    )  # fmt: skip
    wrong = judge(beat, ping, _wrong(beat, ping, took))
    if wrong is not None:
        return _down(beat, at, wrong, ping)
    return _up(beat, at, ping)


def _start(beat: Beat, ping: Ping, at: datetime, *, counts: Counts) -> Beat:
    """A run begins; what is down stays so until it finishes well."""
    others = [run for run in beat.runs if run.rid != ping.rid]
    beat = replace(beat, runs=(*others, Run(ping.rid, ping.at_us))[-RUNS_MAX:])
    if beat.status is Status.PAUSED:
        due = first_due(beat.plan, at, counts)
        beat = replace(beat, status=Status.UP, status_at=at, why=None, due_at=due)
    return _scheduled(beat)


def _took(beat: Beat, ping: Ping) -> int | None:
    """How long its run took; None where none of this name had begun."""
    begun = next((run.at_us for run in beat.runs if run.rid == ping.rid), None)
    return None if begun is None else max(0, ping.at_us - begun)


def _wrong(beat: Beat, ping: Ping, took: int | None) -> str | None:
    """What a ping itself says that is wrong."""
    if ping.kind == "fail":
        exit_ = f": exit status {ping.exit}" if ping.exit else ""
        return f"{beat.title} failed{exit_}"
    least = beat.plan.run_min_s
    if least is not None and took is not None and took < least * 1_000_000:
        return f"{beat.title} ended after {_span(took)}; it takes at least {_text(least)}"
    return None


def _up(beat: Beat, at: datetime, ping: Ping) -> Told:
    was_down = beat.status is Status.DOWN
    since = beat.status_at if beat.status is Status.UP else at
    beat = _scheduled(replace(beat, status=Status.UP, status_at=since, ok_at=at, why=None))
    if not was_down:
        return beat, None
    return beat, News(beat, True, f"{beat.title} is heard of again", ping)


def _down(beat: Beat, at: datetime, why: str, ping: Ping | None = None) -> Told:
    turned = beat.status is not Status.DOWN
    since = at if turned else beat.status_at
    beat = replace(beat, status=Status.DOWN, status_at=since, why=why, look_at=None)
    return beat, News(beat, False, why, ping, turned)


# -- time ------------------------------------------------------------------------------------------


def expect(beat: Beat, since: datetime, *, counts: Counts) -> Beat:
    """Waited for from `since` on: newly declared, changed, or resumed."""
    due = first_due(beat.plan, since, counts)
    return _scheduled(replace(beat, due_at=due, spared_until=None))


def look(beat: Beat, now: datetime) -> Told:
    """Whether something that should have come by `now` has not."""
    if beat.look_at is None or beat.look_at > now:
        return beat, None
    if beat.status is Status.PAUSED:
        return _laid_aside(beat)
    passed = [one for one in _deadlines(beat) if one[0] <= now]
    if not passed:
        return _scheduled(beat), None
    _, what = min(passed, key=lambda one: one[0])
    return _down(beat, now, _missed(beat, what))


def pause(beat: Beat, now: datetime) -> Beat:
    """Nobody waits for it until it is resumed, or pings. What was wrong is over at the next look."""
    was_down = beat.status is Status.DOWN
    return replace(
        beat, status=Status.PAUSED, status_at=now, due_at=None, runs=(),
        look_at=now if was_down else None, why=beat.why if was_down else None,
    )  # fmt: skip


def _laid_aside(beat: Beat) -> Told:
    beat = replace(beat, look_at=None, why=None)
    return beat, News(beat, True, f"{beat.title} is paused")


def ended(beat: Beat, sentence: str) -> News | None:
    """What was wrong with it is over, whatever it says later; None: nothing was."""
    return News(beat, True, sentence) if beat.status is Status.DOWN else None


def resume(beat: Beat, now: datetime, *, counts: Counts) -> Beat:
    """Waited for again, from now on."""
    status = Status.UP if beat.last_at else Status.NEW
    return expect(replace(beat, status=status, status_at=now, why=None), now, counts=counts)


def _scheduled(beat: Beat) -> Beat:
    """With the next instant at which somebody must look."""
    if beat.status in (Status.DOWN, Status.PAUSED):
        return replace(beat, look_at=None)
    return replace(beat, look_at=min((at for at, _ in _deadlines(beat)), default=None))


def _deadlines(beat: Beat) -> list[tuple[datetime, Run | Literal["end", "start"]]]:
    """Until when what must have come: its end, its start, or the end of a run that goes on."""
    plan = beat.plan
    found: list[tuple[datetime, Run | Literal["end", "start"]]] = []
    if beat.due_at is not None:
        spared = beat.spared_until or beat.due_at
        found.append((max(beat.due_at + plan.grace, spared), "end"))
        if plan.start_within_s is not None and not beat.runs:
            within = timedelta(seconds=plan.start_within_s)
            found.append((max(beat.due_at + within, spared), "start"))
    found += [(from_us(run.at_us) + plan.run_limit, run) for run in beat.runs]
    return found


def _missed(beat: Beat, what: Run | Literal["end", "start"]) -> str:
    """What is wrong when a deadline has passed."""
    plan = beat.plan
    if isinstance(what, Run):
        limit = _text(int(plan.run_limit.total_seconds()))
        begun = _when(beat, from_us(what.at_us))
        return f"{beat.title} takes longer than {limit}: it started {begun}"
    assert beat.due_at is not None
    due = _when(beat, beat.due_at)
    heard = f"last heard of {_when(beat, beat.last_at)}" if beat.last_at else "never heard of"
    if what == "start":
        within = _text(plan.start_within_s or 0)
        return f"{beat.title} has not started: due {due}, to start within {within}, {heard}"
    return f"{beat.title} is late: due {due}, {_text(plan.grace_s)} of grace, {heard}"


# -- what we could not hear ------------------------------------------------------------------------


def away(beat: Beat, since: datetime, until: datetime, *, counts: Counts) -> tuple[Beat, bool]:
    """Mainstay heard nothing from `since` to `until`; True: it was due meanwhile and is not known.

    Nobody is called late for that time. What has a period gets a whole one more, since the ping
    before may be lost. By a schedule: what was due before keeps at least its grace from `until` on;
    of what was due meanwhile nothing is known until the next time. After a restart, which is short,
    it is only that much later: a missed page is worse than a false one.
    """
    if beat.look_at is None or beat.look_at <= since:
        return beat, False  # nobody waits for it; or it was late already, and that is told
    length_us = to_us(until) - to_us(since)
    moved = tuple(Run(run.rid, run.at_us + length_us) for run in beat.runs)
    beat = replace(beat, runs=moved)
    if beat.due_at is None or beat.due_at + beat.plan.grace <= since:
        return _scheduled(beat), False
    if beat.plan.every_s is not None:
        span = timedelta(seconds=beat.plan.every_s)
        return _scheduled(replace(beat, due_at=max(beat.due_at, until + span))), False
    if beat.due_at > until:
        return _scheduled(beat), False
    if until - since <= SHORT:
        spared = beat.due_at + beat.plan.grace + (until - since)
        return _scheduled(replace(beat, spared_until=spared)), False
    if beat.due_at <= since:
        return _scheduled(replace(beat, spared_until=until + beat.plan.grace)), False
    due = _when(beat, beat.due_at)
    why = f"due {due}, while Mainstay was down; nothing is known of it until its next ping"
    unseen = replace(beat, status=Status.UNSEEN, status_at=until, why=why, runs=())
    return expect(unseen, until, counts=counts), True


def set_back(beat: Beat, by: timedelta, now: datetime, *, counts: Counts) -> Beat:
    """The clock was set back by `by` (below zero) to `now`: what was planned moves along.

    A time that a schedule names stands where people see it, so that is looked for anew.
    """
    by_us = by // timedelta(microseconds=1)
    moved = replace(
        beat,
        runs=tuple(Run(run.rid, run.at_us + by_us) for run in beat.runs),
        last_at=beat.last_at and min(beat.last_at, now),
        ok_at=beat.ok_at and min(beat.ok_at, now),
    )
    if beat.due_at is None:
        return _scheduled(moved)
    if beat.plan.every_s is not None:
        return _scheduled(replace(moved, due_at=beat.due_at + by))
    sooner = first_due(beat.plan, now, counts)
    return _scheduled(replace(moved, due_at=min(beat.due_at, sooner or beat.due_at)))


# -- words -----------------------------------------------------------------------------------------


def _when(beat: Beat, at: datetime) -> str:
    """An instant for a person, in the heartbeat's own zone: `Tue 24 Nov 01:15`."""
    local = at.astimezone(ZoneInfo(beat.plan.zone))
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def _text(seconds: int) -> str:
    return duration_text(timedelta(seconds=seconds))


def _span(us: int) -> str:
    return f"{us / 1e6:.1f} s" if us < 60_000_000 else _text(us // 1_000_000)
