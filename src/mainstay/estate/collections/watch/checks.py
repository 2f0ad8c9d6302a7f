"""Checks: one line for each thing that must be so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated

from pydantic import Field, model_validator

from mainstay.estate.collections.text import (
    Duration,
    Id,
    Part,
    Severity,
    Span,
    WallClock,
    Yes,
    Zone,
)
from mainstay.estate.collections.watch.probes import (
    Certificate,
    Dns,
    Domain,
    File,
    Http,
    Line,
    Log,
    Metric,
    Ping,
    Plugin,
    Process,
    Prometheus,
    Redis,
    Script,
    Sql,
    Ssh,
)
from mainstay.estate.collections.watch.queues import Kafka, RabbitMq

PROBE_MODELS: Mapping[str, type[Part]] = MappingProxyType(
    {
        "http": Http, "tcp": Line, "tls": Line, "dns": Dns, "ping": Ping, "smtp": Line,
        "imap": Line, "ssh": Ssh, "sql": Sql, "redis": Redis, "file": File, "process": Process,
        "metric": Metric, "certificate": Certificate, "log": Log, "prometheus": Prometheus,
        "plugin": Plugin, "script": Script, "domain": Domain, "rabbitmq": RabbitMq, "kafka": Kafka,
    }
)  # fmt: skip
"""Probe → what it is told."""
PROBES = (*PROBE_MODELS, "heartbeat")
"""What a check can be made of; each has exactly one."""
ON_A_HOST = frozenset({"ssh", "process", "metric", "file", "certificate", "log"})
"""What looks at a machine. Without `on`, at the one that Mainstay runs on."""
ONLY: Mapping[str, frozenset[str]] = MappingProxyType(
    {"sftp": frozenset({"file"}), "winrm": frozenset({"metric", "process"})}
)
"""How a host is reached → what can be looked at there, where that is not everything."""
EVERY = timedelta(minutes=1)
EVERY_DOMAIN = timedelta(days=1)
"""Registries count questions, and their days change once a year."""
TIMEOUT_MAX = timedelta(seconds=75)
"""Of one look: it must be over, and written down, before its lease of 90 s ends."""


class Check(Part):
    """What must be so, how it is measured, and how often."""

    service: Id
    """What is at risk when it fails."""
    # how it is measured: exactly one of these
    http: Http | None = None
    """HTTP or HTTPS: an address alone, a request, or a list of steps."""
    tcp: Line | None = None
    """A port that takes connections."""
    tls: Line | None = None
    """A port that speaks TLS, and its certificate."""
    dns: Dns | None = None
    """A name in the domain name system."""
    domain: Domain | None = None
    """When a domain's registration ends."""
    ping: Ping | None = None
    """ICMP echo."""
    smtp: Line | None = None
    """A mail server's greeting."""
    imap: Line | None = None
    """A mailbox server's greeting."""
    ssh: Ssh | None = None
    """A command on a host."""
    sql: Sql | None = None
    """One SELECT."""
    redis: Redis | None = None
    """Redis or Valkey."""
    rabbitmq: RabbitMq | None = None
    """A queue of RabbitMQ."""
    kafka: Kafka | None = None
    """How far a consumer group of Kafka is behind."""
    file: File | None = None
    """Files: there, how old, how large, still growing."""
    process: Process | None = None
    """Processes that run."""
    metric: Metric | None = None
    """A figure of the machine: disk, memory, load."""
    certificate: Certificate | None = None
    """A certificate in a file."""
    log: Log | None = None
    """Lines in a log."""
    prometheus: Prometheus | None = None
    """A query to a Prometheus."""
    plugin: Plugin | None = None
    """A Nagios or Monitoring plug-in, unmodified."""
    script: Script | None = None
    """A program of your own."""
    heartbeat: Yes = False
    """Nobody looks: the job itself must say that it ran (`/ping`)."""
    on: list[str] = []
    """Hosts, by id or `tag:…`; one state for each."""
    # what must hold
    expect: list[str] = []
    """Conditions; one that does not hold is a failure. None: the probe's own idea of well."""
    warn: list[str] = []
    """Conditions; one that does not hold is a warning."""
    severity: Severity = "error"
    """Of the alert when it fails; a warning's is `warning`."""
    # when
    every: Duration | None = None
    """How often. None, and no `schedule` and no `by`: every minute; a domain every day."""
    schedule: str | None = None
    """Cron instead: `45 5 * * *`, in `timezone`. A heartbeat's may be systemd's OnCalendar too."""
    by: WallClock | None = None
    """It must hold by this time of day; looked at from then on, on the days of `calendar`."""
    period: Duration | None = None
    """A heartbeat's: how often it must come."""
    grace: Duration | None = None
    """How much later than that is still in time. None: an hour."""
    starts_within: Duration | None = None
    """A heartbeat's: it must say that it starts within this time. None: only its end counts."""
    takes_at_most: Duration | None = None
    """From its start to its end. None: as long as `grace`."""
    takes_at_least: Duration | None = None
    """An end sooner after its start is a failure."""
    calendar: Id | None = None
    """Only on these business days."""
    active: Span | None = None
    """Only between these times of day: `"06:00-22:00"`."""
    timezone: Zone | None = None
    """Of `schedule`, `by` and `active`. None: the organisation's."""
    timeout: Duration = timedelta(seconds=10)
    """How long one look may take; `75s` at most."""
    # how it is believed
    attempts: Annotated[int, Field(ge=1, le=20, strict=True)] = 3
    """So many looks in a row must fail before it counts; the first is told by no alert."""
    retry: Duration = timedelta(seconds=15)
    """How soon after a failure it looks again, until it counts; never later than `every`."""
    fresh: Duration | None = None
    """A result older than this counts as not seen. None: three times `every`, a minute at least."""
    unless_failing: list[Id] = []
    """While one of these checks fails, this one's failure tells nothing new: no alert of its own."""
    # for people
    tags: list[str] = []
    """Words to choose checks by: `mainstay checks run --tag db`."""
    about: str | None = None
    """What it means when it fails."""
    runbook: str | None = None
    """The name of its runbook."""

    @model_validator(mode="after")
    def _one_probe_one_time(self) -> Check:
        probes = [name for name in PROBES if getattr(self, name) not in (None, False)]
        if len(probes) != 1:
            got = " and ".join(probes) or "none"
            raise ValueError(f"expected one thing to measure, got {got}")
        if self.every is not None and self.schedule is not None:
            raise ValueError("expected either every or schedule")
        return self

    @property
    def probe(self) -> str:
        """Which of `PROBES` measures it."""
        return next(name for name in PROBES if getattr(self, name) not in (None, False))

    @property
    def interval(self) -> timedelta:
        """How often it looks, where no `schedule` says."""
        return self.every or (EVERY if self.domain is None else EVERY_DOMAIN)
