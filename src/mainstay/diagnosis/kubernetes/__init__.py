"""Kubernetes objects as evidence: what contradicts what, in words. Each check is one function over
the cluster; a check more is a line in CHECKS and a test that fails without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mainstay.diagnosis.cause import Hypothesis
from mainstay.diagnosis.kubernetes.admission import full_quotas, refused
from mainstay.diagnosis.kubernetes.cluster import Cluster
from mainstay.diagnosis.kubernetes.connections import (
    failing_connections,
    no_replicas,
    unwritable_databases,
)
from mainstay.diagnosis.kubernetes.nodes import dead_units, ill_nodes, slow_things
from mainstay.diagnosis.kubernetes.probes import failing_probes
from mainstay.diagnosis.kubernetes.routing import (
    blocked_by_policies,
    misrouted_services,
    misroutes,
    wrong_addresses,
)
from mainstay.diagnosis.kubernetes.scheduling import unscheduled
from mainstay.diagnosis.kubernetes.startup import not_started, out_of_memory, unwritable_mounts

CHECKS: tuple[Callable[[Cluster], Iterator[Hypothesis]], ...] = (
    refused,
    full_quotas,
    unscheduled,
    not_started,
    out_of_memory,
    unwritable_mounts,
    failing_probes,
    misrouted_services,
    wrong_addresses,
    misroutes,
    blocked_by_policies,
    failing_connections,
    unwritable_databases,
    no_replicas,
    dead_units,
    ill_nodes,
    slow_things,
)


def of_cluster(cluster: Cluster) -> list[Hypothesis]:
    """Every hypothesis that the objects of a cluster give, unranked."""
    return [found for check in CHECKS for found in check(cluster)]
