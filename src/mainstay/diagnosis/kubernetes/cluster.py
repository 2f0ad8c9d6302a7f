"""A cluster as somebody dumped it: what is declared, what runs, what was said and measured.

Kinds are lower-case plurals as `kubectl` takes them (`pods`, `services`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mainstay.diagnosis.traces.span import workload_of

Object = Mapping[str, Any]
"""A manifest as YAML or JSON holds it."""


@dataclass(frozen=True, slots=True)
class Event:
    """What Kubernetes said about an object, a warning or not."""

    kind: str
    name: str
    reason: str
    message: str
    warning: bool

    @property
    def workload(self) -> str:
        """The workload whose pod or replica set this is about."""
        if self.kind == "replicasets":
            return self.name.rpartition("-")[0] or self.name
        return workload_of(self.name)


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod: `state` is what `kubectl get` shows (Running, Pending, CrashLoopBackOff …)."""

    name: str
    state: str
    ready: bool
    restarts: int
    node: str = ""
    last_reason: str = ""
    """Why its container ended last (OOMKilled, Error …)."""
    exit_code: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def workload(self) -> str:
        """The deployment or stateful set that it belongs to."""
        known = self.labels.get("app") or self.labels.get("app.kubernetes.io/name")
        return known or workload_of(self.name)

    @property
    def ill(self) -> bool:
        """Whether it does not do its work right now."""
        return not self.ready and self.state not in ("Completed", "Succeeded")


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster; taints as `key=value:Effect`."""

    name: str
    ready: bool
    schedulable: bool
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[str, ...] = ()
    pressures: tuple[str, ...] = ()
    """Conditions that are true and should not be (MemoryPressure …)."""

    @property
    def control_plane(self) -> bool:
        """Whether it runs the cluster itself, and takes no ordinary pods."""
        return self.labels.get("kubernetes.io/role") == "master" or any(
            label.startswith("node-role.kubernetes.io/") and label.endswith(("master", "plane"))
            for label in self.labels
        )


@dataclass(frozen=True, slots=True)
class Quota:
    """What a namespace may have of each resource, and has."""

    name: str
    hard: Mapping[str, str]
    used: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Alert:
    """What monitoring found abnormal about a Service or a Node, each finding in its own words."""

    kind: str
    name: str
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FailingRequest:
    """A request of a customer that fails: at which service it should arrive, its path, its error."""

    service: str
    path: str
    error: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """Everything of one namespace and the nodes below it."""

    namespace: str = ""
    manifests: Mapping[tuple[str, str], Object] = field(default_factory=dict)
    """(kind, name) → what is declared."""
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Kind → what there is of it; a kind that nobody listed is missing."""
    pods: tuple[Pod, ...] = ()
    events: tuple[Event, ...] = ()
    nodes: tuple[Node, ...] = ()
    quotas: tuple[Quota, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Persistent volume → the claim that holds it (`namespace/name`), "" when it is free."""
    volume_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    logs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Service → its lines of error."""
    alerts: tuple[Alert, ...] = ()
    requests: tuple[FailingRequest, ...] = ()
    reached: Mapping[tuple[str, int], Mapping[str, bool]] = field(default_factory=dict)
    """(service, port) → node → whether a connection from there succeeded."""
    units: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(node, unit) → its state as systemd says it: `active (running)`."""
    calls: frozenset[tuple[str, str]] = frozenset()

    def of(self, *kinds: str) -> Iterator[tuple[str, Object]]:
        """Manifests of some kinds with their names, in order."""
        for (kind, name), manifest in sorted(self.manifests.items()):
            if kind in kinds:
                yield name, manifest

    def workloads(self) -> Iterator[tuple[str, Object]]:
        """What runs pods: deployments, stateful sets, daemon sets."""
        return self.of("deployments", "statefulsets", "daemonsets")

    def has(self, kind: str, name: str) -> bool | None:
        """Whether there is such an object; None when nobody listed that kind."""
        listed = self.names.get(kind)
        return None if listed is None else name in listed

    def pods_of(self, workload: str) -> tuple[Pod, ...]:
        """Its pods."""
        return tuple(pod for pod in self.pods if pod.workload == workload)

    def ill(self, workload: str) -> bool:
        """Whether it has no pod, or one that does not do its work."""
        pods = self.pods_of(workload)
        return not pods or any(pod.ill for pod in pods)


def pod_spec(manifest: Object) -> Object:
    """The pod's specification inside of a workload's manifest; {} when it is malformed."""
    return mapping(mapping(mapping(manifest.get("spec")).get("template")).get("spec"))


def pod_labels(manifest: Object) -> Object:
    """The labels that a workload gives its pods."""
    template = mapping(mapping(manifest.get("spec")).get("template"))
    return mapping(mapping(template.get("metadata")).get("labels"))


def containers(manifest: Object) -> list[Object]:
    """The containers of a workload."""
    return [mapping(one) for one in items(pod_spec(manifest).get("containers"))]


def mapping(value: object) -> Object:
    """The value if it is a mapping, else an empty one: dumps are what somebody typed."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def scalar(value: object) -> str | int | None:
    """The value if it is a text or a whole number, else None."""
    return value if isinstance(value, str | int) else None


def ports_of(manifest: Object) -> list[Object]:
    """The ports that the containers of a workload declare."""
    return [mapping(port) for one in containers(manifest) for port in items(one.get("ports"))]
