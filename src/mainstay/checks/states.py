"""Questions about checks: how they stand, what was measured, what is remembered of the past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from mainstay.checks import store, times
from mainstay.checks.result import Result, Standing, State
from mainstay.checks.sheet import Sheet, Watched
from mainstay.foundation.clock import EPOCH, to_us
from mainstay.foundation.db import Tx

_WEEK_US = 7 * 86_400_000_000
_HALF_HOUR_US = 1_800_000_000
REMEMBERED = timedelta(days=90)
HISTORY_MAX = 1_000


def states(
    tx: Tx,
    sheet: Sheet,
    *,
    now: datetime,
    ids: tuple[str, ...] = (),
    tag: str | None = None,
    service: str | None = None,
) -> list[Standing]:
    """How the checks chosen stand, in the order of the estate.

    One that was not looked at within `fresh` after it was due is "not seen", never healthy.
    NotFound for an id that is none.
    """
    chosen = sheet.choose(ids=ids, tag=tag, service=service)
    kept = store.of_names(tx, [one.name for one in chosen])
    return [as_seen(one, kept.get(one.name), sheet, now=now) for one in chosen]


def as_seen(one: Watched, kept: Standing | None, sheet: Sheet, *, now: datetime) -> Standing:
    """The standing as it is to be believed at `now`."""
    if kept is None:
        return waiting(one, now)
    if is_stale(one, kept, sheet, now=now) and kept.state is not State.NOT_SEEN:
        assert kept.at is not None
        words = f"not seen since {kept.at:%Y-%m-%d %H:%M} UTC; it was {kept.state} then"
        kept = replace(kept, state=State.NOT_SEEN, since=kept.at + one.fresh, sentence=words)
    if kept.muted is None and not one.is_beat and not times.is_active(one, sheet, now):
        return replace(kept, muted="outside its active times")
    return kept


def is_stale(one: Watched, kept: Standing, sheet: Sheet, *, now: datetime) -> bool:
    """Whether it should have been looked at by now. A heartbeat knows by itself when it is late."""
    if one.is_beat or kept.at is None or now - kept.at <= one.fresh:
        return False
    return now > times.next_look(one, sheet, after=kept.at) + one.fresh


def waiting(one: Watched, now: datetime) -> Standing:
    """How it stands before the first look."""
    return Standing(
        one.name, one.id, one.host_id, one.check.service, State.WAITING, now,
        "it has not been looked at yet",
    )  # fmt: skip


def history(
    tx: Tx, name: str, *, since: datetime, before: datetime, limit: int = HISTORY_MAX
) -> list[Result]:
    """The kept results of one check (`id`, or `id@host`), newest first.

    Every failure and every change is kept, and of what stays well one look a minute.
    """
    return store.results(tx, name, since=since, before=before, limit=min(limit, HISTORY_MAX))


class Remembered:
    """What the history knows of one check, for the conditions that ask of the past."""

    def __init__(self, tx: Tx, name: str, now: datetime) -> None:
        self._tx = tx
        self._name = name
        self._now_us = to_us(now)
        self._since_us = to_us(max(now - REMEMBERED, EPOCH))

    def last(self, name: str, count: int) -> Sequence[tuple[float, float]]:
        """(seconds ago, value), newest first."""
        rows = store.measured(
            self._tx, self._name, since_us=self._since_us, before_us=self._now_us,
            limit=min(count, HISTORY_MAX),
        )  # fmt: skip
        return [
            ((self._now_us - at) / 1e6, number)
            for at, values in rows
            if (number := _number(values, name)) is not None
        ]

    def same_hour(self, name: str, weeks: int) -> Sequence[float]:
        """Its values around this time of the week, in past weeks."""
        found = []
        for week in range(1, min(weeks, 13) + 1):
            middle = self._now_us - week * _WEEK_US
            rows = store.measured(
                self._tx, self._name, since_us=middle - _HALF_HOUR_US,
                before_us=middle + _HALF_HOUR_US, limit=HISTORY_MAX,
            )  # fmt: skip
            found += [n for _, values in rows if (n := _number(values, name)) is not None]
        return found


def _number(values: Any, name: str) -> float | None:
    for step in name.split("."):
        values = values.get(step) if isinstance(values, dict) else None
    if isinstance(values, bool) or not isinstance(values, int | float):
        return None
    return float(values)
