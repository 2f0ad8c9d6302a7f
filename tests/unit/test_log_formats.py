"""Are the bodies of real senders read as they mean them, and bad ones refused without harm?"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.foundation.errors import MainstayError, OverLimit
from mainstay.telemetry.formats import (
    Frames,
    bulk,
    loki,
    read_exposition,
    read_otlp_metrics,
    read_otlp_traces,
    read_remote_write,
    syslog,
)
from mainstay.telemetry.formats.otlp import logs as otlp
from mainstay.telemetry.formats.snappy import unpacked
from mainstay.telemetry.logs import Layouts

AT_US = 1_772_323_200_123_000
NOW = datetime(2026, 3, 1, 0, 1, tzinfo=UTC)
NOW_US = round(NOW.timestamp() * 1e6)


def reader() -> Layouts:
    return Layouts(now=NOW, zone=UTC)


# -- what senders send -----------------------------------------------------------------------------


def varint(number: int) -> bytes:
    found = b""
    while number > 0x7F:
        found, number = found + bytes([number & 0x7F | 0x80]), number >> 7
    return found + bytes([number])


def field(number: int, value: int | bytes | str, *, fixed: bool = False) -> bytes:
    if isinstance(value, int):
        return (
            varint(number << 3 | 1) + struct.pack("<Q", value)
            if fixed
            else varint(number << 3) + varint(value)
        )
    body = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(body)) + body


def attribute(name: str, value: bytes) -> bytes:
    return field(1, name) + field(2, value)


OTLP_LOG = (
    field(1, AT_US * 1_000, fixed=True) + field(2, 17) + field(3, "ERROR") + field(5, field(1, "no connection"))
    + field(6, attribute("order", field(3, 42))) + field(6, attribute("exception.stacktrace", field(1, "X\n at y")))
    + field(9, b"\x01" * 16)
)  # fmt: skip
OTLP = field(1, field(1, field(1, attribute("service.name", field(1, "shop"))))
             + field(2, field(1, field(1, "shop.db")) + field(2, OTLP_LOG)))  # fmt: skip
OTLP_JSON = {"resourceLogs": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
    "scopeLogs": [{"scope": {"name": "shop.db"}, "logRecords": [{
        "timeUnixNano": str(AT_US * 1_000), "severityNumber": 17, "severityText": "ERROR",
        "body": {"stringValue": "no connection"},
        "attributes": [{"key": "order", "value": {"intValue": "42"}},
                       {"key": "exception.stacktrace", "value": {"stringValue": "X\n at y"}}],
    }]}],
}]}  # fmt: skip


@pytest.mark.parametrize("body", [OTLP, json.dumps(OTLP_JSON).encode()])
def test_otlp_is_read_from_json_and_from_protocol_buffers(body: bytes) -> None:
    (one,) = otlp.read(body, packed=body is OTLP, reader=reader(), received_us=NOW_US).records
    assert one == (AT_US, NOW_US, 4, "shop", "", "shop.db", "no connection\norder=42\nX\n at y")


def test_lokis_push_is_read_from_json() -> None:
    body = {"streams": [{"stream": {"app": "shop", "host": "h-1"}, "values": [
        [str(AT_US * 1_000), "level=error msg=\"no\" ts=1"], [str(AT_US * 1_000), "ERROR x: y", {"trace": "1"}],
    ]}]}  # fmt: skip
    found = loki.read(
        json.dumps(body).encode(),
        packed=False,
        reader=reader(),
        received_us=NOW_US,
        bytes_max=1_000,
    ).records
    assert [(one.at_us, one.rank, one.service, one.host) for one in found] == [
        (AT_US, 4, "shop", "h-1")
    ] * 2


def test_lokis_push_is_read_from_snappy() -> None:
    clock = field(1, AT_US // 1_000_000) + field(2, AT_US % 1_000_000 * 1_000)
    push = field(
        1, field(1, '{job="shop", level="warn"}') + field(2, field(1, clock) + field(2, "slow"))
    )
    packed = varint(len(push)) + bytes([60 << 2, len(push) - 1]) + push
    (one,) = loki.read(
        packed, packed=True, reader=reader(), received_us=NOW_US, bytes_max=1_000
    ).records
    assert (one.at_us, one.rank, one.service, one.body) == (AT_US, 3, "shop", "slow")


def test_bulk_is_read_and_answered_item_by_item() -> None:
    document = {"@timestamp": "2026-03-01T00:00:00.123Z", "message": "no connection", "log": {"level": "error"},
                "service": {"name": "shop"}, "host": {"name": "h-1"}}  # fmt: skip
    lines = [
        {"create": {"_index": "logs"}},
        document,
        {"index": {}},
        {"no": "message"},
        {"delete": {"_id": "1"}},
    ]
    body = "\n".join(json.dumps(one) for one in lines).encode() + b"\n"
    taken, statuses = bulk.read(body, reader=reader(), received_us=NOW_US)
    assert taken.records == [(AT_US, NOW_US, 4, "shop", "h-1", "", "no connection")]
    assert statuses == [("create", 201), ("index", 400), ("delete", 400)]
    assert bulk.reply(statuses)["errors"] is True


def test_syslog_is_read_in_both_forms() -> None:
    messages = [
        b"<11>1 2026-03-01T00:00:00.123Z h-1 shop 7 - - no connection",
        b"<14>Mar  1 00:00:00 h-2 cron[1]: tick\n",
    ]
    found = syslog.read(messages, reader=reader(), received_us=NOW_US, sender="10.0.0.1").records
    assert [(one.rank, one.service, one.host, one.body) for one in found] == [
        (4, "shop", "h-1", "no connection"), (2, "cron", "h-2", "tick"),
    ]  # fmt: skip
    assert found[0].at_us == AT_US


@given(
    st.lists(
        st.binary(min_size=1, max_size=40).map(lambda m: b"<1>" + m.replace(b"\n", b"")), max_size=8
    ),
    st.data(),
)
def test_frames_come_out_whole_however_they_are_cut(
    messages: list[bytes], data: st.DataObject
) -> None:
    counted = data.draw(st.booleans())
    stream = b"".join(b"%d %s" % (len(one), one) if counted else one + b"\n" for one in messages)
    frames, found, at = Frames(), [], 0
    while at < len(stream):
        size = data.draw(st.integers(1, 30))
        found += frames.add(stream[at : at + size])
        at += size
    assert found == (messages if counted else [one.rstrip(b"\r\0") for one in messages])


def test_a_message_without_end_does_not_grow() -> None:
    frames = Frames()
    found = [one for _ in range(40) for one in frames.add(b"x" * 65_536)]
    assert max(map(len, found)) <= 65_536
    assert [one for _ in range(3) for one in frames.add(b"\n999999 " + b"y" * 400_000)]


def test_a_clock_that_cannot_be_right_is_not_believed() -> None:
    late = syslog.read(
        [b"<11>1 1999-01-01T00:00:00Z h p - - - x"], reader=reader(), received_us=NOW_US, sender=""
    )
    assert late.records[0].at_us == NOW_US


def test_snappy_copies_what_it_has_written() -> None:
    assert (
        unpacked(bytes([12, 1 << 2]) + b"ab" + bytes([(10 - 4) << 2 | 1, 2]), bytes_max=99)
        == b"ab" * 6
    )
    far = bytes([6, 2 << 2]) + b"xyz" + bytes([2 << 2 | 2, 3, 0])
    assert unpacked(far, bytes_max=99) == b"xyzxyz"


READERS: list[Callable[[bytes], object]] = [
    lambda body: otlp.read(body, packed=True, reader=reader(), received_us=NOW_US),
    lambda body: otlp.read(body, packed=False, reader=reader(), received_us=NOW_US),
    lambda body: loki.read(body, packed=True, reader=reader(), received_us=NOW_US, bytes_max=10_000),
    lambda body: loki.read(body, packed=False, reader=reader(), received_us=NOW_US, bytes_max=10_000),
    lambda body: bulk.read(body, reader=reader(), received_us=NOW_US),
    lambda body: syslog.read(Frames().add(body), reader=reader(), received_us=NOW_US, sender=""),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(READERS)))
@given(body=st.binary(max_size=200) | st.sampled_from([OTLP, OTLP[:-3], b"[" * 5_000, b"{}", b"null", b'{"streams":1}',
       b'{"resourceLogs":[{"resource":7,"scopeLogs":[{"scope":[],"logRecords":[{"body":{"kvlistValue":{"values":3}},"timeUnixNano":"x"}]}]}]}',
       b'{"index":{}}\n', b"\xff\xff\xff\xff\x0f\x00"]))  # fmt: skip
def test_a_bad_body_is_refused_in_words_or_used(number: int, body: bytes) -> None:
    with suppress(MainstayError):
        READERS[number](body)


# -- metrics and traces ------------------------------------------------------------------------------


def small(packed: bytes) -> bytes:
    """A snappy block of one literal."""
    return varint(len(packed)) + bytes([60 << 2, len(packed) - 1]) + packed


SERIES = (
    field(1, field(1, "__name__") + field(2, "up")) + field(1, field(1, "job") + field(2, "shop"))
    + field(2, field(1, int.from_bytes(struct.pack("<d", 1.5), "little"), fixed=True) + field(2, AT_US // 1_000))
    + field(2, field(1, 0x7FF0000000000002, fixed=True) + field(2, AT_US // 1_000))
)  # fmt: skip
WRITE = small(field(1, SERIES) + field(1, field(2, field(2, 1))))
TELEMETRY_READERS = (
    lambda body: read_remote_write(body, received_us=NOW_US, bytes_max=1 << 20),
    lambda body: read_exposition(body, service="shop", received_us=NOW_US),
    lambda body: read_otlp_metrics(body, packed=True, received_us=NOW_US),
    lambda body: read_otlp_metrics(body, packed=False, received_us=NOW_US),
    lambda body: read_otlp_traces(body, packed=True, received_us=NOW_US),
    lambda body: read_otlp_traces(body, packed=False, received_us=NOW_US),
)
ODD = [
    b'{"resourceMetrics":[{"resource":7,"scopeMetrics":[{"metrics":[{"name":5,"gauge":{"dataPoints":[{"asInt":[]},{"attributes":{"a":1}},7]}}]}]}]}',
    b'{"resourceMetrics":{"a":1}}', b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"x"},{}]}]}]}',
    b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"1","spanId":"1","startTimeUnixNano":1e400,"endTimeUnixNano":"0"}]}]}]}',
    b"[" * 5_000, WRITE[:-3], b"a{" + b'b="' * 3_000, b"x{a=\"1\"} 1e999\n", b"\x0a\x02\x0a\x00",
]  # fmt: skip


def test_remote_write_is_read_without_marks_of_staleness_and_nameless_series() -> None:
    taken = read_remote_write(WRITE, received_us=NOW_US, bytes_max=1 << 20)
    assert taken.samples == [(AT_US // 1_000 * 1_000, "shop", "up", '{"job":"shop"}', 1.5)]
    assert taken.refused == 1
    with pytest.raises(OverLimit):
        read_remote_write(WRITE, received_us=NOW_US, bytes_max=10)


def test_what_an_exporter_shows_is_read_line_by_line() -> None:
    page = b'# TYPE a counter\na_total{x="1", y="\\\\\\"\\n"} 3 # {t="1"} 1\nb -Inf\nc{ 1\nd 2 1700000000\n'
    taken = read_exposition(page, service="shop", received_us=NOW_US)
    assert [(one.name, one.value) for one in taken.samples] == [("a_total", 3), ("d", 2)]
    assert json.loads(taken.samples[0].labels) == {"x": "1", "y": '\\"\n', "service": "shop"}
    assert taken.refused == 1


@pytest.mark.parametrize("number", range(len(TELEMETRY_READERS)))
@given(body=st.binary(max_size=200) | st.sampled_from(ODD))
def test_a_bad_body_of_metrics_or_traces_is_refused_in_words_or_used(
    number: int, body: bytes
) -> None:
    with suppress(MainstayError):
        TELEMETRY_READERS[number](body)
