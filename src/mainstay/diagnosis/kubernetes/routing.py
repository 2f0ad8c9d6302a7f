"""Services that lead nowhere: selectors, ports, protocols, addresses, routes of a gateway."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches

from mainstay.diagnosis.cause import CauseClass, Hypothesis
from mainstay.diagnosis.kubernetes.cluster import (
    Cluster,
    Object,
    containers,
    items,
    mapping,
    pod_labels,
    ports_of,
    scalar,
)
from mainstay.diagnosis.kubernetes.words import CONTRADICTED, INFERRED, STATED, cause

_ADDRESS = re.compile(r"^(?:\w+://)?([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):(\d{1,5})(?:/.*)?$")
_ROUTE = re.compile(r"uri:\s*\w+://(?:\$\{[^:}]*:)?([\w.-]+)\}?.*?Path=(\S+)", re.DOTALL)
ALIKE = 0.85
"""From this likeness (difflib) on, two names are one of them misspelt."""
_STANZA = re.compile(r"(?m)^\s*- id:")


def misrouted_services(cluster: Cluster) -> Iterator[Hypothesis]:
    """Services whose selector, port or protocol does not match any workload's pods."""
    labelled = [(name, pod_labels(manifest), manifest) for name, manifest in cluster.workloads()]
    for name, service in cluster.of("services"):
        spec = mapping(service.get("spec"))
        selector = mapping(spec.get("selector"))
        if not selector:
            continue
        chosen = [(w, m) for w, labels, m in labelled if selector.items() <= labels.items()]
        if not chosen:
            yield from _selects_none(cluster, name, selector, {w for w, _, _ in labelled})
        for workload, manifest in chosen:
            yield from _ports(name, workload, spec, manifest)


def _selects_none(
    cluster: Cluster, name: str, selector: Object, workloads: set[str]
) -> Iterator[Hypothesis]:
    if name not in workloads or any(selector.items() <= pod.labels.items() for pod in cluster.pods):
        return
    wanted = ", ".join(f"{key}={value}" for key, value in selector.items())
    yield cause(
        name, "service-selector-mismatch",
        f"The service {name} selects pods with {wanted}, and there are none.",
        f"selector: {wanted}", score=CONTRADICTED,
        source=f"service {name}", confirm=f"kubectl get endpoints {name}",
    )  # fmt: skip


def _ports(name: str, workload: str, spec: Object, manifest: Object) -> Iterator[Hypothesis]:
    offered = {
        (scalar(port.get("containerPort")), scalar(port.get("protocol", "TCP")))
        for port in ports_of(manifest)
    }
    names = {scalar(port.get("name")) for port in ports_of(manifest)} - {None}
    if not offered:
        return
    for port in map(mapping, items(spec.get("ports"))):
        target = scalar(port.get("targetPort", port.get("port")))
        protocol = scalar(port.get("protocol", "TCP"))
        if target in names or (target, protocol) in offered:
            continue
        known = ", ".join(f"{number}/{how}" for number, how in sorted(offered, key=str))
        wrong_protocol = any(number == target for number, _ in offered)
        yield cause(
            workload,
            "service-protocol-mismatch" if wrong_protocol else "service-port-mapping-mismatch",
            f"The service {name} sends to {target}/{protocol}; {workload} listens on {known}.",
            f"port {port.get('port')} → {target}/{protocol}", score=CONTRADICTED,
            source=f"service {name}", confirm=f"kubectl get endpoints {name}",
        )  # fmt: skip


# -- addresses in the environment ------------------------------------------------------------------


def wrong_addresses(cluster: Cluster) -> Iterator[Hypothesis]:
    """Variables that name a service, or a port of it, that does not exist."""
    ports: dict[str, set[object]] = {
        name: {scalar(mapping(p).get("port")) for p in items(mapping(s.get("spec")).get("ports"))}
        for name, s in cluster.of("services")
    }
    if not ports:
        return
    for workload, manifest in cluster.workloads():
        for variable, value in _variables(manifest):
            address = _ADDRESS.match(value)
            if address:
                yield from _address(cluster, workload, variable, address, ports)


