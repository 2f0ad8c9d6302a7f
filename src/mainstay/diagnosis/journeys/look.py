"""The searches of all services at once, each with a budget of its own, as one timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from zoneinfo import ZoneInfo

from mainstay.diagnosis.collectors.programs.searching import (
    SEARCH_S_MAX,
    Asked,
    first_times,
    search,
)
from mainstay.diagnosis.collectors.reach import Reach
from mainstay.diagnosis.journeys.stop import Usual, in_words, stopped, usual_gap
from mainstay.diagnosis.journeys.trace import Found, Seen
from mainstay.estate import Estate, Journey, Pattern
from mainstay.foundation.errors import Invalid, MainstayError
from mainstay.telemetry.logs import Blanks, Rule

ID_CHARS = range(3, 129)
AT_ONCE = 8
SEEN_MAX = 2_000
"""Traces of one answer, the newest."""
LONGEST = timedelta(days=92)
LATE_S = 1.0
"""How long after its budget a search is still waited for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for, and when it can have been. `hidden`: services that are not searched."""

    id: str
    since: datetime
    until: datetime
    now: datetime
    hidden: frozenset[str] = frozenset()


def check_id(text: str) -> str:
    """The id as it is looked for: every character stands for itself. Invalid if it is none."""
    id_ = text.strip()
    if len(id_) not in ID_CHARS or not id_.isprintable():
        raise Invalid(
            f"An id has {ID_CHARS[0]} to {ID_CHARS[-1]} characters in one line, as PAY-10023.",
            pointer="/id",
        )
    if sum(one.isalnum() for one in id_) < ID_CHARS[0]:
        raise Invalid("An id has three letters or digits at least.", pointer="/id")
    return id_


def blanks_of(estate: Estate) -> Blanks:
    """What blanks what people are shown: secrets, personal data, and the estate's own rules."""
    return Blanks([Rule(name, one.pattern) for name, one in estate.blanks.items()])


def find(estate: Estate, wanted: Wanted, *, reach: Reach) -> Found:
    """The timeline of one item. Takes as long as the slowest search may; use a thread."""
    id_ = check_id(wanted.id)
    if wanted.since >= wanted.until or wanted.until - wanted.since > LONGEST:
        raise Invalid(
            f"Look at a stretch of time of at most {LONGEST.days} days.", pointer="/since"
        )
    asked = list(_asked(estate, wanted, id_))
    name, journey = _journey(estate, id_)
    answers, notes = _answered(asked, reach)
    blank = blanks_of(estate).blank
    seen = [
        Seen(one.at, one.service, one.source, blank(one.what))
        for traces in answers.values() for one in traces
    ]  # fmt: skip
    seen.sort(key=lambda one: (one.at is None, one.at or wanted.now))
    if len(seen) > SEEN_MAX:
        notes.append(f"More than {SEEN_MAX} traces; the oldest are left out.")
        seen = seen[-SEEN_MAX:]
    read = {asked[index].service for index in answers}
    stop = None
    if journey is not None:
        unread = set(journey.through) - read
        learn = partial(_usual, asked, journey, reach)
        stop = stopped(seen, journey, now=wanted.now, unread=unread, usual=learn)
    searched = tuple(dict.fromkeys(one.service for one in asked))
    zone = ZoneInfo(estate.org.timezone)
    sentence = in_words(blank(id_), stop, seen, searched, zone=zone, now=wanted.now)
    return Found(blank(id_), name, tuple(seen), stop, sentence, searched, tuple(map(blank, notes)))


def _asked(estate: Estate, wanted: Wanted, id_: str) -> Iterable[Asked]:
    for service, declared in estate.services.items():
        if service in wanted.hidden:
            continue
        for one in declared.find:
            zone = ZoneInfo(one.timezone or estate.org.timezone)
            host = estate.hosts.get(one.on or "")
            yield Asked(service, one, id_, wanted.since, wanted.until, zone, wanted.now, host)


def _journey(estate: Estate, id_: str) -> tuple[str | None, Journey | None]:
    """The journey whose ids look like this one; else the one that says nothing of its ids."""
    for name, one in estate.journeys.items():
        if one.id is not None and Pattern(f"~{one.id}").matches(id_):
            return name, one
    return next(
        ((name, one) for name, one in estate.journeys.items() if one.id is None), (None, None)
    )


def _answered(
    asked: Sequence[Asked], reach: Reach
) -> tuple[Mapping[int, Sequence[Seen]], list[str]]:
    """What each search found, by its place; of those that failed or were too slow, a note."""
    answers: dict[int, Sequence[Seen]] = {}
    notes: list[str] = []
    for index, (traces, more, failed) in enumerate(_at_once(asked, reach)):
        notes += more
        if not failed:
            answers[index] = traces
    return answers, notes


def _at_once(
    asked: Sequence[Asked], reach: Reach
) -> list[tuple[Sequence[Seen], Sequence[str], bool]]:
    threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="find")
    try:
        running = [threads.submit(_tried, one, reach) for one in asked]
        rounds = -(-len(asked) // AT_ONCE)
        longest = max((one.budget_s for one in asked), default=0.0)
        end = monotonic() + rounds * (longest + LATE_S)
        wait(running, timeout=end - monotonic())
        return [_result(one, future) for one, future in zip(asked, running, strict=True)]
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def _result(
    one: Asked, future: Future[tuple[Sequence[Seen], Sequence[str], bool]]
) -> tuple[Sequence[Seen], Sequence[str], bool]:
    if not future.done():
        return (), (f"{one.name} did not answer within {one.budget_s:g} s.",), True
    return future.result()


def _tried(one: Asked, reach: Reach) -> tuple[Sequence[Seen], Sequence[str], bool]:
    try:
        traces, notes = search(one, reach)
    except MainstayError as error:
        return (), (f"{one.name}: {error.sentence}",), True
    return traces, [f"{one.name}: {note}" for note in notes], False


def _usual(
    asked: Sequence[Asked], journey: Journey, reach: Reach, here: str, there: str
) -> Usual | None:
    """Learned from the other items in the logs of both services."""
    if journey.id is None:
        return None
    times: dict[str, dict[str, float]] = {here: {}, there: {}}
    for one in asked:
        if one.service in times and one.search.sql is None:
            try:
                found = first_times(one, journey.id, reach, within_s=SEARCH_S_MAX / 3)
            except MainstayError:
                continue
            for id_, at in found.items():
                known = times[one.service].get(id_, at)
                times[one.service][id_] = min(at, known)
    return usual_gap(times[here], times[there])
