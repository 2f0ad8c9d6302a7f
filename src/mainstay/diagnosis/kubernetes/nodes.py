"""Machines below the pods: their services, their pressure, their network; and who is slow on them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from mainstay.diagnosis.cause import CauseClass, Hypothesis
from mainstay.diagnosis.kubernetes.cluster import Alert, Cluster
from mainstay.diagnosis.kubernetes.words import INFERRED, STATED, cause

_LOST = re.compile(r"retransmi|packet loss|NETWORK_QUALITY", re.I)
_SLOW = re.compile(r"LATENCY|slow", re.I)
_FEWER = re.compile(r"THROUGHPUT_DROP|TRAFFIC_ANOMALY", re.I)
_THROTTLED = re.compile(r"throttl|cpu_cfs", re.I)
_CPU_ROSE = re.compile(r"SATURATION[^|]*cpu core[^|]*\|[^|]*\+\d{2,}", re.I)
_TYPICAL = re.compile(r"p50\w*latency|p50", re.I)
_MEMORY = re.compile(r"SATURATION.*mem", re.I)
_MOVED = re.compile(
    r"(?:p50|p90|p95|p99)?\w*latency[^:]*: Normal=([\d.]+)ms -> Current=([\d.]+)ms", re.I
)
EVERYWHERE = 5
"""From so many services with less traffic, and half of all, the fault is below them, or at the
door."""
EXPLAINS = 0.25
"""A callee explains its caller's lateness if it got later by this share of it."""
CONFIDENT = 0.85


def dead_units(cluster: Cluster) -> Iterator[Hypothesis]:
    """Services of a machine that do not run."""
    for (node, unit), state in sorted(cluster.units.items()):
        if not state.startswith(("active", "activating")):
            yield cause(
                f"node/{node}", f"{unit.replace('.service', '')}-unavailable",
                f"{unit} does not run on {node}.", f"systemd says: {state}", score=STATED + 0.03,
                source=f"systemctl status {unit}", cause_class=CauseClass.SYSTEM,
                confirm=f"On {node}: systemctl status {unit}; journalctl -u {unit}",
            )  # fmt: skip


def ill_nodes(cluster: Cluster) -> Iterator[Hypothesis]:
    """Machines that are not ready, or under pressure."""
    for node in cluster.nodes:
        for pressure in node.pressures:
            yield cause(
                f"node/{node.name}", re.sub(r"(?<=[a-z])(?=[A-Z])", "-", pressure).lower(),
                f"{node.name} reports {pressure}.", f"condition {pressure} is True", score=STATED,
                source=f"node {node.name}", cause_class=CauseClass.SYSTEM,
            )  # fmt: skip
        if not node.ready:
            yield cause(
                f"node/{node.name}", "node-not-ready", f"{node.name} is not ready.",
                "condition Ready is not True", score=INFERRED, source=f"node {node.name}",
                cause_class=CauseClass.SYSTEM,
            )  # fmt: skip


def slow_things(cluster: Cluster) -> Iterator[Hypothesis]:
    """What monitoring says about services and nodes: busy, slow themselves, or slow together."""
    services = {one.name: one for one in cluster.alerts if one.kind == "Service"}
    collapsed = [name for name, one in services.items() if _any(one, _FEWER)]
    known = cluster.names.get("services", frozenset(services))
    everywhere = len(collapsed) >= max(EVERYWHERE, len(known) / 2)
    lossy = [one for one in cluster.alerts if one.kind == "Node" and _any(one, _LOST)]
    for alert in lossy if not everywhere else ():
        yield cause(
            f"node/{alert.name}", "node-network-packet-loss",
            f"The network of {alert.name} loses packets; they are sent again, a little later.",
            alert.findings[0], score=STATED, source="alerts", cause_class=CauseClass.NETWORK,
            confirm=f"On {alert.name}: ip -s link; ss -ti",
        )  # fmt: skip
    for alert in services.values():
        yield from _busy(alert)
    if not lossy or everywhere:
        yield from _slow(cluster, services, everywhere=everywhere)