def _address(
    cluster: Cluster,
    workload: str,
    variable: str,
    address: re.Match[str],
    ports: Mapping[str, Collection[object]],
) -> Iterator[Hypothesis]:
    host, port = address[1].partition(".")[0], int(address[2])
    if host in ("localhost", workload) or host.isdigit():
        return
    if host in ports and (port in ports[host] or not ports[host]):
        return
    heard = any(host in line for lines in cluster.logs.values() for line in lines)
    if host in ports:
        score, what = CONTRADICTED, f"the service {host} has no port {port}"
    elif heard:
        score, what = STATED, f"there is no service {host}"
    elif meant := _meant(variable, host, ports):
        score, what = CONTRADICTED, f"there is no service {host}; did somebody mean {meant}?"
    else:
        return
    yield cause(
        workload, "service-env-var-address-mismatch",
        f"{workload} is told to find a service at {address[0]} ({variable}), but {what}.",
        f"{variable}={address[0]}", score=score, source=f"environment of {workload}",
        confirm=f"Compare {variable} with kubectl get services.",
    )  # fmt: skip


def _meant(variable: str, host: str, services: Iterable[str]) -> str:
    """The service that a variable's own name, or a misspelt host, stands for; "" if none."""
    known = sorted(services)
    named = [each for each in known if _letters(variable).startswith(_letters(each))]
    if named:
        return max(named, key=len)
    return next(iter(get_close_matches(host, known, 1, ALIKE)), "")


def _variables(manifest: Object) -> Iterator[tuple[str, str]]:
    for one in containers(manifest):
        for each in map(mapping, items(one.get("env"))):
            if isinstance(each.get("value"), str):
                yield str(each.get("name")), each["value"]


# -- routes of a gateway ---------------------------------------------------------------------------


def misroutes(cluster: Cluster) -> Iterator[Hypothesis]:
    """Requests that fail because a gateway's configuration sends their path elsewhere."""
    routes = [
        (found[2], found[1], name)
        for name, manifest in cluster.of("configmaps")
        for text in mapping(manifest.get("data")).values()
        for stanza in _STANZA.split(str(text))
        if (found := _ROUTE.search(stanza))
    ]
    for pattern, target, name in routes:
        prefix = pattern.removesuffix("/**").rstrip("/")
        failing = [
            one
            for one in cluster.requests
            if one.path.startswith(prefix + "/") and one.service != target
        ]
        meant = failing[0].service if failing else _named(cluster, prefix, target)
        if meant:
            said = f"{failing[0].path}: {failing[0].error}" if failing else f"{pattern} → {target}"
            yield cause(
                meant, "gateway-misroute",
                f"The gateway sends {prefix} to {target}; it belongs to {meant}.", said,
                score=CONTRADICTED if failing else INFERRED, source=f"configmap {name}",
                confirm=f"kubectl get configmap {name} -o yaml",
            )  # fmt: skip


def _named(cluster: Cluster, prefix: str, target: str) -> str:
    """The service that a path names, if it is not the one that it leads to; "" otherwise."""
    word = _letters(prefix.rpartition("/")[2])
    named = [name for name, _ in cluster.of("services") if _letters(name).endswith(word)]
    return min(named, key=lambda name: (len(name), name)) if named and target not in named else ""


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


# -- network policies ------------------------------------------------------------------------------


def blocked_by_policies(cluster: Cluster) -> Iterator[Hypothesis]:
    """Callers that a network policy does not let in to what they call, or not out to anybody.

    Policies add up: one that admits is enough. Told only where the caller suffers.
    """
    policies = [(name, mapping(one.get("spec"))) for name, one in cluster.of("networkpolicies")]
    workloads = dict(cluster.workloads())
    for caller, callee in sorted(_wanted(cluster, workloads)):
        selecting = [
            (name, spec) for name, spec in policies
            if _selects(spec.get("podSelector"), pod_labels(workloads[callee])) and _is_in(spec)
        ]  # fmt: skip
        labels = pod_labels(workloads[caller])
        ports = {scalar(port.get("containerPort")) for port in ports_of(workloads[callee])}
        admits = any(_admits(spec, "ingress", "from", labels, ports) for _, spec in selecting)
        if selecting and not admits and _suffers(cluster, caller, callee):
            names = ", ".join(name for name, _ in selecting)
            yield cause(
                callee, "network-policy-blocks",
                f"The network policy {names} does not let {caller} in to {callee}.",
                f"{caller} is labelled {_listed(labels)}; the policy admits others.",
                score=CONTRADICTED, source=f"networkpolicy {names}",
                confirm=f"kubectl describe networkpolicy {selecting[0][0]}",
                cause_class=CauseClass.NETWORK,
            )  # fmt: skip
    yield from _shut_in(cluster, policies, workloads)


