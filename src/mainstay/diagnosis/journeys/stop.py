"""Where an item stopped, told from its traces, its way, and how soon others go on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mainstay.diagnosis.journeys.trace import Seen, Stop
from mainstay.estate import Journey

NEARLY_ALL = 0.95
"""`Normally` is what this share of the others keep."""
OTHERS_MIN = 5
"""Fewer teach nothing."""
Usual = tuple[float, int]
"""(seconds within which nearly all go on, how many were seen)."""


def usual_gap(here: Mapping[str, float], there: Mapping[str, float]) -> Usual | None:
    """How soon items go on: id → first time (Unix seconds), here and at the next service."""
    gaps = sorted(there[one] - at for one, at in here.items() if there.get(one, at - 1) >= at)
    if len(gaps) < OTHERS_MIN:
        return None
    return gaps[min(len(gaps) - 1, int(len(gaps) * NEARLY_ALL))], len(gaps)


def stopped(
    seen: Sequence[Seen],
    journey: Journey,
    *,
    now: datetime,
    unread: Collection[str],
    usual: Callable[[str, str], Usual | None],
) -> Stop | None:
    """None: it was seen nowhere on its way. `unread`: services whose traces could not be read."""
    latest = {one.service: one.at for one in seen}
    for one in seen:
        if one.at is not None:
            latest[one.service] = one.at
    reached = [index for index, service in enumerate(journey.through) if service in latest]
    if not reached:
        return None
    last = reached[-1]
    service = journey.through[last]
    skipped = tuple(
        name for name in journey.through[:last] if name not in latest and name not in unread
    )
    if last == len(journey.through) - 1:
        return Stop(service, latest[service], None, skipped)
    then, at = journey.through[last + 1], latest[service]
    if then in unread:
        return Stop(service, at, then, skipped, known=False)
    within_s, others = _within(journey, service, then, usual)
    late = at is None or within_s is None or now > at + timedelta(seconds=within_s)
    return Stop(service, at, then, skipped, within_s, others, late)


def _within(
    journey: Journey, service: str, then: str, usual: Callable[[str, str], Usual | None]
) -> tuple[float | None, int]:
    if journey.within is not None:
        return journey.within.total_seconds(), 0
    return usual(service, then) or (None, 0)


# -- in words --------------------------------------------------------------------------------------


def in_words(
    id_: str, stop: Stop | None, seen: Sequence[Seen], searched: Collection[str], *,
    zone: ZoneInfo, now: datetime,
) -> str:  # fmt: skip
    """The answer in a sentence or two."""
    if not seen:
        where = ", ".join(searched) or "any service: none declares `find`"
        return f"No trace of {id_} was found in {where}."
    if stop is None:
        last = max((one for one in seen if one.at), key=lambda one: str(one.at), default=seen[-1])
        return f"Last seen in {last.service}{_when(last.at, zone, now)}."
    words = f"Last seen in {stop.service}{_when(stop.at, zone, now)}"
    if stop.next is None:
        words = f"It went all the way: {words[0].lower()}{words[1:]}"
    elif not stop.known:
        words += f"; whether {stop.next} has it is not known, since its traces could not be read"
    elif stop.within_s is None:
        words += f"; {stop.next} should follow, and has no trace of it"
    else:
        words += f"; normally {stop.next} follows within {_span(stop.within_s)}"
        words += "" if stop.late else ", which is not over yet"
    if stop.skipped:
        words += f". No trace of it in {', '.join(stop.skipped)}, which comes before"
    return f"{words}."


def _when(at: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    if at is None:
        return ", at a time that its trace does not say"
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    return f" at {local:%H:%M:%S}" if local.date() == today else f" on {local:%Y-%m-%d at %H:%M:%S}"


def _span(seconds: float) -> str:
    if seconds < 1:
        return "a second"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
