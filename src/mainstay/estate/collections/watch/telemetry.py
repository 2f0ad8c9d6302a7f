"""Telemetry: where metrics and logs are asked that stay where they are, and what is scraped.

Beside it the rules by which kept telemetry is blanked: `blanks`, a name and a pattern each.
"""

from __future__ import annotations

from datetime import timedelta

from mainstay.estate.collections.text import Duration, Id, Part, Reference


class Queries(Part):
    """How one service is measured, in PromQL, where the common exporters' names do not fit."""

    latency: str | None = None
    """Seconds a request takes."""
    requests: str | None = None
    """Requests a second."""
    availability: str | None = None
    """Per cent of requests that do not fail."""
    errors: str | None = None
    """Failures a second."""
    cpu: str | None = None
    """Processors in use."""
    memory: str | None = None
    """Bytes in use."""
    disk: str | None = None
    """Bytes in use."""


class Blank(Part):
    """What must not be kept; short for `{pattern: …}` is the pattern alone. It becomes `[id]`."""

    pattern: str
    """What it looks like (RE2)."""
    about: str | None = None
    """For people to read."""


class Telemetry(Part):
    """One place that holds metrics or logs; exactly one of `prometheus`, `loki` and `exporter`."""

    prometheus: str | None = None
    """Whatever answers Prometheus's HTTP API: `http://prometheus.example:9090`."""
    loki: str | None = None
    """Whatever answers Loki's: `http://loki.example:3100`."""
    exporter: str | None = None
    """What is scraped into the kept telemetry: `http://pay-api.example:9100/metrics`."""
    services: list[Id] = []
    """Whose telemetry it holds. None named: everybody's. An exporter names exactly one."""
    label: str | None = None
    """The label that names the service. None: `job` in Prometheus, `service_name` in Loki."""
    names: dict[Id, str] = {}
    """What that label says of a service, where it is not its id."""
    queries: dict[Id, Queries] = {}
    """For services that the common names do not fit."""
    every: Duration = timedelta(seconds=30)
    """How often an exporter is scraped."""
    user: str | None = None
    """With `secret`, for Basic authentication. None: the secret is a bearer token."""
    secret: Reference | None = None
    """`file:/path` or `env:NAME`."""
    tenant: str | None = None
    """Sent as `X-Scope-OrgID`, where one place serves many."""
    about: str | None = None
    """For people to read."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which of the three it says that it is."""
        return tuple(one for one in ("prometheus", "loki", "exporter") if getattr(self, one))

    @property
    def url(self) -> str:
        """Where it is."""
        return self.prometheus or self.loki or self.exporter or ""