def _shut_in(
    cluster: Cluster, policies: list[tuple[str, Object]], workloads: Mapping[str, Object]
) -> Iterator[Hypothesis]:
    """Workloads whose policies let nothing out at all."""
    for name, manifest in workloads.items():
        out = [
            (policy, spec) for policy, spec in policies
            if "Egress" in items(spec.get("policyTypes"))
            and _selects(spec.get("podSelector"), pod_labels(manifest))
        ]  # fmt: skip
        if out and not any(items(spec.get("egress")) for _, spec in out) and _hears(cluster, name):
            yield cause(
                name, "network-policy-blocks",
                f"The network policy {out[0][0]} lets nothing out of {name}, not even to the name "
                "servers.",
                "policyTypes: Egress, and no rule of egress", score=CONTRADICTED,
                source=f"networkpolicy {out[0][0]}", cause_class=CauseClass.NETWORK,
                confirm=f"kubectl describe networkpolicy {out[0][0]}",
            )  # fmt: skip


def _wanted(cluster: Cluster, workloads: Mapping[str, Object]) -> set[tuple[str, str]]:
    """(caller, callee) as traces or the environment of the callers say."""
    found = {(a, b) for a, b in cluster.calls if a in workloads and b in workloads}
    for name, manifest in workloads.items():
        for _, value in _variables(manifest):
            address = _ADDRESS.match(value)
            host = address[1].partition(".")[0] if address else ""
            if host in workloads and host != name:
                found.add((name, host))
    return found


def _selects(selector: object, labels: Object) -> bool:
    """Whether a label selector fits; an empty one fits all. One with expressions is left alone."""
    one = mapping(selector)
    wanted = mapping(one.get("matchLabels"))
    return not one.get("matchExpressions") and wanted.items() <= labels.items()


def _is_in(spec: Object) -> bool:
    kinds = items(spec.get("policyTypes"))
    return "Ingress" in kinds or not kinds


def _admits(spec: Object, key: str, side: str, labels: Object, ports: Collection[object]) -> bool:
    """Whether one of its rules lets those labels through; what cannot be judged here does."""
    for rule in map(mapping, items(spec.get(key))):
        peers = [mapping(one) for one in items(rule.get(side))]
        wanted = {scalar(mapping(one).get("port")) for one in items(rule.get("ports"))}
        named = any(isinstance(one, str) for one in wanted)
        if wanted and ports and not named and not wanted & set(ports):
            continue
        if not peers or any(
            "ipBlock" in one or "namespaceSelector" in one
            or mapping(one.get("podSelector")).get("matchExpressions")
            or _selects(one.get("podSelector"), labels)
            for one in peers
        ):  # fmt: skip
            return True
    return False


def _suffers(cluster: Cluster, caller: str, callee: str) -> bool:
    """Whether the caller says that it does not reach the other, or somebody has tried."""
    lines = cluster.logs.get(caller, ())
    tried = [
        ok for (name, _), by in cluster.reached.items() if name == callee for ok in by.values()
    ]
    return False in tried or any(callee in line or _SILENCE.search(line) for line in lines)


def _hears(cluster: Cluster, name: str) -> bool:
    return cluster.ill(name) or any(_SILENCE.search(line) for line in cluster.logs.get(name, ()))


def _listed(labels: Object) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items())) or "not at all"


_SILENCE = re.compile(
    r"time[d]?[ -]?out|deadline exceeded|no route|unreachable|name resolution|UnknownHost|EAI_AGAIN",
    re.I,
)
