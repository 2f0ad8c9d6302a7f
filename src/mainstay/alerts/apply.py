"""What one item of a signal does to the alert of its source and key.

What the source says (`source_state`) is kept apart from what people do: an alert closed by hand
stays closed while the source repeats the same firing, but only for a while; then it speaks again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from mainstay.alerts import store
from mainstay.alerts.alert import Alert, Change, Origin, State, worse
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.ids import Ids
from mainstay.signals import Item

HELD_BY_HAND = timedelta(minutes=15)
"""How long a firing that a person closed stays quiet while the source repeats it."""
ANNOTATIONS_MAX = 32
ANNOTATION_CHARS_MAX = 2_048
RESOLVE_REPEATS = timedelta(hours=1)
"""Senders repeat a resolve (Prometheus for 15 minutes): within this time it is no news."""


def apply(
    tx: Tx, ids: Ids, item: Item, *, origin: Origin, known: dict[store.Key, Alert | None]
) -> Change:
    """Fold one item into the alert of its source and key. Admitted twice is once.

    An alert that is `opened` is not stored yet: `store.insert` keeps it with its incident or its
    silence, once these are known. `known`: what `store.known` found when the transaction began; a
    key is taken out of it when it is used, for then it may change.
    """
    key = (origin.source, item.dedup_key)
    last = known.pop(key) if key in known else store.newest(tx, *key)
    is_open = last is not None and last.closed_at is None
    match item.kind:
        case "fire":
            if last is not None and is_open:
                return _repeat(tx, last, item, origin=origin)
            return _fire(tx, ids, item, last, origin=origin)
        case "resolve":
            if last is not None and is_open:
                return _resolve(tx, last, origin=origin)
            return _resolve_unknown(tx, ids, item, last, origin=origin)
        case "acknowledge":
            return _acknowledge(tx, ids, item, last if is_open else None, origin=origin)
        case _:
            raise AssertionError(f"a {item.kind} is no alert")


def _fire(tx: Tx, ids: Ids, item: Item, last: Alert | None, *, origin: Origin) -> Change:
    """The source says that a condition holds which is not open here."""
    if last is not None and _is_held_by_hand(last, item, origin):
        store.touch(tx, last.id, last_at=to_us(origin.now), receipt=origin.receipt)
        until = "the source goes on firing; it opens again 15 minutes after it was closed by hand"
        return Change("held", last, until)
    alert = _new(ids, item, origin=origin, state=State.OPEN)
    return Change("opened", alert, f"{origin.source} reported {item.summary!r}, which was not open")


def _is_held_by_hand(last: Alert, item: Item, origin: Origin) -> bool:
    """Whether a person closed this very firing a short while ago."""
    if last.state is not State.BY_HAND or last.source_state != "firing":
        return False
    assert last.closed_at is not None
    same_firing = item.started_at_us == last.started_at
    ago = origin.now - from_us(last.closed_at)
    return same_firing and abs(ago) < HELD_BY_HAND  # the clock may have been set back since


def _repeat(tx: Tx, alert: Alert, item: Item, *, origin: Origin) -> Change:
    """The source says again what is open: count it, take its newest words."""
    worsened = worse(item.severity, alert.severity)
    alert = replace(
        alert,
        severity=item.severity if worsened else alert.severity,
        summary=item.summary,
        annotations=_short(item.annotations),
        last_at=to_us(origin.now),
        expires_at=_expires(item, origin),
        repeats=alert.repeats + 1,
        last_receipt=origin.receipt,
    )
    store.repeat(tx, alert)
    if worsened:
        return Change(
            "worsened", alert, f"{origin.source} now reports {item.summary!r} as {item.severity}"
        )
    return Change("repeated", alert, f"repeat {alert.repeats} of an alert that is open")


def _resolve(tx: Tx, alert: Alert, *, origin: Origin) -> Change:
    alert = replace(
        alert,
        state=State.RESOLVED,
        source_state="resolved",
        closed_at=to_us(origin.now),
        last_at=to_us(origin.now),
        last_receipt=origin.receipt,
    )
    store.close(tx, alert)
    return Change("resolved", alert, f"{origin.source} says that {alert.summary!r} is over")


def _resolve_unknown(tx: Tx, ids: Ids, item: Item, last: Alert | None, *, origin: Origin) -> Change:
    """A resolve of what is not open: a repeat, the source's word on one closed by hand, or news."""
    if last is not None and last.source_state == "firing":
        settled = replace(last, source_state="resolved", last_receipt=origin.receipt)
        store.source_resolved(tx, settled)
        return Change(
            "resolved",
            settled,
            f"{origin.source} says that {last.summary!r} is over; it was closed here",
        )
    if last is not None and last.last_at > to_us(origin.now - RESOLVE_REPEATS):
        return Change("repeated", last, "it was resolved before")
    alert = _new(ids, item, origin=origin, state=State.RESOLVED)
    store.insert(tx, alert)
    because = f"the first that {origin.source} told of {item.summary!r} was its end; kept, nobody is paged"
    return Change("unknown", alert, because)


