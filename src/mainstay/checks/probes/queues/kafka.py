"""How far a consumer group of Kafka is behind, from an exporter's text (kafka_exporter and its like)."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from mainstay.checks.probes.queues.exposition import Sample, samples
from mainstay.checks.result import Ask, Measured, Value
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import BadReply, Rejected
from mainstay.foundation.nearest import hint

LAGS = frozenset({"kafka_consumergroup_lag", "kafka_consumergroup_group_lag"})
"""Of kafka_exporter and kafka-lag-exporter: one sample for each group, topic and partition."""
GROUP_LABELS = ("consumergroup", "group")


class KafkaProbe:
    """Reads what the exporter serves to Prometheus; asks Kafka nothing itself."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def measure(self, ask: Ask) -> Measured:
        """`lag` (of all partitions), `worst` (of one), `partitions`, `latency`."""
        wanted = ask.check.kafka
        assert wanted is not None
        begun = perf_counter()
        reply = await self._egress.request("GET", wanted.exporter, timeout_s=ask.timeout_s)
        values: dict[str, Value] = {"latency": perf_counter() - begun}
        if reply.status != 200:
            raise Rejected(f"The exporter answers {reply.status}.", reply=reply.status)
        if reply.cut:
            raise BadReply("The exporter says more than 1 MiB; ask your Prometheus instead.")
        known = list(_lags(reply.body.decode("utf-8", "replace")))
        lags = [
            max(0.0, sample.value)
            for group, sample in known
            if group == wanted.group and wanted.topic in (None, sample.labels.get("topic"))
        ]
        if not lags:
            groups = sorted({group for group, _ in known})
            topic = f" on {wanted.topic!r}" if wanted.topic else ""
            near = hint(wanted.group, groups) or ""
            words = f"The exporter knows no group {wanted.group!r}{topic}{near}."
            return Measured(values, trouble=words)
        return Measured(values | {"lag": sum(lags), "worst": max(lags), "partitions": len(lags)})


def _lags(text: str) -> Iterator[tuple[str, Sample]]:
    """Group and sample of each partition."""
    for sample in samples(text, LAGS):
        group = next((sample.labels[key] for key in GROUP_LABELS if key in sample.labels), None)
        if group is not None:
            yield group, sample
