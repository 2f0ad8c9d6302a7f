"""The registry of probes: each is one class, one line here and one contract test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mainstay.checks.probes.domain.probe import DomainProbe
from mainstay.checks.probes.machine.figures import MetricProbe, ProcessProbe
from mainstay.checks.probes.machine.files import FileProbe
from mainstay.checks.probes.machine.reading import CertificateProbe, LogProbe
from mainstay.checks.probes.machine.there import There
from mainstay.checks.probes.machine.windows import Windows
from mainstay.checks.probes.net.dns import DnsProbe, servers_of
from mainstay.checks.probes.net.http import HttpProbe
from mainstay.checks.probes.net.line import LineProbe
from mainstay.checks.probes.net.ping import PingProbe
from mainstay.checks.probes.net.prometheus import PrometheusProbe
from mainstay.checks.probes.net.redis import RedisProbe
from mainstay.checks.probes.probe import Probe
from mainstay.checks.probes.queues.kafka import KafkaProbe
from mainstay.checks.probes.queues.rabbitmq import RabbitMqProbe
from mainstay.checks.probes.run.orders import Orders
from mainstay.checks.probes.run.programs import PluginProbe, ScriptProbe, SshProbe
from mainstay.checks.probes.sql.lawful import lawful
from mainstay.checks.probes.sql.postgres import Reading
from mainstay.checks.probes.sql.postgres import reading as postgres_reading
from mainstay.checks.probes.sql.probe import SqlProbe
from mainstay.checks.probes.sql.query import Query
from mainstay.foundation.egress import Egress

__all__ = [
    "Probe",
    "Query",
    "Reading",
    "build",
    "close",
    "lawful",
    "nameservers",
    "postgres_reading",
]

RESOLV_CONF = Path("/etc/resolv.conf")


def build(
    egress: Egress,
    *,
    environment: Mapping[str, str],
    install: str,
    data_dir: Path | None = None,
    servers: tuple[str, ...] = (),
) -> dict[str, Probe]:
    """Every probe, by the key that a check names it with. They go out by `egress` alone.

    `install` names this Mainstay in the programs that it starts; no probe reads in `data_dir`;
    `servers`: the name servers that this machine asks.
    """
    orders = Orders(install, environment)
    there = There(orders, egress, data_dir)
    windows = Windows(egress, environment)
    lines = {kind: LineProbe(egress, kind) for kind in ("tcp", "tls", "smtp", "imap")}
    return {
        "http": HttpProbe(egress, environment),
        **lines,
        "dns": DnsProbe(egress, servers),
        "domain": DomainProbe(egress),
        "ping": PingProbe(egress),
        "redis": RedisProbe(egress, environment),
        "rabbitmq": RabbitMqProbe(egress, environment),
        "kafka": KafkaProbe(egress),
        "prometheus": PrometheusProbe(egress, environment),
        "sql": SqlProbe(egress, there, environment),
        "file": FileProbe(there),
        "certificate": CertificateProbe(there),
        "log": LogProbe(there),
        "metric": MetricProbe(there, windows),
        "process": ProcessProbe(there, windows),
        "plugin": PluginProbe(orders),
        "script": ScriptProbe(orders),
        "ssh": SshProbe(orders, egress),
    }


def nameservers() -> tuple[str, ...]:
    """The servers that this machine asks; none when it does not say."""
    try:
        return servers_of(RESOLV_CONF.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ()


def close(probes: Mapping[str, Probe]) -> None:
    """End what they have started."""
    for probe in probes.values():
        if isinstance(probe, PluginProbe):
            probe.close()