def _busy(alert: Alert) -> Iterator[Hypothesis]:
    """Throttled is normal for a moment; throttled while it uses more than ever is a lack."""
    throttled = next((each for each in alert.findings if _THROTTLED.search(each)), "")
    rose = next((each for each in alert.findings if _CPU_ROSE.search(each)), "")
    if throttled and rose:
        yield cause(
            alert.name, "pod-cpu-overload", f"{alert.name} has no CPU left.", rose,
            score=CONFIDENT, source="alerts",
            confirm=f"kubectl top pod of {alert.name}; its CPU limit and throttling",
            cause_class=CauseClass.SYSTEM,
        )  # fmt: skip
    memory = next((each for each in alert.findings if _MEMORY.search(each)), "")
    if memory:
        yield cause(
            alert.name, "pod-memory-overload", f"{alert.name} has little memory left.", memory,
            score=CONFIDENT, source="alerts", cause_class=CauseClass.SYSTEM,
            confirm=f"Compare the memory limit of {alert.name} with what it uses.",
        )  # fmt: skip


# -- slow without being busy -----------------------------------------------------------------------


def _slow(
    cluster: Cluster, services: Mapping[str, Alert], *, everywhere: bool
) -> Iterator[Hypothesis]:
    callees = _callees(cluster)
    slow = {name: _slowed(one) for name, one in services.items() if _any(one, _SLOW)}
    own = {
        name: late
        for name, late in slow.items()
        if not any(slow.get(below, 0.0) >= EXPLAINS * late for below in callees.get(name, []))
    }
    if not own:
        return
    worst = max(sorted(own), key=lambda name: own[name])
    if everywhere and any(worst in below for below in callees.values()):
        yield from _slow_node(cluster, services, callees)
    for name, late in sorted(own.items()):
        yield cause(
            name, "pod-network-delay",
            f"{name} answers late without being busy, and nothing that it calls explains it.",
            next(each for each in services[name].findings if _SLOW.search(each)),
            score=INFERRED * late / own[worst], source="alerts", cause_class=CauseClass.NETWORK,
            confirm=f"In the pod of {name}: ping, tc qdisc; its own time beside its callers'",
        )  # fmt: skip


def _slow_node(
    cluster: Cluster, services: Mapping[str, Alert], callees: Mapping[str, list[str]]
) -> Iterator[Hypothesis]:
    """The node on which most services got slow in their typical request, without a slow callee."""
    typical = {name for name, one in services.items() if _any(one, _TYPICAL)}
    deepest = [name for name in sorted(typical) if not typical & set(callees.get(name, []))]
    home = {pod.workload: pod.node for pod in cluster.pods if pod.node}
    counts = Counter(home[name] for name in deepest if name in home)
    if not counts:
        return
    node, most = min(counts.items(), key=lambda one: (-one[1], one[0]))
    yield cause(
        f"node/{node}", "node-network-delay",
        f"The network of {node} is slow: what runs there got slow together, and traffic fell "
        "everywhere.",
        f"{most} of {len(deepest)} services that got slow without a slow callee run on {node}.",
        score=INFERRED + 0.05, source="alerts, pods", cause_class=CauseClass.NETWORK,
        confirm=f"From another node: ping {node}; on it: tc qdisc",
    )  # fmt: skip


def _callees(cluster: Cluster) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for caller, callee in sorted(cluster.calls):
        found.setdefault(caller, []).append(callee)
    return found


def _slowed(alert: Alert) -> float:
    """By how many milliseconds it got slower, the worst of what was measured."""
    moved = [
        float(now) - float(was) for each in alert.findings for was, now in _MOVED.findall(each)
    ]
    return max(moved, default=1.0)


def _any(alert: Alert, words: re.Pattern[str]) -> bool:
    return any(words.search(each) for each in alert.findings)
