"""Alertmanager's webhook, version 4, and Grafana's, which is the same and more.

Each alert is told apart by its labels, as at Alertmanager's own door, and not by the `fingerprint`
it carries: that one counts the labels which the source declares as dropped. `groupKey` is kept as
a fact and decides nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec

from mainstay.estate import Source
from mainstay.foundation.errors import Invalid
from mainstay.signals.body import decode, fault
from mainstay.signals.formats.alertmanager import sifted
from mainstay.signals.formats.door import Door, header_key, problem, taken
from mainstay.signals.formats.labels import LabelReader, summary_of
from mainstay.signals.item import (
    Arrival,
    Bad,
    Item,
    Reading,
    expiry,
    identity,
    web_url,
)

_REQUEST_FACTS = (
    "groupKey", "receiver", "externalURL", "truncatedAlerts", "orgId", "title", "state", "message",
)  # fmt: skip
_ALERT_FACTS = (
    "fingerprint", "values", "valueString", "silenceURL", "dashboardURL", "panelURL", "imageURL",
)  # fmt: skip


class _Alert(msgspec.Struct, gc=False):
    status: str
    labels: dict[str, str]
    annotations: dict[str, str] | None = None
    startsAt: str | None = None
    endsAt: str | None = None
    generatorURL: str | None = None
    fingerprint: Any = None
    values: Any = None
    valueString: Any = None
    silenceURL: Any = None
    dashboardURL: Any = None
    panelURL: Any = None
    imageURL: Any = None


class _Body(msgspec.Struct):
    alerts: list[_Alert]
    version: str | None = None
    groupKey: Any = None
    receiver: Any = None
    externalURL: Any = None
    truncatedAlerts: Any = None
    orgId: Any = None
    title: Any = None
    state: Any = None
    message: Any = None


_BODY: msgspec.json.Decoder[_Body] = msgspec.json.Decoder(_Body)


def read(body: bytes, source: Source, arrival: Arrival) -> Reading:
    """The alerts of one notification. Invalid when it is no such body, or no alert is good."""
    found = decode(_BODY, body)
    if found.version not in (None, "1", "4"):  # Grafana says 1
        raise Invalid("Only version 4 of the webhook is read here.", pointer="/version")
    shared = _facts(found, _REQUEST_FACTS, "")
    reader = LabelReader(body, source)
    items: list[Item] = []
    bad: list[Bad] = []
    for n, alert in enumerate(found.alerts):
        try:
            items.append(_item(n, alert, reader, arrival, shared))
        except Invalid as error:
            bad.append(Bad(n, f"/alerts/{n}{error.pointer}", error.sentence))
    return sifted(items, bad)


def _item(
    n: int, alert: _Alert, reader: LabelReader, arrival: Arrival, shared: dict[str, Any]
) -> Item:
    source = reader.source
    if alert.status not in ("firing", "resolved"):
        raise Invalid("An alert's status is firing or resolved.", pointer="/status")
    over = alert.status == "resolved"
    labels = reader.labels(alert.labels)
    annotations = reader.texts(alert.annotations, "/annotations") if alert.annotations else {}
    ended = reader.instant(alert.endsAt, "/endsAt") if alert.endsAt else None
    started = reader.instant(alert.startsAt, "/startsAt") if alert.startsAt else None
    url = reader.text(alert.generatorURL, "/generatorURL") if alert.generatorURL else None
    return Item(
        n=n,
        kind="resolve" if over else "fire",
        dedup_key=identity(labels, source.drop_labels),
        summary=summary_of(labels, annotations),
        severity=reader.severity(labels.get("severity")),
        labels=labels,
        annotations=annotations,
        url=web_url(url),
        started_at_us=arrival.at_us if started is None else started,
        ends_at_us=(ended or arrival.at_us) if over else expiry(source, arrival),
        service_hint=labels.get("service"),
        facts=shared | _facts(alert, _ALERT_FACTS, ""),
    )


def _facts(holder: _Body | _Alert, names: tuple[str, ...], at: str) -> dict[str, Any]:
    """What is there of `names`. Invalid if one holds what cannot be kept."""
    found = {name: value for name in names if (value := getattr(holder, name)) not in (None, "")}
    wrong = fault(found, at)
    if wrong is not None:
        raise Invalid(wrong[1], pointer=wrong[0])
    return found


DOORS = (
    Door(
        name="alertmanager-webhook",
        format="alertmanager-webhook",
        method="POST",
        paths=("/hook/{key}", "/hook"),
        read=read,
        key_of=header_key,
        reply=taken,
        refuse=problem,
    ),
)
