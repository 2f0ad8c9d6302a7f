"""What is watched, and by what: checks, the hosts they run on, the probes that measure."""

from mainstay.estate.collections.watch.checks import PROBE_MODELS, PROBES, Check
from mainstay.estate.collections.watch.hosts import Host
from mainstay.estate.collections.watch.probes import (
    Certificate,
    Dns,
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
from mainstay.estate.collections.watch.telemetry import Queries, Telemetry

__all__ = [
    "PROBES",
    "PROBE_MODELS",
    "Certificate",
    "Check",
    "Dns",
    "File",
    "Host",
    "Http",
    "HttpStep",
    "Line",
    "Log",
    "Metric",
    "Ping",
    "Plugin",
    "Process",
    "Prometheus",
    "Queries",
    "Redis",
    "Script",
    "Sql",
    "Ssh",
    "Telemetry",
]
