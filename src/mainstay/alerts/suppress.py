"""Silences: mute what matches, with an author, a reason and an end; then it speaks again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from mainstay.alerts import store
from mainstay.alerts.alert import Alert
from mainstay.alerts.matchers import Matcher, fits_all
from mainstay.alerts.store import Silence
from mainstay.foundation import due
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Invalid, NotFound
from mainstay.foundation.ids import Ids

SILENCE_LONGEST = timedelta(days=180)
SILENCES_MAX = 1_000
"""In force or to come: each is asked about every new alert."""
SLICE = 500
"""Alerts that one transaction mutes, unmutes or closes: about 20 ms that a page may have to wait.
What is left of a hundred thousand goes on by due rows."""
MATCHERS_MAX = 50
MATCHER_CHARS_MAX = 1_000
REASON_CHARS_MAX = 1_000
"""It stands in the record once more for each alert that falls silent."""
AUTHOR_CHARS_MAX = 200
SILENCE_DUE = "alerts.silence"
"""The due rows at which a silence starts or ends; their key is its id."""
MUTE_DUE = "alerts.mute"
"""A silence in force that has not yet been held against every alert; facts: `at` and `id`, where."""
UNMUTE_DUE = "alerts.unmute"
"""A silence that is over, of which alerts are muted still."""


class Silences:
    """The silences in force at one instant, compiled once for a batch of alerts."""

    __slots__ = ("_live",)

    def __init__(self, live: list[Silence]) -> None:
        self._live = live

    @staticmethod
    def load(tx: Tx, now: datetime) -> Silences:
        """Those in force now."""
        return Silences(store.live_silences(tx, to_us(now)))

    def of(self, alert: Alert) -> Silence | None:
        """The first that mutes `alert`, or None."""
        if not self._live:
            return None
        labels = matched_labels(alert)
        return next((s for s in self._live if fits_all(s.matchers, labels)), None)


def matched_labels(alert: Alert) -> dict[str, str]:
    """What matchers see: the alert's labels; our `source`, `service`, `severity` where it has none."""
    ours = {"source": alert.source, "service": alert.service, "severity": alert.severity}
    return {**ours, **alert.labels}


def silence(
    tx: Tx, ids: Ids, matchers: tuple[Matcher, ...], *, starts_at: datetime, ends_at: datetime,
    author: str, reason: str, now: datetime,
) -> tuple[Silence, list[Alert]]:  # fmt: skip
    """A new silence, and the open alerts that it mutes at once. Invalid says what to change."""
    _check(matchers, starts_at, ends_at, reason=reason, now=now)
    _check_sizes(matchers, author, reason)
    if store.silences_n(tx, to_us(now)) >= SILENCES_MAX:
        words = f"There are {SILENCES_MAX:,} silences, the most that there may be. End one first."
        raise Conflict(words)
    made = Silence(
        id=ids.new("sil", now),
        matchers=matchers,
        starts_at=to_us(starts_at),
        ends_at=to_us(ends_at),
        author=author,
        reason=reason.strip(),
        created_at=to_us(now),
        ended_at=None,
    )
    store.insert_silence(tx, made)
    if starts_at > now:
        due.plan(tx, SILENCE_DUE, made.id, at=starts_at)
        return made, []
    return made, start_silence(tx, made, now=now)


def start_silence(tx: Tx, made: Silence, *, now: datetime) -> list[Alert]:
    """It is in force: mute what matches, as `mute_on`, and plan its end."""
    due.plan(tx, SILENCE_DUE, made.id, at=from_us(made.ends_at))
    return mute_on(tx, made, before=None, now=now)


def mute_on(tx: Tx, made: Silence, *, before: tuple[int, str] | None, now: datetime) -> list[Alert]:
    """The next `SLICE` open alerts, newest first: those that it mutes. The rest is due at once.

    `before`: the (opened_at, id) that it has come to. What opens from now on is held against every
    silence as it comes.
    """
    rows = store.page_open(tx, service=None, before=before, limit=SLICE)
    muted = [
        alert
        for alert in rows
        if alert.silence is None and fits_all(made.matchers, matched_labels(alert))
    ]
    for alert in muted:
        store.mute(tx, alert.id, made.id)
    if len(rows) == SLICE:
        last = {"at": rows[-1].opened_at, "id": rows[-1].id}
        due.plan(tx, MUTE_DUE, made.id, at=now, facts=last)
    return muted


def end_silence(tx: Tx, silence_id: str, *, now: datetime) -> tuple[Silence, list[Alert]]:
    """Over, by hand or by its end; returns the alerts that speak again, as `unmute_on`."""
    ended = store.get_silence(tx, silence_id)
    if ended is None:
        raise NotFound(f"No silence {silence_id!r}.")
    if not store.end_silence(tx, silence_id, to_us(now)):
        raise Conflict("This silence is over already.")
    due.cancel(tx, SILENCE_DUE, silence_id)
    due.cancel(tx, MUTE_DUE, silence_id)
    return ended, unmute_on(tx, silence_id, now=now)


def unmute_on(tx: Tx, silence_id: str, *, now: datetime) -> list[Alert]:
    """The next `SLICE` alerts of a silence that is over: those that still fire and speak again.

    An alert that another silence fits stays muted, by that one. The rest is due at once.
    """
    others = Silences.load(tx, now)
    freed = store.muted_by(tx, silence_id, limit=SLICE)
    speaking = []
    for alert in freed:
        other = others.of(alert)
        store.mute(tx, alert.id, other.id if other else None)
        if other is None:
            speaking.append(alert)
    if len(freed) == SLICE:
        due.plan(tx, UNMUTE_DUE, silence_id, at=now)
    return speaking


def unmute(tx: Tx, alert: Alert) -> Alert:
    """The alert as it is heard again: what it became is not what its silence was made for."""
    store.mute(tx, alert.id, None)
    return replace(alert, silence=None)


def _check(
    matchers: tuple[Matcher, ...], starts_at: datetime, ends_at: datetime, *,
    reason: str, now: datetime,
) -> None:  # fmt: skip
    if not matchers:
        raise Invalid("A silence needs a matcher, such as service=pay-api.", pointer="/matchers")
    if all(m.fits({}) for m in matchers):
        raise Invalid(
            "These matchers fit every alert; name a label that must be there.", pointer="/matchers"
        )
    if not reason.strip():
        raise Invalid("A silence needs a reason: who reads it at night?", pointer="/reason")
    if ends_at <= max(starts_at, now):
        raise Invalid("A silence must end after it starts, and after now.", pointer="/ends_at")
    if ends_at - starts_at > SILENCE_LONGEST:
        raise Invalid(f"A silence lasts at most {SILENCE_LONGEST.days} days.", pointer="/ends_at")


def _check_sizes(matchers: tuple[Matcher, ...], author: str, reason: str) -> None:
    """Every alert from now on is compared with this; so it must be short."""
    if len(matchers) > MATCHERS_MAX:
        raise Invalid(f"A silence has at most {MATCHERS_MAX} matchers.", pointer="/matchers")
    for number, one in enumerate(matchers):
        if len(one.name) + len(one.value) > MATCHER_CHARS_MAX:
            words = f"A matcher has at most {MATCHER_CHARS_MAX:,} characters."
            raise Invalid(words, pointer=f"/matchers/{number}")
    if len(reason) > REASON_CHARS_MAX:
        words = f"A reason has at most {REASON_CHARS_MAX:,} characters."
        raise Invalid(words, pointer="/reason")
    if len(author) > AUTHOR_CHARS_MAX:
        raise Invalid(f"An author has at most {AUTHOR_CHARS_MAX} characters.", pointer="/author")
