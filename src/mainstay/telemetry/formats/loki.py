"""Loki's push API (`/loki/api/v1/push`), as JSON or as snappy-packed protocol buffers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from mainstay.foundation.errors import Invalid
from mainstay.telemetry.formats.protobuf import fields, inner, text
from mainstay.telemetry.formats.record import (
    HOST,
    SERVICE,
    UNNAMED,
    Taken,
    first,
    instant,
    rank_of,
    read_line,
)
from mainstay.telemetry.formats.snappy import unpacked
from mainstay.telemetry.logs import Layouts
from mainstay.telemetry.store import Record

_LABEL = re.compile(r'([\w.]+)\s*=\s*"((?:[^"\\]|\\.)*)"')
_LEVEL = ("level", "detected_level", "severity")
Entry = tuple[Mapping[str, str], int, str]


class _Stream(msgspec.Struct):
    stream: dict[str, str] = {}
    values: list[list[object]] = []


class _Push(msgspec.Struct):
    streams: list[_Stream]


def read(body: bytes, *, packed: bool, reader: Layouts, received_us: int, bytes_max: int) -> Taken:
    """The records of a push; `packed`: it is a snappy-packed protocol buffer."""
    taken = Taken()
    entries = _from_buffer(unpacked(body, bytes_max=bytes_max)) if packed else _from_json(body)
    for labels, at_us, line in entries:
        rank = rank_of(first(labels, _LEVEL))
        told, source = read_line(line, reader)
        taken.records.append(
            Record(
                instant(at_us, received_us), received_us, told if rank is None else rank,
                first(labels, SERVICE, UNNAMED), first(labels, HOST), source, line,
            )
        )  # fmt: skip
    return taken


def _from_json(body: bytes) -> Iterator[Entry]:
    try:
        found = msgspec.json.decode(body, type=_Push)
        for stream in found.streams:
            for at, line, *_ in stream.values:
                yield stream.stream, int(str(at)) // 1_000, str(line)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise Invalid(f"The body is no push of Loki's: {error}.") from None


def _from_buffer(body: bytes) -> Iterator[Entry]:
    for number, stream in fields(body):
        if number != 1:
            continue
        parts = list(fields(inner(stream)))
        labels = dict(_LABEL.findall("".join(text(one) for n, one in parts if n == 1)))
        for _, entry in (one for one in parts if one[0] == 2):
            at_us, line = 0, ""
            for n, value in fields(inner(entry)):
                if n == 1:
                    clock = dict(fields(inner(value)))
                    seconds, nanos = clock.get(1, 0), clock.get(2, 0)
                    at_us = int(seconds) * 1_000_000 + int(nanos) // 1_000
                elif n == 2:
                    line = text(value)
            yield labels, at_us, line
