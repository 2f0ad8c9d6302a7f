"""Prometheus's remote write 1 (`prometheus.WriteRequest`, snappy): series with their samples."""

from __future__ import annotations

import struct
from math import isfinite

from mainstay.telemetry.formats.protobuf import fields, inner, signed, text
from mainstay.telemetry.formats.record import SERVICE, UNNAMED, Measured, first, instant
from mainstay.telemetry.formats.snappy import unpacked
from mainstay.telemetry.store import Sample, labels_text

NAME = "__name__"
LABELS_MAX = 64


def read(body: bytes, *, received_us: int, bytes_max: int) -> Measured:
    """The samples of a request. Series without a name or with too many labels are counted, values
    that are no numbers (Prometheus's marks of staleness) are left out. Invalid if it is no request."""
    taken = Measured()
    for number, series in fields(unpacked(body, bytes_max=bytes_max)):
        if number == 1:
            _series(inner(series), received_us, taken)
    return taken


def _series(message: memoryview, received_us: int, taken: Measured) -> None:
    labels: dict[str, str] = {}
    values: list[tuple[float, int]] = []
    for number, part in fields(message):
        if number == 1:
            pair = {n: text(one) for n, one in fields(inner(part))}
            labels[pair.get(1, "")] = pair.get(2, "")
        elif number == 2:
            values.append(_sample(inner(part)))
    name = labels.pop(NAME, "")
    if not name or len(labels) > LABELS_MAX:
        taken.refused += len(values)
        return
    service, told = first(labels, SERVICE, UNNAMED), labels_text(labels)
    taken.samples += [
        Sample(instant(at_ms * 1_000, received_us), service, name, told, value)
        for value, at_ms in values if isfinite(value)
    ]  # fmt: skip


def _sample(message: memoryview) -> tuple[float, int]:
    value, at_ms = 0.0, 0
    for number, part in fields(message):
        if number == 1 and isinstance(part, int):
            (value,) = struct.unpack("<d", part.to_bytes(8, "little"))
        elif number == 2:
            at_ms = signed(part)
    return value, at_ms
