"""`kubectl describe` and the tables of `kubectl get` in a text file, read back into objects."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mainstay.diagnosis.folder import describe
from mainstay.diagnosis.folder.objects import PRESSURES, Parts
from mainstay.diagnosis.kubernetes.cluster import Event, Node, Pod

_DESCRIBED = re.compile(r"^Name:\s+\S.*\n(?:.*\n){0,3}?(?:Namespace|Labels|Roles|Priority):", re.M)
_TABLE = re.compile(
    r"^(?:NAMESPACE +)?(?:LAST SEEN +TYPE +REASON +OBJECT|NAME +READY +STATUS +RESTARTS|NAME +STATUS +ROLES)"
)
_BEGINS = re.compile(r"^(?=Name:\s+\S)", re.M)
_CONDITION = re.compile(r"^\s+(\w+)\s+(True|False|Unknown)\s", re.M)
_TAINT = re.compile(r"([\w./-]+(?:=[\w./-]*)?:(?:NoSchedule|NoExecute|PreferNoSchedule))")
_COUNT = re.compile(r"Restart Count:\s+(\d+)")
_READY = re.compile(r"^\s+Ready:\s+(True|False)\s*$", re.M)
_STATE = re.compile(r"^\s+State:\s+\w+\s*\n\s+Reason:\s+(\S+)", re.M)
_MARKS = (
    ("nodes", re.compile(r"^(?:Capacity|Unschedulable):", re.M)),
    ("resourcequotas", re.compile(r"^Resource\s+Used\s+Hard", re.M)),
    ("pods", re.compile(r"^(?:Containers|Init Containers):", re.M)),
)
"""Kind → what only its description has. A workload has Containers within its Pod Template."""


def looks_printed(head: str) -> bool:
    """Whether a text begins as something that `kubectl` prints for people."""
    return bool(_TABLE.match(head) or _DESCRIBED.match(head))


def take(text: str, into: Parts) -> None:
    """Every object of a description, or every row of a table."""
    if _TABLE.match(text):
        _table(text, into)
        return
    for part in _BEGINS.split(text):
        if part.strip():
            _described(part, into)


# -- tables ----------------------------------------------------------------------------------------


def rows(text: str) -> Iterator[dict[str, str]]:
    """Rows by the heads in capitals; the columns are where the heads begin."""
    lines = [line for line in text.splitlines() if line.strip()]
    heads = [(found.start(), found[0]) for found in re.finditer(r"\S+(?: \S+)*", lines[0])]
    for line in lines[1:]:
        ends = [start for start, _ in heads[1:]] + [len(line)]
        yield {
            head: line[start:end].strip() for (start, head), end in zip(heads, ends, strict=True)
        }


def _table(text: str, into: Parts) -> None:
    for row in rows(text):
        into.namespace = into.namespace or row.get("NAMESPACE", "")
        if "OBJECT" in row:
            kind, _, name = row["OBJECT"].partition("/")
            into.events.append(
                Event(
                    describe.plural(kind), name, row.get("REASON", ""), row.get("MESSAGE", ""),
                    row.get("TYPE") == "Warning",
                )
            )  # fmt: skip
        elif "RESTARTS" in row:
            into.pods.setdefault(row["NAME"], describe.pod(row))
        else:
            states = row.get("STATUS", "").split(",")
            node = Node(row["NAME"], "Ready" in states, "SchedulingDisabled" not in states)
            into.nodes.setdefault(row["NAME"], node)


# -- descriptions ----------------------------------------------------------------------------------


def _described(text: str, into: Parts) -> None:
    name, kind = describe.field(text, "Name"), _kind(text)
    namespace = describe.field(text, "Namespace")
    into.namespace = into.namespace or namespace
    into.events += list(describe.events(kind, name, text))
    if kind == "pods":
        into.pods[name] = _pod(name, text)
    elif kind == "nodes":
        into.nodes[name] = _node(name, text)
    elif kind == "resourcequotas":
        into.quotas[name] = describe.quota(name, text)


def _kind(text: str) -> str:
    if "Pod Template:" in text:
        return "deployments" if "StrategyType:" in text else "replicasets"
    return next((kind for kind, mark in _MARKS if mark.search(text)), "others")


def _pod(name: str, text: str) -> Pod:
    reason, code = describe.ended(text)
    waiting = _STATE.search(text)
    ready = _READY.findall(text)
    return Pod(
        name,
        waiting[1] if waiting else describe.field(text, "Status"),
        bool(ready) and "False" not in ready,
        sum(int(count) for count in _COUNT.findall(text)),
        describe.field(text, "Node").partition("/")[0].replace("<none>", ""),
        reason,
        code,
        describe.labels(text),
    )


def _node(name: str, text: str) -> Node:
    _, _, conditions = text.partition("\nConditions:")
    states = dict(_CONDITION.findall(conditions.partition("\nAddresses:")[0]))
    taints, _, _ = text.partition("\nUnschedulable:")[0].partition("\nConditions:")
    return Node(
        name,
        states.get("Ready") == "True",
        describe.field(text, "Unschedulable") != "true",
        describe.labels(text),
        tuple(_TAINT.findall(taints)),
        tuple(one for one in PRESSURES if states.get(one) == "True"),
    )
