"""What `kubectl describe` and `kubectl get` print, read back into facts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mainstay.diagnosis.kubernetes.cluster import Event, Pod, Quota

_COLUMNS = re.compile(r"\s{2,}")
_FIELD = re.compile(r"^(\s*)([A-Za-z][\w -]*):\s*(.*)$")
_ENDED = re.compile(r"Last State:\s+Terminated\s+Reason:\s+(\S+)\s+Exit Code:\s+(\d+)")
_STATE = re.compile(r"(?<!Last )State:\s+(?:Terminated|Waiting)\s+Reason:\s+(\S+)")
SCALAR_KINDS = {"pod": "pods", "service": "services", "statefulset": "statefulsets",
                "deployment": "deployments", "node": "nodes", "resourcequota": "resourcequotas",
                "quota": "resourcequotas"}  # fmt: skip


def plural(kind: str) -> str:
    """The kind as this program names it."""
    word = kind.lower()
    return SCALAR_KINDS.get(word, word)


def events(kind: str, name: str, text: str) -> Iterator[Event]:
    """The events at the end of a description."""
    _, found, tail = text.rpartition("\nEvents:")
    if not found:
        return
    for line in tail.splitlines():
        cells = _COLUMNS.split(line.strip(), maxsplit=4)
        if len(cells) == 5 and cells[0] in ("Normal", "Warning"):
            yield Event(kind, name, cells[1], cells[4], cells[0] == "Warning")


def field(text: str, name: str) -> str:
    """The value of the first field with that name, "" if there is none."""
    for line in text.splitlines():
        found = _FIELD.match(line)
        if found and found[2] == name:
            return found[3].strip()
    return ""


def labels(text: str) -> dict[str, str]:
    """The labels of a described object."""
    found: dict[str, str] = {}
    inside = False
    for line in text.splitlines():
        if line.startswith("Labels:"):
            inside, line = True, line[len("Labels:") :]
        elif inside and not line.startswith(" "):
            break
        key, equals, value = line.strip().partition("=")
        if inside and equals:
            found[key] = value
    return found


def ended(text: str) -> tuple[str, int]:
    """(reason, exit code) of the container that ended last; ("", 0) if none did."""
    for reason, code in _ENDED.findall(text):
        if int(code):
            return reason, int(code)
    found = _STATE.search(text)
    return (found[1], 0) if found else ("", 0)


def quota(name: str, text: str) -> Quota:
    """The table at the end of a described resource quota."""
    hard, used = {}, {}
    for line in text.splitlines():
        cells = _COLUMNS.split(line.strip())
        if len(cells) == 3 and cells[0] not in ("Resource", "--------"):
            used[cells[0]], hard[cells[0]] = cells[1], cells[2]
    return Quota(name, hard, used)


def table(text: str) -> list[dict[str, str]]:
    """Rows of `kubectl get`, by the heads in capitals; the columns are where the heads begin."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        return []
    heads = [(found.start(), found[0].strip()) for found in re.finditer(r"\S+( \S+)*", lines[0])]
    if heads[0] != (0, "NAME"):
        return []
    rows = []
    for line in lines[1:]:
        ends = [start for start, _ in heads[1:]] + [len(line)]
        rows.append(
            {head: line[start:end].strip() for (start, head), end in zip(heads, ends, strict=True)}
        )
    return rows


def pod(row: Mapping[str, str]) -> Pod:
    """A pod out of its row of `kubectl get pods`."""
    ready, _, wanted = row.get("READY", "").partition("/")
    restarts = re.match(r"\d+", row.get("RESTARTS", ""))
    return Pod(
        row["NAME"],
        row.get("STATUS", ""),
        ready == wanted and ready not in ("", "0"),
        int(restarts[0]) if restarts else 0,
        node=row.get("NODE", "").replace("<none>", ""),
    )
