"""A queue of RabbitMQ, and its nodes' alarms, by the management API."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from time import perf_counter
from typing import Any
from urllib.parse import quote

from mainstay.checks.result import Ask, Measured, Value
from mainstay.estate.collections import RabbitMq
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import BadReply, Rejected
from mainstay.foundation.secrets import resolve

_ALARMS = {"mem_alarm": "memory", "disk_free_alarm": "disk"}
_NODES = "/api/nodes?columns=name,running,mem_alarm,disk_free_alarm,partitions"
NO_ENTRY = frozenset({401, 403})


class RabbitMqProbe:
    """Two questions: the queue, and the nodes. The second needs a user with the tag `monitoring`."""

    def __init__(self, egress: Egress, environment: Mapping[str, str]) -> None:
        self._egress = egress
        self._environment = environment

    async def measure(self, ask: Ask) -> Measured:
        """`depth`, `ready`, `unacknowledged`, `consumers`, `oldest`, `alarms`; an alarm is a failure.

        `oldest` only where messages bear a time; `alarms` None where the user may not see nodes.
        """
        wanted = ask.check.rabbitmq
        assert wanted is not None
        begun = perf_counter()
        name = f"{quote(wanted.vhost, safe='')}/{quote(wanted.queue, safe='')}"
        queue = await self._get(wanted, f"/api/queues/{name}", ask)
        latency = perf_counter() - begun
        if queue is None:
            raise Rejected(f"{wanted.url} lets nobody in by this user and secret.", reply=401)
        values = _of_queue(queue, ask)
        nodes = await self._get(wanted, _NODES, ask)
        alarms = None if nodes is None else _alarms(nodes)
        values |= {"alarms": None if alarms is None else len(alarms), "latency": latency}
        if alarms:
            words = f"RabbitMQ is in alarm: {', '.join(alarms[:5])}"
            return Measured(values, says="fail", words=words)
        return Measured(values, trouble=_not_running(queue, wanted))

    async def _get(self, wanted: RabbitMq, path: str, ask: Ask) -> Any:
        """The answer, None when this user may not see it."""
        headers = {}
        if wanted.secret is not None:
            secret = resolve(wanted.secret, environment=self._environment)
            words = base64.b64encode(f"{wanted.user}:{secret}".encode()).decode()
            headers["authorization"] = f"Basic {words}"
        reply = await self._egress.request(
            "GET", wanted.url.rstrip("/") + path, headers=headers, timeout_s=ask.timeout_s
        )
        if reply.status in NO_ENTRY:
            return None
        if reply.status == 404:
            raise Rejected(f"There is no queue {wanted.queue!r} in {wanted.vhost!r}.", reply=404)
        try:
            found = json.loads(reply.body)
        except ValueError:
            raise BadReply(f"RabbitMQ answers {reply.status}, and not in JSON.") from None
        if reply.status != 200 or not isinstance(found, dict | list):
            raise Rejected(f"RabbitMQ answers {reply.status}.", reply=reply.status)
        return found


def _of_queue(queue: Any, ask: Ask) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for ours, theirs in (
        ("depth", "messages"), ("ready", "messages_ready"), ("consumers", "consumers"),
        ("unacknowledged", "messages_unacknowledged"),
    ):  # fmt: skip
        number = queue.get(theirs) if isinstance(queue, dict) else None
        if not isinstance(number, int):
            raise BadReply(f"RabbitMQ tells no {theirs} of the queue yet.")
        values[ours] = number
    first = queue.get("head_message_timestamp")
    if isinstance(first, int | float) and values["depth"]:
        values["oldest"] = max(0.0, ask.now.timestamp() - first)
    return values


def _not_running(queue: Mapping[str, Any], wanted: RabbitMq) -> str | None:
    state = str(queue.get("state", "running"))
    well = state in ("running", "idle", "flow")
    return None if well else f"The queue {wanted.queue!r} is {state}."


def _alarms(nodes: Any) -> list[str]:
    """What each node complains of, as `memory of rabbit@one`."""
    found = []
    for node in nodes if isinstance(nodes, list) else []:
        name = str(node.get("name", "a node"))
        found += [f"{words} of {name}" for key, words in _ALARMS.items() if node.get(key) is True]
        if node.get("running") is False:
            found.append(f"{name} does not run")
        if node.get("partitions"):
            found.append(f"{name} sees a split network")
    return found
