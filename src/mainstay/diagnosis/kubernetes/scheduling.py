"""Pods that no node takes: what they ask for, and what the nodes and volumes offer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mainstay.diagnosis.cause import Hypothesis
from mainstay.diagnosis.kubernetes.cluster import (
    Cluster,
    Event,
    Node,
    Object,
    items,
    mapping,
    pod_spec,
)
from mainstay.diagnosis.kubernetes.words import CONTRADICTED, STATED, cause

_COUNTED = re.compile(r"(\d+) ([^,]+?)(?=, \d+ |\.(?: |$)|$)")
_ORDINARY_TAINTS = ("node-role.kubernetes.io", "node.kubernetes.io")


def unscheduled(cluster: Cluster) -> Iterator[Hypothesis]:
    """The reason why the scheduler finds no node, from its own words and the declarations."""
    waiting = {pod.name for pod in cluster.pods if pod.state == "Pending"}
    for event in cluster.events:
        if event.reason == "FailedScheduling" and event.name in waiting:
            yield from _why(cluster, event)


def _why(cluster: Cluster, event: Event) -> Iterator[Hypothesis]:
    said = event.message.partition("preemption:")[0].partition("nodes are available:")[2]
    if "persistentvolumeclaim" in event.message.lower():
        yield from _volume(cluster, event)
        return
    reasons = sorted(
        ((int(count), words) for count, words in _COUNTED.findall(said)),
        key=lambda one: (-one[0], one[1]),
    )
    for count, words in reasons:
        found = _reason(cluster, event, words)
        if found:
            kind, sentence = found
            yield cause(
                event.workload, kind, sentence, event.message,
                score=STATED - 0.01 * (reasons[0][0] - count), source=f"events of {event.name}",
                confirm=f"kubectl describe pod {event.name}",
            )  # fmt: skip


def _reason(cluster: Cluster, event: Event, words: str) -> tuple[str, str] | None:
    who = event.workload
    lacking = re.search(r"Insufficient (\S+)", words)
    if lacking:
        what = lacking[1].rpartition("/")[2]
        return (
            f"{what}-capacity-mismatch",
            f"{who} asks for more {what} than any node has left.",
        )
    taint = re.search(r"untolerated taint \{([^}:]+)", words)
    if taint and not taint[1].startswith(_ORDINARY_TAINTS):
        return (
            "taint-toleration-mismatch",
            f"{who} does not tolerate the taint {taint[1]}, which the nodes carry.",
        )
    if "anti-affinity" in words:
        return (
            "pod-anti-affinity-conflict",
            f"{who} refuses every node that already runs a pod it must keep apart from.",
        )
    if "pod affinity" in words:
        return (
            "pod-affinity-mismatch",
            f"{who} must run beside a pod that runs on no node.",
        )
    if "node affinity/selector" in words or "node selector" in words:
        return _selection(cluster, who)
    if "unschedulable" in words and all(
        node.control_plane or not node.schedulable for node in cluster.nodes
    ):
        return _selection(cluster, who)
    return None


def _selection(cluster: Cluster, who: str) -> tuple[str, str]:
    spec = pod_spec(cluster.manifests.get(("deployments", who)) or
                    cluster.manifests.get(("statefulsets", who), {}))  # fmt: skip
    selector = mapping(spec.get("nodeSelector"))
    fits = [node for node in cluster.nodes if not node.control_plane and _fits(spec, node)]
    cordoned = [node.name for node in fits if not node.schedulable]
    tainted = [node for node in fits if node.schedulable and node.taints]
    if tainted:
        return (
            "taint-toleration-mismatch",
            f"{who} may only run on {tainted[0].name}, whose taint {tainted[0].taints[0]} it does "
            "not tolerate.",
        )
    if cordoned and len(cordoned) == len(fits):
        return (
            "node-cordon-mismatch",
            f"{who} may only run on {', '.join(cordoned)}, which takes no new pods (cordoned).",
        )
    if selector:
        wanted = ", ".join(f"{key}={value}" for key, value in selector.items())
        return (
            "node-selector-mismatch",
            f"{who} may only run on nodes with {wanted}, and there is none.",
        )
    return (
        "node-affinity-mismatch",
        f"{who} has a node affinity that no node meets.",
    )


def _fits(spec: Object, node: Node) -> bool:
    """Whether a node has the labels that the selector and the required affinity ask for."""
    selector = mapping(spec.get("nodeSelector"))
    if any(node.labels.get(str(key)) != str(value) for key, value in selector.items()):
        return False
    affinity = mapping(mapping(spec.get("affinity")).get("nodeAffinity"))
    required = mapping(affinity.get("requiredDuringSchedulingIgnoredDuringExecution"))
    terms = [mapping(term) for term in items(required.get("nodeSelectorTerms"))]
    return not terms or any(
        all(_meets(mapping(each), node.labels) for each in items(term.get("matchExpressions")))
        for term in terms
    )


def _meets(expression: Object, labels: Mapping[str, str]) -> bool:
    key, values = str(expression.get("key")), [str(v) for v in items(expression.get("values"))]
    match expression.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return True


def _volume(cluster: Cluster, event: Event) -> Iterator[Hypothesis]:
    manifest = cluster.manifests.get(("deployments", event.workload)) or cluster.manifests.get(
        ("statefulsets", event.workload), {}
    )
    for each in map(mapping, items(pod_spec(manifest).get("volumes"))):
        name = mapping(each.get("persistentVolumeClaim")).get("claimName")
        if isinstance(name, str):
            yield _claim(cluster, event, name)


def _claim(cluster: Cluster, event: Event, name: str) -> Hypothesis:
    claim = cluster.manifests.get(("persistentvolumeclaims", name), {})
    wanted = mapping(claim.get("spec"))
    selector = mapping(mapping(wanted.get("selector")).get("matchLabels"))
    fitting = {
        volume: holder
        for volume, holder in sorted(cluster.volumes.items())
        if all(_label(cluster, volume, key) == str(v) for key, v in selector.items())
    }
    named = wanted.get("volumeName")
    own = {f"{cluster.namespace}/{name}", f"/{name}", ""}
    if not claim and cluster.has("persistentvolumeclaims", name) is False:
        kind, sentence = "missing-pvc", f"The volume claim {name} of {event.workload} is missing."
    elif selector and not fitting:
        kind = "pvc-selector-mismatch"
        sentence = f"The volume claim {name} selects labels that no volume carries."
    elif (
        wanted.get("storageClassName")
        and cluster.has("storageclasses", str(wanted["storageClassName"])) is False
    ):
        kind = "pvc-storage-class-mismatch"
        sentence = f"The volume claim {name} asks for a storage class that does not exist."
    else:
        taken = {v: h for v, h in fitting.items() if h not in own and (not named or v == named)}
        if taken:
            kind = "pv-binding-occupied"
            sentence = f"The volume that {name} needs is held by another claim: " + ", ".join(
                f"{volume} by {holder}" for volume, holder in taken.items()
            )  # fmt: skip
        else:
            kind = "pvc-unmet"
            sentence = f"No volume meets what the claim {name} asks for (size or access mode)."
    return cause(
        event.workload, kind, sentence, event.message, score=CONTRADICTED,
        source=f"claim {name}", confirm=f"kubectl describe pvc {name}; kubectl get pv",
    )  # fmt: skip


def _label(cluster: Cluster, volume: str, key: object) -> str | None:
    return cluster.volume_labels.get(volume, {}).get(str(key))
