"""Can anything that a stranger sends do more than be refused, in the words of its own protocol?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.poison.bodies import poisoned
from databases import fresh
from mainstay import signals
from mainstay.estate import JsonMap, Source
from mainstay.foundation.clock import from_us
from mainstay.foundation.db import Database, Place, open_database
from mainstay.foundation.errors import Invalid, MainstayError

pytestmark = pytest.mark.both

ARRIVAL = signals.Arrival("sig_01K0", 1_795_312_281_000_000)
TOP = {"version": "4", "groupKey": "g", "status": "firing"}
GOOD: dict[str, tuple[Source, Any]] = {
    "alertmanager": (
        Source(format="alertmanager"),
        [{"labels": {"alertname": "@"}, "startsAt": "2026-11-22T01:51:21Z"}],
    ),
    "alertmanager-webhook": (
        Source(format="alertmanager-webhook"),
        TOP | {"alerts": [{"status": "firing", "labels": {"a": "b"}, "fingerprint": "@"}]},
    ),
    "pagerduty": (
        Source(format="pagerduty"),
        {
            "event_action": "trigger",
            "payload": {
                "summary": "s",
                "source": "h",
                "severity": "error",
                "custom_details": {"x": "@"},
            },
        },
    ),
    "pagerduty-change": (
        Source(format="pagerduty"),
        {"payload": {"summary": "s", "custom_details": {"x": "@"}}},
    ),
    "json": (
        Source(format="json", map=JsonMap(key="$.job", summary="$.text")),
        {"job": "J1", "text": "abend", "more": "@"},
    ),
    "report": (
        Source(format="report"),
        {"summary": "pay is slow", "reporter": "ana", "details": "@"},
    ),
}
CASES = [
    pytest.param(door, body, id=f"{door}: {name}")
    for door, (_, good) in GOOD.items()
    for name, body in poisoned(good).items()
]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory, engine: str) -> Iterator[Database]:
    folder = Path(tmp_path_factory.mktemp("poison"))
    opened = open_database(Place(folder / "mainstay.db", fresh()))
    yield opened
    opened.close()


def receive(database: Database, name: str, body: bytes) -> signals.Reply:
    """What the HTTP edge does with a body, without HTTP."""
    door = signals.door_named(name)
    try:
        verdict = door.check(body, GOOD[name][0], ARRIVAL)
    except MainstayError as error:
        return door.refuse(error)
    at = from_us(ARRIVAL.at_us)
    one = signals.Arrived(ARRIVAL.receipt, at, "s", name, 1, {}, body, verdict)
    database.run(lambda tx: signals.admit(tx, [one]))
    return door.reply(ARRIVAL.receipt, verdict)


def in_own_shape(name: str, reply: signals.Reply) -> bool:
    """Whether the refusal is what that protocol's clients read."""
    said = json.loads(reply.body)
    match name:
        case "alertmanager":
            alone = isinstance(said, str)
            return alone or (set(said) == {"code", "message"} and said["code"] == reply.status)
        case "pagerduty" | "pagerduty-change":
            return said["status"] == "invalid event" and len(said["errors"]) == 1
    return reply.content_type == "application/problem+json" and {"detail", "pointer"} <= set(said)


@pytest.mark.parametrize(("name", "body"), CASES)
def test_a_hostile_body_is_refused_in_its_own_protocols_shape_and_leaves_no_row(
    name: str, body: bytes, database: Database
) -> None:
    reply = receive(database, name, body)
    assert 400 <= reply.status < 500
    assert in_own_shape(name, reply)
    assert database.read(lambda tx: tx.value("SELECT count(*) FROM signals_request")) == 0


@pytest.mark.parametrize("name", GOOD)
def test_the_body_that_the_poison_was_put_into_is_itself_taken(name: str) -> None:
    source, good = GOOD[name]
    assert len(signals.door_named(name).read(json.dumps(good).encode(), source, ARRIVAL).items) == 1


@pytest.mark.parametrize(
    ("name", "pointer"),
    [
        ("alertmanager", "/0/labels/alertname"),
        ("alertmanager-webhook", "/alerts/0/fingerprint"),
        ("pagerduty", "/payload/custom_details/x"),
        ("pagerduty-change", "/payload/custom_details/x"),
        ("json", "/more"),
        ("report", "/details"),
    ],
)
@pytest.mark.parametrize("value", [rb'"a\u0000b"', rb'"a\ud800b"'])
def test_the_refusal_points_at_the_text_that_no_database_takes(
    name: str, pointer: str, value: bytes
) -> None:
    source, good = GOOD[name]
    body = json.dumps(good).encode().replace(b'"@"', value)
    with pytest.raises(Invalid) as refused:
        signals.door_named(name).read(body, source, ARRIVAL)
    assert refused.value.pointer == pointer


def test_of_two_equal_keys_the_last_one_wins_in_every_format() -> None:
    event = b'{"event_action":"trigger","event_action":"resolve","dedup_key":"a","dedup_key":"b"}'
    read = signals.door_named("pagerduty").read(event, GOOD["pagerduty"][0], ARRIVAL)
    assert (read.items[0].kind, read.items[0].dedup_key) == ("resolve", "b")
    alerts = b'[{"labels":{"a":"x","a":"y"}}]'
    read = signals.door_named("alertmanager").read(alerts, GOOD["alertmanager"][0], ARRIVAL)
    assert read.items[0].labels == {"a": "y"}


def test_a_body_may_nest_64_levels_and_not_65() -> None:
    source = Source(format="json")
    read = signals.door_named("json").read
    start, end = b'{"summary":"s","x":', b"}"
    assert read(start + b"[" * 63 + b"]" * 63 + end, source, ARRIVAL).items
    with pytest.raises(Invalid, match="deeper than 64"):
        read(start + b"[" * 64 + b"]" * 64 + end, source, ARRIVAL)


def test_brackets_inside_texts_do_not_count_as_depth() -> None:
    body = json.dumps({"summary": "[" * 200 + '\\"' + "{" * 200}).encode()
    assert signals.door_named("json").read(body, Source(format="json"), ARRIVAL).items


@pytest.mark.parametrize("junk", [b'"\xff"', b"[" * 70 + b"]" * 70, b'"\\ud800"'])
def test_poison_in_a_field_that_nobody_reads_is_refused_too(junk: bytes) -> None:
    body = b'[{"labels":{"alertname":"A"},"unknown":' + junk + b"}]"
    with pytest.raises(Invalid):
        signals.door_named("alertmanager").read(body, GOOD["alertmanager"][0], ARRIVAL)