def _acknowledge(tx: Tx, ids: Ids, item: Item, alert: Alert | None, *, origin: Origin) -> Change:
    if alert is None:
        unknown = _new(ids, item, origin=origin, state=State.RESOLVED)
        return Change("repeated", unknown, "an acknowledgement of what is not open changes nothing")
    alert = replace(alert, source_acked=True, last_at=to_us(origin.now))
    store.source_acked(tx, alert)
    return Change(
        "acknowledged", alert, f"somebody acknowledged {alert.summary!r} at {origin.source}"
    )


def _new(ids: Ids, item: Item, *, origin: Origin, state: State) -> Alert:
    now = to_us(origin.now)
    closed = state is not State.OPEN
    return Alert(
        id=ids.new("alt", origin.now),
        source=origin.source,
        dedup_key=item.dedup_key,
        service=origin.service,
        severity=item.severity,
        summary=item.summary,
        labels=item.labels,
        annotations=_short(item.annotations),
        url=item.url,
        started_at=item.started_at_us if item.started_at_us is not None else now,
        opened_at=now,
        last_at=now,
        expires_at=None if closed else _expires(item, origin),
        repeats=0,
        source_state="resolved" if closed else "firing",
        source_acked=False,
        state=state,
        closed_at=now if closed else None,
        silence=None,
        incident=None,
        first_receipt=origin.receipt,
        last_receipt=origin.receipt,
        estate_version=origin.estate_version,
    )


def _short(annotations: dict[str, str]) -> dict[str, str]:
    """What a row keeps of them; the whole text stays in the raw signal."""
    if len(annotations) <= ANNOTATIONS_MAX and all(
        len(text) <= ANNOTATION_CHARS_MAX for text in annotations.values()
    ):
        return annotations
    first = list(annotations.items())[:ANNOTATIONS_MAX]
    return {name: text[:ANNOTATION_CHARS_MAX] for name, text in first}


def _expires(item: Item, origin: Origin) -> int | None:
    """Its own end, moved by the time the signal waited here: a backlog expires nothing."""
    return None if item.ends_at_us is None else item.ends_at_us + origin.waited_us


def expire(tx: Tx, alert: Alert, *, now_us: int) -> Change:
    """Its own time has run out and the source said nothing: closed as "not seen"."""
    alert = replace(alert, state=State.EXPIRED, closed_at=now_us)
    store.close(tx, alert)
    return Change(
        "resolved", alert, f"not seen: {alert.source} stopped repeating {alert.summary!r}"
    )


def close_by_hand(tx: Tx, alert: Alert, *, now_us: int, actor: str) -> Change:
    """A person says that it is over; what the source says is left as it is."""
    alert = replace(alert, state=State.BY_HAND, closed_at=now_us)
    store.close(tx, alert)
    return Change("resolved", alert, f"closed by {actor}")
