"""Can any bytes at all make a reader do something else than read or refuse?

And does a door's check, which makes no items, say of every body what its reader says?
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay import signals
from mainstay.estate import JsonMap, SeverityMap, Source
from mainstay.foundation.errors import MainstayError
from mainstay.signals.body import fault

ARRIVAL = signals.Arrival("sig_1", 1_795_312_281_000_000)
MAP = JsonMap(
    key="$.id",
    summary="$.a.b[0]",
    severity=SeverityMap(from_="$.s"),
    items="$.all",
    labels="$.labels",
)
LABELS = {"alertname": "A", "severity": "page"}
TIMES = {"startsAt": "2026-11-22T01:51:21Z", "endsAt": "2026-11-22T02:51:21Z"}
ALERT = {"labels": LABELS, "annotations": {"summary": "s"}, "generatorURL": "http://x"} | TIMES
PAYLOAD = {"summary": "s", "source": "h", "severity": "error", "custom_details": {"a": [1, 2.5]}}
GOOD: dict[str, tuple[Source, Any]] = {
    "alertmanager": (Source(format="alertmanager", drop_labels=["severity"]), [ALERT, ALERT]),
    "alertmanager-webhook": (
        Source(format="alertmanager-webhook"),
        {"version": "4", "groupKey": "g", "alerts": [ALERT | {"status": "firing"}]},
    ),
    "pagerduty": (
        Source(format="pagerduty"),
        {"routing_key": "k" * 32, "event_action": "trigger", "payload": PAYLOAD, "links": [{}]},
    ),
    "pagerduty-change": (
        Source(format="pagerduty"),
        {"payload": PAYLOAD, "links": [{"href": "x"}]},
    ),
    "json": (
        Source(format="json", map=MAP),
        {"all": [{"id": 1, "a": {"b": ["x"]}, "s": "page", "labels": {"x": 1}}]},
    ),
    "report": (Source(format="report"), {"summary": "s", "reporter": "r", "details": "d"}),
}
BODIES = {name: json.dumps(good).encode() for name, (_, good) in GOOD.items()}
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
fragments = st.sampled_from(
    [b"\\ud800", b"\\u0000", b"\0", b"\xff", b"[", b"]", b"{", b"}", b'"', b"\\", b",", b"null", b"1e999",
     b"-", b"NaN", b"9" * 25, b'"labels":', b"\xed\xa0\x80", b":", b"0001-01-01T00:00:00Z", b"{}"]
)  # fmt: skip


def tried(
    look: Callable[..., Any], door: signals.Door, body: bytes, source: Source
) -> tuple[Any, signals.Reply | None]:
    """What was found, or how it is refused."""
    try:
        return look(body, source, ARRIVAL), None
    except MainstayError as error:
        return None, door.refuse(error)


def look(name: str, body: bytes) -> None:
    """Read or refuse, as the check says; what is read is fit for the database and read again."""
    door, source = signals.door_named(name), GOOD[name][0]
    with suppress(MainstayError):
        door.key_of({}, None, body)
    reading, refusal = tried(door.read, door, body, source)
    verdict, said = tried(door.check, door, body, source)
    assert said == refusal
    if refusal is not None:
        assert 400 <= refusal.status < 500
        json.loads(refusal.body)
        return
    assert (verdict.good_n, verdict.bad) == (len(reading.items), reading.bad)
    assert reading == door.read(body, source, ARRIVAL)
    for item in reading.items:
        assert item.dedup_key
        assert item.summary
        parts = [item.dedup_key, item.summary, item.labels, item.annotations, item.facts, item.url]
        assert fault([*parts, item.service_hint, item.started_at_us, item.ends_at_us]) is None
    json.loads(door.reply("sig_1", verdict).body or b"null")


@pytest.mark.parametrize("name", GOOD)
@given(body=st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
def test_arbitrary_bytes_are_read_or_refused(name: str, body: bytes) -> None:
    look(name, body)


@pytest.mark.parametrize("name", GOOD)
@given(data=st.data())
def test_a_damaged_body_is_read_or_refused(name: str, data: st.DataObject) -> None:
    body = BODIES[name]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, min(start + 30, len(body))))
        body = body[:start] + data.draw(fragments | st.binary(max_size=4)) + body[end:]
    look(name, body)


@pytest.mark.parametrize("name", GOOD)
@given(data=st.data())
def test_a_body_with_another_value_somewhere_is_read_or_refused(
    name: str, data: st.DataObject
) -> None:
    whole = json.loads(BODIES[name])
    part = whole
    while True:
        steps = list(part) if isinstance(part, dict) else list(range(len(part)))
        step = data.draw(st.sampled_from(steps))
        inner = part[step]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        part = inner
    part[step] = data.draw(values)
    look(name, json.dumps(whole).encode())
