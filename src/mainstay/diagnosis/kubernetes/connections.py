"""Programs that crash or fail on a connection of theirs: what their own logs say about it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from mainstay.diagnosis.cause import CauseClass, Hypothesis
from mainstay.diagnosis.kubernetes.cluster import (
    Cluster,
    Object,
    containers,
    items,
    mapping,
    pod_labels,
    pod_spec,
    ports_of,
    scalar,
)
from mainstay.diagnosis.kubernetes.words import CONTRADICTED, INFERRED, STATED, cause

_CREDENTIALS = re.compile(
    r"Access denied for user|password authentication failed|authentication failed|WRONGPASS"
    r"|invalid username[ -/]*password|ORA-01017|Login failed for user", re.I,
)  # fmt: skip
_REFUSED = re.compile(
    r"Connection refused|Communications link failure|could not connect|ECONNREFUSED"
    r"|connect timed out", re.I,
)  # fmt: skip
_UNRESOLVED = re.compile(
    r"UnknownHostException|name resolution|Name or service not known|no such host|ENOTFOUND"
    r"|getaddrinfo|NXDOMAIN", re.I,
)  # fmt: skip
_PORT_TAKEN = re.compile(
    r"Port (\d+) (?:is|was) already in use|address already in use|bind: .*in use|EADDRINUSE", re.I
)
_READ_ONLY = re.compile(
    r"--read-only option|read.only (?:transaction|mode|replica)|READONLY You can't write"
    r"|database is (?:in )?read.only|super.read.only", re.I,
)  # fmt: skip
_TOO_MANY = re.compile(r"Too many connections|too many clients|remaining connection slots", re.I)


def failing_connections(cluster: Cluster) -> Iterator[Hypothesis]:
    """For each workload that is ill: the connection that its log complains about."""
    for name, manifest in cluster.workloads():
        lines = cluster.logs.get(name, ())
        if any(pod.ill and pod.restarts for pod in cluster.pods_of(name)):
            yield from _from_log(cluster, name, manifest, lines)
            yield from _resolver(name, manifest, lines)
            yield from _sidecar(name, manifest, lines)


def unwritable_databases(cluster: Cluster) -> Iterator[Hypothesis]:
    """A database that takes no writes, or no more connections, as those who use it say."""
    for pattern, kind, sentence, cause_class in (
        (_READ_ONLY, "database-read-only", "takes no writes: it is set to read-only",
         CauseClass.CONFIGURATION),
        (_TOO_MANY, "database-connections-exhausted", "takes no more connections",
         CauseClass.CAPACITY),
    ):  # fmt: skip
        said = {
            name: next(line for line in lines if pattern.search(line))
            for name, lines in sorted(cluster.logs.items())
            if any(pattern.search(line) for line in lines)
        }
        if said:
            first = next(iter(said))
            where = _database(cluster, first)
            yield cause(
                where, kind, f"{where} {sentence}.",
                f"{len(said)} services say so; {first}: {said[first][:300]}",
                score=STATED, source=f"logs of {', '.join(list(said)[:3])}",
                cause_class=cause_class, confirm=f"Ask {where} for its read_only and limits.",
            )  # fmt: skip


def no_replicas(cluster: Cluster) -> Iterator[Hypothesis]:
    """Workloads that are scaled to nothing."""
    for name, manifest in cluster.workloads():
        if mapping(manifest.get("spec")).get("replicas") == 0:
            yield cause(
                name, "deployment-zero-replicas",
                f"{name} runs nowhere: it is scaled to 0 replicas.", "replicas: 0", score=STATED,
                source=f"deployment {name}", confirm=f"kubectl get deploy {name}; who scaled it?",
            )  # fmt: skip


def _from_log(
    cluster: Cluster, name: str, manifest: Object, lines: tuple[str, ...]
) -> Iterator[Hypothesis]:
    denied = next((line for line in lines if _CREDENTIALS.search(line)), "")
    if denied:
        yield cause(
            name, "database-invalid-credentials",
            f"{name} cannot start: its database refuses the user or the password.",
            denied[:300], score=STATED, source=f"logs of {name}",
            confirm=f"Log in to the database by hand as {name} does.",
        )  # fmt: skip
    refused = next((line for line in lines if _REFUSED.search(line)), "")
    unresolved = any(_UNRESOLVED.search(line) for line in lines)
    if not refused or unresolved or denied:
        return
    wrong = _wrong_port(cluster, manifest)
    if wrong:
        variable, host, port, known = wrong
        yield cause(
            name, "database-invalid-port",
            f"{name} asks {host} on port {port} ({variable}); it listens on {known}.",
            refused[:300], score=STATED, source=f"logs and secrets of {name}",
            confirm=f"Set {variable} to {known}.",
        )  # fmt: skip


def _resolver(name: str, manifest: Object, lines: tuple[str, ...]) -> Iterator[Hypothesis]:
    line = next((one for one in lines if _UNRESOLVED.search(one)), "")
    spec = pod_spec(manifest)
    servers = items(mapping(spec.get("dnsConfig")).get("nameservers"))
    alone = bool(servers) and spec.get("dnsPolicy") == "None"
    if line or alone:
        because = f" It asks a name server of its own ({servers[0]})." if servers else ""
        yield cause(
            name, "service-dns-resolution-failure",
            f"{name} cannot resolve the names of the services that it needs.{because}",
            line[:300] or f"dnsPolicy None, nameserver {servers[0]}",
            score=STATED if line and servers else CONTRADICTED if alone else INFERRED,
            source=f"logs and deployment of {name}", cause_class=CauseClass.NETWORK,
            confirm=f"kubectl exec deploy/{name} -- nslookup kubernetes.default",
        )  # fmt: skip


def _sidecar(name: str, manifest: Object, lines: tuple[str, ...]) -> Iterator[Hypothesis]:
    metadata = mapping(mapping(mapping(manifest.get("spec")).get("template")).get("metadata"))
    notes = " ".join(str(value) for value in mapping(metadata.get("annotations")).values())
    line = next((one for one in lines if _PORT_TAKEN.search(one)), "")
    own = {scalar(port.get("containerPort")) for port in ports_of(manifest)} - {None}
    clash = next((port for port in sorted(own, key=str) if f" {port}" in f" {notes} "), None)
    if line:
        beside = f" Its sidecar is told to take port {clash}." if clash else ""
        yield cause(
            name, "service-sidecar-port-conflict",
            f"{name} cannot start: its port is taken by another program in the pod.{beside}",
            line[:300], score=STATED if clash else INFERRED, source=f"logs of {name}",
            confirm=f"kubectl get deploy {name} -o yaml: annotations, ports of all containers",
        )  # fmt: skip


# -- what a workload is told about its database ----------------------------------------------------


def _settings(cluster: Cluster, manifest: Object) -> dict[str, str]:
    """Environment, secrets and config maps of a workload, by variable."""
    found: dict[str, str] = {}
    for one in containers(manifest):
        for source in map(mapping, items(one.get("envFrom"))):
            for key, kind in (("secretRef", "secrets"), ("configMapRef", "configmaps")):
                name = mapping(source.get(key)).get("name")
                if isinstance(name, str):
                    found |= _data(cluster.manifests.get((kind, name), {}), kind)
        for each in map(mapping, items(one.get("env"))):
            if isinstance(each.get("value"), str):
                found[str(each.get("name"))] = each["value"]
    return found


def _data(manifest: Object, kind: str) -> dict[str, str]:
    found = {str(k): str(v) for k, v in mapping(manifest.get("data")).items()}
    if kind == "secrets":
        found = {key: _decoded(value) for key, value in found.items()}
    return found | {str(k): str(v) for k, v in mapping(manifest.get("stringData")).items()}


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _wrong_port(cluster: Cluster, manifest: Object) -> tuple[str, str, str, str] | None:
    """(variable, host, its port, the port that the service has) where they differ."""
    settings = _settings(cluster, manifest)
    for variable, port in sorted(settings.items()):
        host = settings.get(variable.removesuffix("_PORT") + "_HOST", "")
        if not variable.endswith("_PORT") or not host or not port.isdigit():
            continue
        spec = mapping(cluster.manifests.get(("services", host.partition(".")[0]), {}).get("spec"))
        known = [str(mapping(each).get("port")) for each in items(spec.get("ports"))]
        known = known or _usual_ports(variable)
        if known and port not in known:
            return variable, host, port, ", ".join(known)
    return None


def _usual_ports(variable: str) -> list[str]:
    """By which port a database is usually found, told from a variable's name."""
    usual = {"MYSQL": "3306", "POSTGRES": "5432", "REDIS": "6379", "MONGO": "27017"}
    return [port for word, port in usual.items() if word in variable.upper()]


def _database(cluster: Cluster, user: str) -> str:
    """The workload behind the host that a user's settings name; the host itself if none is known."""
    for name, manifest in cluster.workloads():
        if name != user:
            continue
        hosts = [v for k, v in sorted(_settings(cluster, manifest).items())
                 if k.endswith(("_MYSQL_HOST", "_DB_HOST", "_DATABASE_HOST", "DB_HOST"))]  # fmt: skip
        for host in hosts:
            return _behind(cluster, host.partition(".")[0])
    return "database"


def _behind(cluster: Cluster, host: str) -> str:
    service = cluster.manifests.get(("services", host), {})
    selector = mapping(mapping(service.get("spec")).get("selector"))
    stateful = [name for name, _ in cluster.of("statefulsets")]
    for name, manifest in cluster.workloads():
        labels = pod_labels(manifest)
        shared = selector.keys() & labels.keys()
        if shared and all(labels[key] == selector[key] for key in shared):
            return name
    return next((name for name in stateful if host.startswith(name)), host)
