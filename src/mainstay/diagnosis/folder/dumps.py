"""Kubernetes dumps: objects as YAML or JSON, and recorded answers of an operator's tools.

A recording is a JSON object whose keys name a question (`DescribeResource:{"resource_type": …}`)
and whose values are what the tool printed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from mainstay.diagnosis.folder import describe, kubectl
from mainstay.diagnosis.folder.gathered import Gathered
from mainstay.diagnosis.folder.objects import Parts, declare, observe
from mainstay.diagnosis.folder.releases import read_release
from mainstay.diagnosis.kubernetes.cluster import (
    Alert,
    FailingRequest,
    Node,
    Pod,
    items,
    mapping,
)
from mainstay.diagnosis.material import Phase

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
YAML_BYTES_MAX = 64 * 1024 * 1024
LOG_LINES_MAX = 500
"""Lines kept of one service's errors."""
Asked = dict[str, Any]
_ACTIVE = re.compile(r"Active:\s+(\S+(?: \([^)]*\))?)")
_TESTED = re.compile(r"on ([\w.-]+):(.*?)(?=Debug Pod test results|$)", re.DOTALL)
_CALLED = re.compile(r"[├└]── (\S+)")


def read_yaml(file: Path, phase: Phase | None, into: Gathered) -> None:
    """Read objects of a cluster; documents that are none are told of."""
    if file.stat().st_size > YAML_BYTES_MAX:
        into.note(file, f"is larger than {YAML_BYTES_MAX // 2**20} MiB of YAML and was left out.")
        return
    parts = Parts()
    try:
        for document in yaml.load_all(file.read_bytes(), Loader=LOADER):
            if document is not None and not observe(document, parts):
                into.note(file, "holds something that is no Kubernetes object.")
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        into.note(file, f"is broken YAML: {str(error).splitlines()[0]}.")
    if parts.manifests:
        _merge(parts, into)


def read_printed(file: Path, phase: Phase | None, into: Gathered) -> None:
    """Read what `kubectl describe` or `kubectl get` printed."""
    parts = Parts()
    kubectl.take(file.read_text(encoding="utf-8", errors="replace"), parts)
    _merge(parts, into)


def read_json(file: Path, phase: Phase | None, into: Gathered) -> None:
    """Read a recording, objects of a cluster, or a file about a release."""
    try:
        found = json.loads(file.read_text(encoding="utf-8", errors="replace"))
    except (ValueError, RecursionError) as error:
        into.note(file, f"is broken JSON: {error}.")
        return
    if isinstance(found, dict) and any(_question(key) for key in list(found)[:20]):
        parts = Parts()
        for key, answer in found.items():
            _answer(key, answer, parts)
        _merge(parts, into)
    elif isinstance(found, dict) and "kind" in found:
        parts = Parts()
        if observe(found, parts):
            _merge(parts, into)
    else:
        read_release(file, found, phase, into)


def _merge(parts: Parts, into: Gathered) -> None:
    for pod in parts.pods.values():
        parts.names.setdefault("pods", set()).add(pod.name)
    if into.objects is None:
        into.objects = parts
        return
    into.objects.namespace = into.objects.namespace or parts.namespace
    for name in ("manifests", "pods", "nodes", "quotas", "volumes", "volume_labels", "logs"):
        getattr(into.objects, name).update(getattr(parts, name))
    for kind, names in parts.names.items():
        into.objects.names.setdefault(kind, set()).update(names)
    into.objects.events += parts.events


# -- recorded answers ------------------------------------------------------------------------------


def _question(key: str) -> tuple[str, Asked] | None:
    tool, colon, rest = key.partition(":")
    if not colon or not rest.startswith("{"):
        return None
    try:
        asked = json.loads(rest)
    except (ValueError, RecursionError):
        return None
    return (tool, asked) if isinstance(asked, dict) else None


def _answer(key: str, answer: object, into: Parts) -> None:
    question = _question(key)
    if question is None:
        return
    tool, asked = question
    reader = _TOOLS.get(tool)
    if reader:
        reader(asked, answer, into)


def _resources(asked: Asked, answer: object, into: Parts) -> None:
    if not isinstance(answer, str):
        return
    kind = describe.plural(str(asked.get("resource_type", "")))
    if asked.get("output_yaml"):
        _declared(answer, into)
        return
    if asked.get("name") or asked.get("namespace") == "kube-system":
        return
    into.namespace = into.namespace or str(asked.get("namespace", ""))
    rows = describe.table(answer)
    if not asked.get("label_selector"):
        into.names.setdefault(kind, set()).update(row["NAME"] for row in rows)
    for row in rows if kind == "pods" else ():
        _keep_pod(describe.pod(row), row.get("LABELS", ""), into)
    for row in rows if kind == "deployments" else ():
        if row.get("READY", "").endswith("/0"):
            into.manifests.setdefault(
                ("deployments", row["NAME"]),
                {"metadata": {"name": row["NAME"]}, "spec": {"replicas": 0}},
            )


