"""What is watched, and by what: checks, the hosts they run on, the probes that measure."""

from mainstay.estate.collections.watch.checks import (
    ON_A_HOST,
    ONLY,
    PROBE_MODELS,
    PROBES,
    TIMEOUT_MAX,
    Check,
)
from mainstay.estate.collections.watch.find import Journey, Search
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
from mainstay.estate.collections.watch.telemetry import Blank, Queries, Telemetry

__all__ = [
    "ONLY",
    "ON_A_HOST",
    "PROBES",
    "PROBE_MODELS",
    "TIMEOUT_MAX",
    "Blank",
    "Certificate",
    "Check",
    "Dns",
    "Domain",
    "File",
    "Host",
    "Http",
    "HttpStep",
    "Journey",
    "Kafka",
    "Line",
    "Log",
    "Metric",
    "Ping",
    "Plugin",
    "Process",
    "Prometheus",
    "Queries",
    "RabbitMq",
    "Redis",
    "Script",
    "Search",
    "Sql",
    "Ssh",
    "Telemetry",
]
