"""Kubernetes objects with their status, as `kubectl get … -o yaml` or a must-gather holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mainstay.diagnosis.kubernetes.cluster import (
    Alert,
    Cluster,
    Event,
    FailingRequest,
    Node,
    Object,
    Pod,
    Quota,
    items,
    mapping,
)

PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


@dataclass(slots=True)
class Parts:
    """A cluster under construction; `whole` makes it."""

    namespace: str = ""
    manifests: dict[tuple[str, str], Object] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    pods: dict[str, Pod] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    quotas: dict[str, Quota] = field(default_factory=dict)
    volumes: dict[str, str] = field(default_factory=dict)
    volume_labels: dict[str, Mapping[str, str]] = field(default_factory=dict)
    logs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    requests: list[FailingRequest] = field(default_factory=list)
    reached: dict[tuple[str, int], dict[str, bool]] = field(default_factory=dict)
    units: dict[tuple[str, str], str] = field(default_factory=dict)
    calls: set[tuple[str, str]] = field(default_factory=set)

    def whole(self) -> Cluster:
        """The cluster, its parts in a fixed order."""
        return Cluster(
            self.namespace,
            self.manifests,
            {kind: frozenset(names) for kind, names in self.names.items()},
            tuple(self.pods[name] for name in sorted(self.pods)),
            tuple(dict.fromkeys(self.events)),
            tuple(self.nodes[name] for name in sorted(self.nodes)),
            tuple(self.quotas[name] for name in sorted(self.quotas)),
            self.volumes,
            self.volume_labels,
            self.logs,
            tuple(self.alerts),
            tuple(self.requests),
            self.reached,
            self.units,
            frozenset(self.calls),
        )


def declare(manifest: object, into: Parts) -> bool:
    """Take one object (or a List of them) as declared; whether it was one."""
    one = mapping(manifest)
    if _is_list(one):
        taken = [declare(each, into) for each in items(one.get("items"))]
        return all(taken)
    name = mapping(one.get("metadata")).get("name")
    if not isinstance(one.get("kind"), str) or not isinstance(name, str):
        return False
    into.manifests[kind_of(one), name] = one
    return True


def observe(manifest: object, into: Parts) -> bool:
    """Take one object as it is in the cluster, with its status; whether it was one."""
    one = mapping(manifest)
    if _is_list(one):
        taken = [observe(each, into) for each in items(one.get("items"))]
        return all(taken)
    if not declare(one, into):
        return False
    kind, name = kind_of(one), str(one["metadata"]["name"])
    namespace = mapping(one["metadata"]).get("namespace")
    if isinstance(namespace, str) and not into.namespace:
        into.namespace = namespace
    into.names.setdefault(kind, set()).add(name)
    seen = _OBSERVED.get(kind)
    if seen:
        seen(name, one, into)
    return True


def _is_list(one: Object) -> bool:
    return isinstance(one.get("kind"), str) and str(one["kind"]).endswith("List")


def kind_of(manifest: Object) -> str:
    """`networkpolicies` for NetworkPolicy."""
    kind = str(manifest["kind"]).lower()
    if kind.endswith("y"):
        return kind[:-1] + "ies"
    if kind.endswith(("s", "ss")) and not kind.endswith("endpoints"):
        return kind + "es"
    return kind if kind.endswith("s") else kind + "s"


def _pod(name: str, one: Object, into: Parts) -> None:
    status, spec = mapping(one.get("status")), mapping(one.get("spec"))
    containers = [mapping(each) for each in items(status.get("containerStatuses"))]
    state, last, code = str(status.get("phase", "")), "", 0
    for each in containers:
        waiting = mapping(mapping(each.get("state")).get("waiting"))
        state = str(waiting.get("reason") or state)
        ended = mapping(mapping(each.get("lastState")).get("terminated"))
        last, code = str(ended.get("reason") or last), _whole(ended.get("exitCode")) or code
    into.pods[name] = Pod(
        name,
        state,
        bool(containers) and all(each.get("ready") is True for each in containers),
        sum(_whole(each.get("restartCount")) for each in containers),
        str(spec.get("nodeName") or ""),
        last,
        code,
        _texts(mapping(one["metadata"]).get("labels")),
    )


def _node(name: str, one: Object, into: Parts) -> None:
    spec, status = mapping(one.get("spec")), mapping(one.get("status"))
    conditions = {
        str(mapping(each).get("type")): str(mapping(each).get("status"))
        for each in items(status.get("conditions"))
    }
    taints = [mapping(each) for each in items(spec.get("taints"))]
    into.nodes[name] = Node(
        name,
        conditions.get("Ready") == "True",
        spec.get("unschedulable") is not True,
        _texts(mapping(one["metadata"]).get("labels")),
        tuple(f"{t.get('key')}={t.get('value', '')}:{t.get('effect')}" for t in taints),
        tuple(each for each in PRESSURES if conditions.get(each) == "True"),
    )


def _event(name: str, one: Object, into: Parts) -> None:
    about = mapping(one.get("involvedObject") or one.get("regarding"))
    if isinstance(about.get("kind"), str):
        into.events.append(
            Event(
                kind_of(about),
                str(about.get("name", "")),
                str(one.get("reason", "")),
                str(one.get("message") or one.get("note") or ""),
                one.get("type") == "Warning",
            )
        )


def _quota(name: str, one: Object, into: Parts) -> None:
    status = mapping(one.get("status"))
    into.quotas[name] = Quota(name, _texts(status.get("hard")), _texts(status.get("used")))


def _volume(name: str, one: Object, into: Parts) -> None:
    claim = mapping(mapping(one.get("spec")).get("claimRef"))
    into.volumes[name] = f"{claim.get('namespace')}/{claim.get('name')}" if claim else ""
    into.volume_labels[name] = _texts(mapping(one["metadata"]).get("labels"))


def _texts(value: object) -> dict[str, str]:
    return {str(key): str(each) for key, each in mapping(value).items()}


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


_OBSERVED = {
    "pods": _pod,
    "nodes": _node,
    "events": _event,
    "resourcequotas": _quota,
    "persistentvolumes": _volume,
}