def _keep_pod(pod: Pod, labels: str, into: Parts) -> None:
    known = into.pods.get(pod.name)
    found = dict(pair.partition("=")[::2] for pair in labels.split(",") if "=" in pair)
    into.pods[pod.name] = Pod(
        pod.name,
        pod.state,
        pod.ready,
        pod.restarts,
        pod.node or (known.node if known else ""),
        known.last_reason if known else "",
        known.exit_code if known else 0,
        found or (known.labels if known else {}),
    )


def _described(asked: Asked, answer: object, into: Parts) -> None:
    if not isinstance(answer, str) or asked.get("namespace") == "kube-system":
        return
    kind, name = describe.plural(str(asked.get("resource_type", ""))), str(asked.get("name", ""))
    into.events += list(describe.events(kind, name, answer))
    if kind == "pods" and name in into.pods:
        reason, code = describe.ended(answer)
        pod = into.pods[name]
        node = describe.field(answer, "Node").partition("/")[0].replace("<none>", "")
        into.pods[name] = Pod(
            name, pod.state, pod.ready, pod.restarts, pod.node or node, reason, code,
            pod.labels or describe.labels(answer),
        )  # fmt: skip
    elif kind == "resourcequotas":
        into.quotas[name] = describe.quota(name, answer)
    elif kind == "persistentvolumes":
        into.volumes[name] = describe.field(answer, "Claim")
        into.volume_labels[name] = describe.labels(answer)
    elif (
        kind == "nodes" and name in into.nodes and describe.field(answer, "Unschedulable") == "true"
    ):
        node_ = into.nodes[name]
        into.nodes[name] = Node(name, node_.ready, False, node_.labels, node_.taints,
                                node_.pressures)  # fmt: skip


def _declared(answer: object, into: Parts) -> None:
    if not isinstance(answer, str):
        return
    try:
        for document in yaml.load_all(answer, Loader=LOADER):
            declare(document, into)
    except (yaml.YAMLError, RecursionError, ValueError):
        return


def _cluster(asked: Asked, answer: object, into: Parts) -> None:
    for one in map(mapping, items(mapping(answer).get("nodes"))):
        name = str(one.get("name", ""))
        conditions = mapping(one.get("conditions"))
        taints = tuple(str(taint) for taint in items(one.get("taints")))
        into.nodes[name] = Node(
            name,
            one.get("status") == "Ready",
            not any("unschedulable" in taint for taint in taints),
            {str(k): str(v) for k, v in mapping(one.get("labels")).items()},
            taints,
            tuple(str(k) for k, v in conditions.items() if v == "True"),
        )


def _alerts(asked: Asked, answer: object, into: Parts) -> None:
    listed = mapping(answer).get("alerts") if isinstance(answer, dict) else answer
    for one in map(mapping, items(listed)):
        if one.get("url"):
            into.requests.append(
                FailingRequest(
                    str(one.get("entry_service", "")),
                    str(one["url"]),
                    str(one.get("raw_error", "")),
                )
            )
        elif one.get("name"):
            findings = tuple(str(each) for each in items(one.get("evidence")))
            into.alerts.append(Alert(str(one.get("type", "")), str(one["name"]), findings))


def _errors(asked: Asked, answer: object, into: Parts) -> None:
    text = json.dumps(answer, ensure_ascii=False) if not isinstance(answer, str) else answer
    lines = re.split(r"\\n|\n", text.replace("\\\\n", "\n"))
    kept = tuple(line for line in lines if line.strip(" []{}\",'"))[:LOG_LINES_MAX]
    if kept:
        into.logs[str(asked.get("service_name", ""))] = kept


def _reached(asked: Asked, answer: object, into: Parts) -> None:
    port = asked.get("port")
    if isinstance(answer, str) and isinstance(port, int):
        found = {
            where: "Connection Succeeded" in said for where, said in _TESTED.findall(answer)
        } or {"": "Connection Succeeded" in answer}
        into.reached[str(asked.get("service_name", "")), port] = found


def _unit(asked: Asked, answer: object, into: Parts) -> None:
    state = _ACTIVE.search(str(answer))
    if state:
        into.units[str(asked.get("node_name", "")), str(asked.get("service_name", ""))] = state[1]


def _calls(asked: Asked, answer: object, into: Parts) -> None:
    service = str(asked.get("service_name", ""))
    _, found, tree = str(answer).partition("[Downstream (Calls)]:")
    if not found:
        return
    path = [service]
    for line in tree.splitlines():
        called = _CALLED.search(line)
        if called:
            depth = called.start() // 4 + 1
            path[depth:] = [called[1]]
            into.calls.add((path[depth - 1] if depth <= len(path) else service, called[1]))


_TOOLS: dict[str, Callable[[Asked, object, Parts], None]] = {
    "GetResources": _resources,
    "DescribeResource": _described,
    "GetAppYAML": lambda asked, answer, into: _declared(answer, into),
    "GetClusterConfiguration": _cluster,
    "GetAlerts": _alerts,
    "GetErrorLogs": _errors,
    "CheckServiceConnectivity": _reached,
    "CheckNodeServiceStatus": _unit,
    "GetServiceDependencies": _calls,
}
