"""What is watched, and by what: checks, the hosts they run on, the probes that measure."""

from mainstay.estate.collections.watch.checks import (
    ON_A_HOST,
    PROBE_MODELS,
    PROBES,
    TIMEOUT_MAX,
    Check,
)
from mainstay.estate.collections.watch.hosts import Host
from mainstay.estate.collections.watch.probes import (
    Certificate,
    Dns,
    Domain,
    File,
    Http,
    HttpStep,
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

__all__ = [
    "ON_A_HOST",
    "PROBES",
    "PROBE_MODELS",
    "TIMEOUT_MAX",
    "Certificate",
    "Check",
    "Dns",
    "Domain",
    "File",
    "Host",
    "Http",
    "HttpStep",
    "Kafka",
    "Line",
    "Log",
    "Metric",
    "Ping",
    "Plugin",
    "Process",
    "Prometheus",
    "RabbitMq",
    "Redis",
    "Script",
    "Sql",
    "Ssh",
]
