"""Containers that do not start: images, secrets, config maps, mounts; and memory that ran out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mainstay.diagnosis.cause import CauseClass, Hypothesis
from mainstay.diagnosis.kubernetes.cluster import Cluster, Event, Object, items, mapping, pod_spec
from mainstay.diagnosis.kubernetes.words import INFERRED, STATED, cause

_IMAGE = re.compile(r'[Ff]ailed to pull (?:and unpack )?image "([^"]+)"')
_UNRESOLVED = re.compile(r"no such host|server misbehaving|lookup \S+ on|name resolution", re.I)
_DENIED = re.compile(
    r"\b40[13]\b|denied|unauthori[sz]ed|authenticat|failed to authorize|forbidden", re.I
)
_ABSENT = re.compile(r"not ?found|manifest unknown|invalid reference|does not exist", re.I)
_UNREACHABLE = re.compile(r"i/o timeout|connection refused|deadline|TLS handshake|no route", re.I)
_MISSING = re.compile(r'(secret|configmap) "([^"]+)" not found')
_NO_KEY = re.compile(r"couldn't find key (\S+) in (Secret|ConfigMap) (\S+)", re.I)
_OOM = re.compile(r"OOM[- ]?[Kk]illed|out of memory|memory limit too low", re.I)
_MOUNT = re.compile(r"permission denied|read-only file system|EACCES|EROFS", re.I)


def not_started(cluster: Cluster) -> Iterator[Hypothesis]:
    """Why a container does not start, as the kubelet says."""
    ill = {pod.name for pod in cluster.pods if pod.ill}
    for event in cluster.events:
        if event.kind == "pods" and event.name in ill and event.warning:
            found = _image(event) or _reference(event)
            if found:
                yield found


def out_of_memory(cluster: Cluster) -> Iterator[Hypothesis]:
    """Containers that were killed for their memory, or that get too little to begin."""
    for pod in cluster.pods:
        if pod.last_reason == "OOMKilled":
            yield _oom(pod.workload, f"Its container ended with OOMKilled ({pod.name}).", pod.name)
    ill = {pod.name for pod in cluster.pods if pod.ill}
    for event in cluster.events:
        if event.name in ill and event.warning and _OOM.search(event.message):
            yield _oom(event.workload, event.message, event.name)


def unwritable_mounts(cluster: Cluster) -> Iterator[Hypothesis]:
    """Containers that crash because they may not write where they are told to."""
    for name, manifest in cluster.workloads():
        if not cluster.ill(name) or not _mounts(manifest):
            continue
        line = next((one for one in cluster.logs.get(name, ()) if _MOUNT.search(one)), "")
        crashed = any(pod.restarts and pod.exit_code == 1 for pod in cluster.pods_of(name))
        if line or (crashed and _restricted(manifest)):
            yield cause(
                name, "volume-mount-permission-denied",
                f"{name} may not write to a volume that it has mounted.",
                line or "It runs as a user, or mounts a volume, that cannot write.",
                score=STATED if line else INFERRED, source=f"logs of {name}",
                confirm=f"kubectl get deploy {name} -o yaml: securityContext, readOnly, fsGroup",
            )  # fmt: skip


def _image(event: Event) -> Hypothesis | None:
    image = _IMAGE.search(event.message)
    if not image or event.reason != "Failed":
        return None
    said, name = event.message, image[1]
    if _UNRESOLVED.search(said):
        kind, why = "image-registry-dns-failure", "the registry's name does not resolve"
        cause_class = CauseClass.NETWORK
    elif _DENIED.search(said):
        kind, why = "missing-image-pull-secret", "the registry asks for a login that is not given"
        cause_class = CauseClass.CONFIGURATION
    elif _ABSENT.search(said):
        kind, why = "incorrect-image-reference", "there is no such image"
        cause_class = CauseClass.CONFIGURATION
    elif _UNREACHABLE.search(said):
        kind, why = "image-registry-unreachable", "the registry does not answer"
        cause_class = CauseClass.NETWORK
    else:
        return None
    return cause(
        event.workload, kind, f"{event.workload} cannot start: {why} ({name}).", said,
        score=STATED, source=f"events of {event.name}", cause_class=cause_class,
        confirm=f"Pull {name} by hand from the node.",
    )  # fmt: skip


def _reference(event: Event) -> Hypothesis | None:
    missing, no_key = _MISSING.search(event.message), _NO_KEY.search(event.message)
    if missing:
        word = {"secret": "secret", "configmap": "config map"}[missing[1]]
        kind = {"secret": "missing-secret-binding", "configmap": "missing-config-map"}[missing[1]]
        sentence = f"{event.workload} cannot start: the {word} {missing[2]} does not exist."
    elif no_key:
        kind = "missing-secret-key" if no_key[2].lower() == "secret" else "missing-config-key"
        sentence = f"{event.workload} cannot start: {no_key[3]} has no key {no_key[1]}."
    else:
        return None
    return cause(
        event.workload, kind, sentence, event.message, score=STATED,
        source=f"events of {event.name}",
        confirm=f"kubectl describe pod {event.name}",
    )  # fmt: skip


def _oom(workload: str, said: str, source: str) -> Hypothesis:
    return cause(
        workload, "oom-killed",
        f"{workload} is killed because it needs more memory than its limit.",
        said, score=STATED, source=source, cause_class=CauseClass.SYSTEM,
        confirm=f"Compare the memory limit of {workload} with what it uses.",
    )  # fmt: skip


def _mounts(manifest: Object) -> bool:
    return any(
        not {"configMap", "secret", "projected"} & set(mapping(each))
        for each in items(pod_spec(manifest).get("volumes"))
    )


def _restricted(manifest: Object) -> bool:
    spec = pod_spec(manifest)
    contexts = [mapping(spec.get("securityContext"))]
    contexts += [mapping(mapping(c).get("securityContext")) for c in items(spec.get("containers"))]
    mounts = [
        mapping(mount)
        for each in items(spec.get("containers"))
        for mount in items(mapping(each).get("volumeMounts"))
    ]
    return any("runAsUser" in one or one.get("readOnlyRootFilesystem") for one in contexts) or any(
        one.get("readOnly") for one in mounts
    )
