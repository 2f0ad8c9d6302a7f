"""Probes that fail although the program is well: a wrong port, a wrong protocol, too little time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mainstay.diagnosis.cause import Hypothesis
from mainstay.diagnosis.kubernetes.cluster import Cluster, Object, containers, items, mapping
from mainstay.diagnosis.kubernetes.words import INFERRED, STATED, cause

PROBES = {"liveness": "livenessProbe", "readiness": "readinessProbe", "startup": "startupProbe"}
_PROTOCOL = re.compile(
    r"malformed HTTP|transport connection broken|server gave HTTP response|not implement"
    r"|first record does not look like a TLS|HTTP/0\.9|unimplemented|error reading server preface"
    r"|frame too large|protocol error|statuscode: 404|EOF",
    re.I,
)
HASTY_S = 30
"""A probe that gives up sooner than this after the start is hasty, if what it asks is right."""


def failing_probes(cluster: Cluster) -> Iterator[Hypothesis]:
    """For each workload that is ill or restarts: which of its probes is wrong, and how."""
    for name, manifest in cluster.workloads():
        pods = cluster.pods_of(name)
        if not any(pod.ill or pod.restarts for pod in pods):
            continue
        said = {
            probe: [
                event.message
                for event in cluster.events
                if event.workload == name and event.reason == "Unhealthy"
                and event.message.lower().startswith(probe)
            ]
            for probe in PROBES
        }  # fmt: skip
        for container in containers(manifest):
            for probe, key in PROBES.items():
                declared = mapping(container.get(key))
                if declared and said[probe]:
                    found = _fault(name, probe, declared, container, said[probe])
                    if found:
                        yield found


def _fault(
    name: str, probe: str, declared: Object, container: Object, said: list[str]
) -> Hypothesis | None:
    port, ports = _port(declared, container), _ports(container)
    if port is not None and ports and port not in ports:
        return cause(
            name, f"{probe}-probe-incorrect-port",
            f"The {probe} probe of {name} asks port {port}; the program listens on "
            f"{', '.join(map(str, sorted(ports)))}.",
            said[0], score=STATED, source=f"events of {name}",
            confirm=f"kubectl get deploy {name} -o yaml: {PROBES[probe]}, ports",
        )  # fmt: skip
    broken = next((one for one in said if _PROTOCOL.search(one)), "")
    kinds = {_kind(mapping(container.get(PROBES[each]))) for each in ("liveness", "readiness")}
    other = len(kinds - {""}) > 1
    if broken or (other and _kind(declared) in ("httpGet", "grpc")):
        return cause(
            name, f"{probe}-probe-incorrect-protocol",
            f"The {probe} probe of {name} speaks {_spoken(declared)}, which the program does not "
            "answer.",
            broken or said[0], score=STATED if broken else INFERRED, source=f"events of {name}",
            confirm=f"Ask port {port} of {name} by hand, in both protocols.",
        )  # fmt: skip
    if probe != "readiness" and _patience_s(declared) < HASTY_S:
        return cause(
            name, f"{probe}-probe-incorrect-timing",
            f"The {probe} probe of {name} gives up {_patience_s(declared)} s after the start, "
            "before the program is up, and has it restarted.",
            said[0], score=INFERRED - _patience_s(declared) / 1000, source=f"events of {name}",
            confirm=f"Start {name} without the probe and take the time until it answers.",
        )  # fmt: skip
    return None


def _kind(declared: Object) -> str:
    return next((each for each in ("httpGet", "grpc", "tcpSocket", "exec") if each in declared), "")


def _spoken(declared: Object) -> str:
    return {"httpGet": "HTTP", "grpc": "gRPC", "tcpSocket": "TCP"}.get(_kind(declared), "a command")


def _port(declared: Object, container: Object) -> int | None:
    port = mapping(declared.get(_kind(declared))).get("port")
    if isinstance(port, str):
        named = {str(mapping(p).get("name")): mapping(p).get("containerPort")
                 for p in items(container.get("ports"))}  # fmt: skip
        port = named.get(port)
    return port if isinstance(port, int) else None


def _ports(container: Object) -> set[int]:
    found = (mapping(each).get("containerPort") for each in items(container.get("ports")))
    return {port for port in found if isinstance(port, int)}


def _patience_s(declared: Object) -> int:
    """Seconds after the start at which a program that does not answer is given up."""
    delay, period, failures = (
        value if isinstance(value := declared.get(key), int) else default
        for key, default in (("initialDelaySeconds", 0), ("periodSeconds", 10),
                             ("failureThreshold", 3))
    )  # fmt: skip
    return delay + period * failures
