"""Pods and services that were never let in: service accounts that are missing, quotas that are full."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mainstay.diagnosis.cause import Hypothesis
from mainstay.diagnosis.kubernetes.cluster import Cluster
from mainstay.diagnosis.kubernetes.words import CONTRADICTED, STATED, cause

_NO_ACCOUNT = re.compile(r'serviceaccount "([^"]+)" not found')
_OVER = re.compile(r"exceeded quota: ([^,]+), requested: ([a-z.]+)=")


def refused(cluster: Cluster) -> Iterator[Hypothesis]:
    """What the API server refused to create, as long as it is still missing."""
    for event in cluster.events:
        if event.reason != "FailedCreate":
            continue
        account = _NO_ACCOUNT.search(event.message)
        if (
            account
            and cluster.has("serviceaccounts", account[1]) is not True
            and cluster.ill(event.workload)
        ):
            yield cause(
                event.workload, "missing-service-account",
                f"{event.workload} cannot start: its service account {account[1]} does not exist.",
                event.message, score=STATED, source=f"events of {event.name}",
                confirm=f"kubectl get serviceaccount {account[1]}",
            )  # fmt: skip
        over = _OVER.search(event.message)
        if over:
            yield _full(cluster, over[1], over[2], event.message, STATED)


def full_quotas(cluster: Cluster) -> Iterator[Hypothesis]:
    """Quotas used up, where something that is declared does not exist."""
    for quota in cluster.quotas:
        for resource, hard in sorted(quota.hard.items()):
            if quota.used.get(resource) != hard or resource.rpartition("/")[2] not in COUNTED:
                continue
            kind = resource.rpartition("/")[2]
            missing = [name for name, _ in cluster.of(kind) if cluster.has(kind, name) is False]
            if missing:
                said = f"{hard} of {hard} {kind} are used, and {', '.join(missing)} is missing."
                yield _full(cluster, quota.name, resource, said, CONTRADICTED)


COUNTED = ("services", "configmaps", "secrets", "persistentvolumeclaims")


def _full(cluster: Cluster, quota: str, resource: str, said: str, score: float) -> Hypothesis:
    what = resource.rpartition(".")[2].rpartition("/")[2]
    singular = what.removesuffix("s") if what in ("pods", *COUNTED) else what
    return cause(
        f"namespace/{cluster.namespace}", f"namespace-{singular}-quota-exceeded",
        f"The quota {quota} of namespace {cluster.namespace} is used up: no more {what} can be "
        "had.",
        said, score=score, source=f"quota {quota}", confirm=f"kubectl describe quota {quota}",
    )  # fmt: skip
