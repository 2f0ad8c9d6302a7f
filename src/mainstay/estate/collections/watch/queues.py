"""What the probes of queues are told."""

from __future__ import annotations

from pydantic import model_validator

from mainstay.estate.collections.text import Part, Reference


class RabbitMq(Part):
    """A queue of RabbitMQ and its nodes' alarms, by the management API."""

    queue: str
    """Its name."""
    url: str
    """Of the management API: `https://rabbit-01:15671`."""
    vhost: str = "/"
    """Its virtual host."""
    user: str | None = None
    """Who asks: a user with the tag `monitoring`."""
    secret: Reference | None = None
    """The user's password: `file:/path` or `env:NAME`."""

    @model_validator(mode="after")
    def _both_or_none(self) -> RabbitMq:
        if (self.user is None) != (self.secret is None):
            raise ValueError("expected user and secret together")
        return self


class Kafka(Part):
    """How far a consumer group is behind, as an exporter tells (kafka_exporter, kafka-lag-exporter)."""

    group: str
    """The consumer group."""
    exporter: str
    """Where the exporter answers: `http://kafka-exporter:9308/metrics`."""
    topic: str | None = None
    """Of this topic only. None: of all that the group reads."""
