"""Alertmanager's API v2, `POST /api/v2/alerts`: what Prometheus, vmalert and amtool send.

Rules as Alertmanager 0.25 has them: empty label values are dropped; one label must be left; names
are ASCII identifiers; an alert that has ended by now is a resolve; without `endsAt` it ends after
the resolve timeout; bad alerts are skipped, good ones kept, and the answer is 400 all the same.
Kinder than Alertmanager: a time that cannot be read spoils only its own alert, a `generatorURL`
that is none is dropped. Stricter: text after the end of the JSON, half a surrogate pair, NUL.
"""

from __future__ import annotations

import msgspec

from mainstay.estate import Source
from mainstay.foundation.errors import Invalid, MainstayError
from mainstay.signals.body import check_depth, check_text, decode_unbounded
from mainstay.signals.formats.door import Door, Reply, header_key, status_of
from mainstay.signals.formats.labels import LabelReader, summary_of
from mainstay.signals.item import (
    BAD_TOLD_MAX,
    Arrival,
    Bad,
    Item,
    Reading,
    Verdict,
    expiry,
    identity,
    web_url,
)


class _Alert(msgspec.Struct, gc=False):
    labels: dict[str, str]
    annotations: dict[str, str] | None = None
    startsAt: str | None = None
    endsAt: str | None = None
    generatorURL: str | None = None


_BODY: msgspec.json.Decoder[list[_Alert] | None] = msgspec.json.Decoder(list[_Alert] | None)
"""`null` is Go's empty list, and Alertmanager takes it."""


def read(body: bytes, source: Source, arrival: Arrival) -> Reading:
    """The alerts of one POST. Invalid when the body cannot be read, or when no alert is good."""
    alerts, reader = _alerts(body, source)
    timeout_us = round(source.resolve_timeout.total_seconds() * 1_000_000)
    ends = expiry(source, arrival)
    items: list[Item] = []
    bad: list[Bad] = []
    for n, alert in enumerate(alerts):
        try:
            items.append(_item(n, alert, reader, arrival, arrival.at_us + timeout_us, ends))
        except Invalid as error:
            bad.append(_bad(n, error))
    return sifted(items, bad)


def check(body: bytes, source: Source, arrival: Arrival) -> Verdict:
    """The verdict of `read`, a third of its cost: nothing is made of what was checked."""
    alerts, reader = _alerts(body, source)
    bad: list[Bad] = []
    for n, alert in enumerate(alerts):
        try:
            _checked(alert, reader)
        except Invalid as error:
            bad.append(_bad(n, error))
    good_n = len(alerts) - len(bad)
    _refuse_if_all(bad, good_n)
    return Verdict(good_n, tuple(bad))


def _alerts(body: bytes, source: Source) -> tuple[list[_Alert], LabelReader]:
    alerts = decode_unbounded(_BODY, body) or []
    check_text(body)
    check_depth(body, known=3 * len(alerts))  # an alert, its labels, its annotations
    return alerts, LabelReader(body, source)


def sifted(items: list[Item], bad: list[Bad]) -> Reading:
    """The reading; Invalid if there is nothing good in it, naming the first bad items."""
    _refuse_if_all(bad, len(items))
    return Reading(tuple(items), tuple(bad))


def _refuse_if_all(bad: list[Bad], good_n: int) -> None:
    if bad and not good_n:
        told = bad[:BAD_TOLD_MAX]
        listed = [{"pointer": one.pointer, "detail": one.sentence} for one in told]
        raise Invalid(bad[0].sentence, pointer=bad[0].pointer, items=listed)


def _bad(n: int, error: Invalid) -> Bad:
    return Bad(n, f"/{n}{error.pointer}", error.sentence)


def _checked(alert: _Alert, reader: LabelReader) -> tuple[dict[str, str], int | None, int | None]:
    """Its labels, start and end (microseconds), once every rule holds; else Invalid."""
    labels = reader.labels(alert.labels)
    if alert.annotations:
        reader.texts(alert.annotations, "/annotations")
    ended = reader.instant(alert.endsAt, "/endsAt") if alert.endsAt else None
    started = reader.instant(alert.startsAt, "/startsAt") if alert.startsAt else None
    if started is not None and ended is not None and ended < started:
        raise Invalid("An alert cannot end before it starts.", pointer="/endsAt")
    if alert.generatorURL:
        reader.text(alert.generatorURL, "/generatorURL")
    return labels, started, ended


def _item(
    n: int,
    alert: _Alert,
    reader: LabelReader,
    arrival: Arrival,
    default_end_us: int,
    expires_us: int | None,
) -> Item:
    source = reader.source
    labels, started, ended = _checked(alert, reader)
    annotations = alert.annotations or {}
    if started is None:
        started = arrival.at_us if ended is None else min(ended, arrival.at_us)
    over = ended is not None and ended <= arrival.at_us
    return Item(
        n=n,
        kind="resolve" if over else "fire",
        dedup_key=identity(labels, source.drop_labels),
        summary=summary_of(labels, annotations),
        severity=reader.severity(labels.get("severity")),
        labels=labels,
        annotations=annotations,
        url=web_url(alert.generatorURL),
        started_at_us=started,
        ends_at_us=ended if over else expires_us or ended or default_end_us,
        service_hint=labels.get("service"),
        facts={},
    )


def _reply(receipt: str, verdict: Verdict) -> Reply:
    """Empty and 200; 400 with the reasons where some were bad, though the good ones are kept."""
    if not verdict.bad:
        return Reply(200, b"")
    return _sentences([f"{bad.pointer}: {bad.sentence}" for bad in verdict.bad[:BAD_TOLD_MAX]])


def refuse(error: MainstayError) -> Reply:
    """A JSON text where alerts were wrong, {code, message} for all else: Alertmanager's shapes."""
    if "items" in error.facts:
        return _sentences([f"{bad['pointer']}: {bad['detail']}" for bad in error.facts["items"]])
    status = status_of(error)
    where = f"{error.pointer}: " if isinstance(error, Invalid) and error.pointer else ""
    words = {"code": status, "message": where + error.sentence}
    return Reply(status, msgspec.json.encode(words))


def _sentences(parts: list[str]) -> Reply:
    return Reply(400, msgspec.json.encode("; ".join(parts)))


DOORS = (
    Door(
        name="alertmanager",
        format="alertmanager",
        method="POST",
        paths=("/api/v2/alerts", "/in/{key}/api/v2/alerts"),
        read=read,
        own_check=check,
        key_of=header_key,
        reply=_reply,
        refuse=refuse,
    ),
)
