"""Do the probes of queues say how long they are? RabbitMQ's answers are those of a real one (3.10)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from test_probes_net import Site, says

from looking import look
from mainstay.checks.probes.queues.exposition import Sample, samples

REPLIES = Path(__file__).parent / "replies" / "rabbitmq"
"""Recorded of Debian's rabbitmq-server 3.10.8, which takes too long to start for each test."""
QUEUE, NODES = "/api/queues/%2F/pay", "/api/nodes"
HEADER = "Basic " + base64.b64encode(b"watch:canary-mq").decode()


def replied(name: str) -> bytes:
    return (REPLIES / f"{name}.json").read_bytes()


def _who(body: bytes) -> Any:
    """As RabbitMQ: only who proves themselves is answered."""

    def handle(request: BaseHTTPRequestHandler) -> None:
        if request.headers.get("authorization") == HEADER:
            says(body)(request)
        else:
            says(replied("refused"), 401)(request)

    return handle


@pytest.fixture
def broker() -> Iterator[Site]:
    made = Site()
    made.paths |= {QUEUE: _who(replied("queue")), NODES: _who(replied("nodes"))}
    yield made
    made.end()


def _asked(
    broker: Site, secret: str = "canary-mq", now: datetime | None = None, **more: Any
) -> Any:
    wanted = {"queue": "pay", "url": f"http://{broker.place}", "user": "watch", "secret": "env:MQ"}
    wanted |= more.pop("rabbitmq", {})
    return look(
        {"rabbitmq": wanted, **more}, allow=(broker.place,), environment={"MQ": secret}, now=now
    )


def test_a_queue_tells_its_depth_consumers_and_the_age_of_its_first_message(broker: Site) -> None:
    expect = ["depth == 3", "ready == 3", "unacknowledged == 0", "alarms == 0", "oldest == 1m"]
    now = datetime.fromtimestamp(1_700_000_060, UTC)
    found = _asked(broker, expect=expect, now=now)
    assert found.verdict == "ok", found.sentence
    nobody = _asked(broker, expect=["consumers >= 1"])
    assert nobody.sentence == "consumers is 0, expected >= 1"
    assert "canary" not in repr((found, nobody))


def test_an_alarm_of_a_node_is_a_failure(broker: Site) -> None:
    broker.paths[NODES] = _who(replied("alarm"))
    found = _asked(broker)
    assert (found.verdict, found.values["alarms"]) == ("fail", 1)
    assert found.sentence == "RabbitMQ is in alarm: memory of mstest@localhost"


def test_rabbitmq_says_why_not(broker: Site) -> None:
    assert "lets nobody in" in _asked(broker, "wrong").sentence
    broker.paths["/api/queues/a%2Fb/dead%20one"] = says(replied("none"), 404)
    other = _asked(broker, rabbitmq={"queue": "dead one", "vhost": "a/b"})
    assert other.sentence == "There is no queue 'dead one' in 'a/b'."
    broker.paths[QUEUE] = says(b"<html>")
    assert "not in JSON" in _asked(broker).sentence
    broker.paths[QUEUE] = says(b'{"name": "pay"}')
    assert "tells no messages of the queue yet" in _asked(broker).sentence
    queue = json.loads(replied("queue")) | {"state": "down"}
    broker.paths[QUEUE] = says(json.dumps(queue).encode())
    assert _asked(broker).sentence == "The queue 'pay' is down."


def test_a_user_who_may_not_see_nodes_still_sees_the_queue(broker: Site) -> None:
    broker.paths[NODES] = says(replied("refused"), 401)
    found = _asked(broker, expect=["depth == 3"])
    assert (found.verdict, found.values["alarms"]) == ("ok", None)


EXPORTER = rb"""# HELP kafka_consumergroup_lag Current Approximate Lag of a ConsumerGroup at Topic/Partition
# TYPE kafka_consumergroup_lag gauge
kafka_consumergroup_lag{consumergroup="settle",partition="0",topic="orders"} 40
kafka_consumergroup_lag{consumergroup="settle",partition="1",topic="orders"} 2
kafka_consumergroup_lag{consumergroup="settle",partition="0",topic="refunds"} 5
kafka_consumergroup_lag{consumergroup="other",partition="0",topic="orders"} 9000
kafka_consumergroup_lag{consumergroup="settle",partition="2",topic="orders"} -1
kafka_consumergroup_lag_sum{consumergroup="settle",topic="orders"} 42
kafka_consumergroup_lag{consumergroup="settle"
"""


def test_a_consumer_group_tells_how_far_it_is_behind() -> None:
    site = Site()
    site.paths["/metrics"] = says(EXPORTER)

    def asked(group: str, *expect: str, **more: Any) -> Any:
        kafka = {"group": group, "exporter": f"http://{site.place}/metrics", **more}
        return look({"kafka": kafka, "expect": list(expect)}, allow=(site.place,))

    try:
        found = asked("settle", "lag == 47", "worst == 40", "partitions == 4")
        assert found.verdict == "ok", found.sentence
        found = asked("settle", "lag < 10", topic="orders")
        assert found.sentence == "lag is 42, expected < 10"
        found = asked("setle")
        assert found.sentence == "The exporter knows no group 'setle' (did you mean 'settle'?)."
        site.paths["/metrics"] = says(b"# x\n" * 400_000)
        assert "more than 1 MiB" in asked("settle").sentence
        site.paths["/metrics"] = says(b"", 500)
        assert asked("settle").sentence == "The exporter answers 500."
    finally:
        site.end()


def test_prometheus_text_is_read_line_by_line() -> None:
    text = (
        'a{b="x\\"y\\n\\\\",c="}"} 1.5e3 1700000000000\na NaN\na{} +Inf\na 2\nab 3\na{b=} 4 5 6\n'
    )
    assert list(samples(text, {"a"})) == [
        Sample("a", {"b": 'x"y\n\\', "c": "}"}, 1500.0), Sample("a", {}, 2.0),
    ]  # fmt: skip
