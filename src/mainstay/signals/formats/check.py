"""What a check of ours says of itself: {name, check, host, service, …, kind: fire | resolve}.

It enters by `accept` like anybody's signal; no door stands open for it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from mainstay.estate import Severity, Source
from mainstay.signals.body import decode
from mainstay.signals.formats.door import Door, header_key, problem, taken
from mainstay.signals.item import Arrival, Item, Reading, one_line


class Check(msgspec.Struct):
    """The body. `labels` are what silences and routes match, beside the service's."""

    name: str
    kind: Literal["fire", "resolve"]
    service: str
    summary: str
    severity: Severity
    since_us: int
    labels: dict[str, str]
    annotations: dict[str, str] = {}


_BODY: msgspec.json.Decoder[Check] = msgspec.json.Decoder(Check)


def read(body: bytes, source: Source, arrival: Arrival) -> Reading:
    """The one item; its key is the check's name, so that a check has one alert."""
    said = decode(_BODY, body)
    item = Item(
        n=0, kind=said.kind, dedup_key=f"check:{said.name}", summary=one_line(said.summary),
        severity=said.severity, labels=said.labels | {"service": said.service},
        annotations=said.annotations, url=None, started_at_us=said.since_us, ends_at_us=None,
        service_hint=said.service, facts={},
    )  # fmt: skip
    return Reading((item,))


DOORS = (
    Door(
        name="check", format="report", method="POST", paths=(), read=read, key_of=header_key,
        reply=taken, refuse=problem,
    ),
)  # fmt: skip
